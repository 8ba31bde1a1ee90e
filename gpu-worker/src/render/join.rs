//! The composing thread: pictures of one clip after the other, and of two where they meet.
//!
//! Invariant: at most two clips are decoded at the same time, however many the reel has. A next
//! clip's decoder starts when its first picture is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use rayon::prelude::*;
use reel_core::edit::Edit;
use reel_core::edit::FramePosition;

use super::Cancel;
use super::RenderError;
use super::child::Children;
use super::compose::Composer;
use super::decode::Decoding;
use super::decode::Shown;
use super::picture::Picture;
use super::picture::Pool;
use super::reel::Join;
use super::reel::Part;
use super::reel::Reel;

/// Pictures that may wait between two threads.
pub(super) const WAITING: usize = 2;

/// What the composing thread works with.
#[derive(Clone, Copy)]
pub(super) struct Joining<'a> {
    pub edit: &'a Edit,
    pub reel: &'a Reel<'a>,
    pub children: &'a Children,
    pub cancel: &'a Cancel,
    /// Buffers of each part's decoded pictures.
    pub decoded: &'a [Pool],
    /// Buffers of finished pictures, when they are not the decoded ones.
    pub scaled: Option<&'a Pool>,
    /// Frames that the encoder has taken.
    pub written: &'a AtomicU64,
}

/// Where finished pictures go, each for so many frames.
type Ready = SyncSender<(Picture, u32)>;
type Send<'s> = dyn FnMut(Picture, u32) -> Result<(), Stop> + 's;

/// Why no more pictures are sent.
enum Stop {
    /// The encoder has gone; what it said is the reason.
    Unheard,
    Failed(RenderError),
}

impl<'a> Joining<'a> {
    /// Sends every picture of the reel; ends early without a fault when nobody takes them any more.
    pub(super) fn run<'scope>(
        self,
        scope: &'scope Scope<'scope, 'a>,
        ready: &Ready,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), RenderError> {
        let mut send = |picture: Picture, times: u32| {
            let sent = ready.send((picture, times)).map_err(|_| Stop::Unheard);
            tell(self.written.load(Ordering::Relaxed));
            sent
        };
        match self.parts(scope, &mut send) {
            Ok(()) | Err(Stop::Unheard) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn parts<'scope>(&self, scope: &'scope Scope<'scope, 'a>, send: &mut Send<'_>) -> Result<(), Stop> {
        // The part that a dissolve leads away from.
        let mut leaving: Option<Running<'scope, 'a>> = None;
        let mut before = Join::Cut;
        for (index, part) in self.reel.parts.iter().enumerate() {
            let after = self.reel.joins.get(index).copied().unwrap_or(Join::Cut);
            let mut running = self.start(scope, index, part)?;
            self.head(&mut running, before, leaving.as_mut(), send)?;
            if let Some(left) = leaving.take() {
                finish(left)?;
            }
            let changed = u64::from(before.frames()) + u64::from(after.frames());
            let body = part.timeline.frames().map_or(u64::MAX, |frames| frames.saturating_sub(changed));
            self.body(&mut running, body, send)?;
            if let Join::Dissolve(_) = after {
                leaving = Some(running);
            } else {
                self.fade_out(&mut running, after.frames(), send)?;
                finish(running)?;
            }
            before = after;
        }
        Ok(())
    }

    fn start<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'a>,
        index: usize,
        part: &'a Part<'a>,
    ) -> Result<Running<'scope, 'a>, RenderError> {
        let Some(decoded) = self.decoded.get(index) else {
            return Err(RenderError::machine("A clip has no buffers; this is a bug."));
        };
        let (sender, shown) = sync_channel(WAITING);
        let several = self.reel.parts.len() > 1;
        let decoding = Decoding { part, fill: several, children: self.children, pool: decoded };
        let thread = scope.spawn(move || decoding.run(&sender));
        Ok(Running {
            clip: several.then_some(index + 1),
            fps: part.source.rate.fps(),
            composer: Composer::new(self.edit, index)?,
            decoded,
            finished: self.scaled.unwrap_or(decoded),
            shown,
            thread,
            held: None,
        })
    }

    /// The frames that a transition changes at the start of a part.
    fn head(
        &self,
        running: &mut Running<'_, '_>,
        join: Join,
        mut leaving: Option<&mut Running<'_, '_>>,
        send: &mut Send<'_>,
    ) -> Result<(), Stop> {
        for k in 0..join.frames() {
            let Some((mut picture, _)) = self.next(running, 1)? else { break };
            match (join, leaving.as_deref_mut()) {
                (Join::Dissolve(frames), Some(leaving)) => {
                    if let Some((old, _)) = self.next(leaving, 1)? {
                        blend(&mut picture, &old, k + 1, frames + 1);
                        leaving.finished.give(old);
                    }
                }
                (Join::Fade(frames), _) => darken(&mut picture, k, frames),
                (Join::Cut | Join::Dissolve(_), _) => {}
            }
            send(picture, 1)?;
        }
        Ok(())
    }

    fn body(&self, running: &mut Running<'_, '_>, frames: u64, send: &mut Send<'_>) -> Result<(), Stop> {
        let mut left = frames;
        while left > 0 {
            let most = u32::try_from(left).unwrap_or(u32::MAX);
            let Some((picture, times)) = self.next(running, most)? else { break };
            left -= u64::from(times);
            send(picture, times)?;
        }
        Ok(())
    }

    fn fade_out(&self, running: &mut Running<'_, '_>, frames: u32, send: &mut Send<'_>) -> Result<(), Stop> {
        for k in (0..frames).rev() {
            let Some((mut picture, _)) = self.next(running, 1)? else { break };
            darken(&mut picture, k, frames);
            send(picture, 1)?;
        }
        Ok(())
    }

    fn next(&self, running: &mut Running<'_, '_>, most: u32) -> Result<Option<(Picture, u32)>, RenderError> {
        if self.cancel.is_cancelled() { Err(RenderError::cancelled()) } else { running.next(most) }
    }
}

impl From<RenderError> for Stop {
    fn from(error: RenderError) -> Self {
        Self::Failed(error)
    }
}

/// Waits for the part's decoder, and gives its buffers back to the system when others follow.
fn finish(running: Running<'_, '_>) -> Result<(), RenderError> {
    let Running { clip, decoded, shown, thread, .. } = running;
    // Without a listener the decoder ends.
    drop(shown);
    let broken = |_| Err(RenderError::machine("The decoding thread broke down."));
    let ended = thread.join().unwrap_or_else(broken);
    let Some(clip) = clip else { return ended };
    decoded.empty();
    ended.map_err(|error| error.of_clip(clip))
}

/// A part while it is decoded.
struct Running<'scope, 'a> {
    /// Its number from 1, when there are several.
    clip: Option<usize>,
    /// The source's rate.
    fps: f64,
    composer: Composer<'a>,
    decoded: &'a Pool,
    finished: &'a Pool,
    shown: Receiver<Shown>,
    thread: ScopedJoinHandle<'scope, Result<(), RenderError>>,
    /// A picture that some more frames show.
    held: Option<(Picture, u32)>,
}

impl Running<'_, '_> {
    /// The next finished picture and for how many frames, `most` at most; `None` at the end.
    fn next(&mut self, most: u32) -> Result<Option<(Picture, u32)>, RenderError> {
        let (picture, times) = match self.held.take() {
            Some(held) => held,
            None => match self.shown.recv() {
                Ok(Shown { picture, frame, times }) => {
                    let moment = FramePosition { frame, fps: self.fps };
                    (self.composer.compose(picture, moment, self.decoded, self.finished)?, times)
                }
                Err(_) => return Ok(None),
            },
        };
        if times <= most {
            return Ok(Some((picture, times)));
        }
        let mut copy = self.finished.take();
        copy.bytes_mut().copy_from_slice(picture.bytes());
        self.held = Some((picture, times - most));
        Ok(Some((copy, most)))
    }
}

/// Leaves `share / whole` of the light.
fn darken(picture: &mut Picture, share: u32, whole: u32) {
    let light = weight(share, whole);
    picture.bytes_mut().par_chunks_mut(CHUNK_BYTES).for_each(|bytes| {
        for byte in bytes {
            *byte = mixed(*byte, 0, light);
        }
    });
}

/// Takes `share / whole` of `picture` and the rest of `old`.
fn blend(picture: &mut Picture, old: &Picture, share: u32, whole: u32) {
    let own = weight(share, whole);
    let chunks = picture.bytes_mut().par_chunks_mut(CHUNK_BYTES).zip(old.bytes().par_chunks(CHUNK_BYTES));
    chunks.for_each(|(bytes, old)| {
        for (byte, old) in bytes.iter_mut().zip(old) {
            *byte = mixed(*byte, *old, own);
        }
    });
}

/// A share in 256ths.
fn weight(share: u32, whole: u32) -> u16 {
    u16::try_from((share * 256 + whole / 2) / whole.max(1)).unwrap_or(256).min(256)
}

/// `share` 256ths of `a` and the rest of `b`, rounded; fits 16 bits.
fn mixed(a: u8, b: u8, share: u16) -> u8 {
    let sum = u16::from(a).wrapping_mul(share).wrapping_add(u16::from(b).wrapping_mul(256 - share));
    // White alone gives 65280, and 128 more still fits.
    sum.wrapping_add(128).to_be_bytes()[0]
}

/// Large enough that a core's share of a picture is a few of them.
const CHUNK_BYTES: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use reel_core::edit::FrameSize;

    use super::*;

    fn grey(value: u8) -> Picture {
        let mut picture = Picture::black(FrameSize { width: 4, height: 2 });
        picture.bytes_mut().fill(value);
        picture
    }

    #[test]
    fn a_fade_reaches_black_and_keeps_full_light() {
        let faded = |share, whole| {
            let mut picture = grey(255);
            darken(&mut picture, share, whole);
            picture.bytes()[0]
        };
        assert_eq!([faded(0, 15), faded(1, 2), faded(15, 15), faded(0, 1)], [0, 128, 255, 0]);
    }

    #[test]
    fn a_dissolve_is_a_mean_of_both() {
        let mut picture = grey(200);
        blend(&mut picture, &grey(100), 1, 4);
        assert_eq!(picture.bytes()[5], 125);
        let mut white = grey(255);
        blend(&mut white, &grey(255), 3, 7);
        assert_eq!(white.bytes()[0], 255);
    }
}
