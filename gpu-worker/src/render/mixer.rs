//! The compositing thread: the frames of one clip after the other, and of two in a dissolve.
//!
//! Invariant: at most two clips are decoded at the same time, however many the output has. The decoder of
//! the next clip starts when its first frame is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use reel_core::edit::{Edit, FramePosition};

use super::compositor::Compositor;
use super::decoder::{DecodedFrame, Decoder};
use super::plan::{ClipPlan, ClipTransition, RenderPlan};
use super::{CancelFlag, RenderError};
use crate::ffmpeg::process::ProcessGroup;
use reel_media::blend::{blend, darken};
use reel_media::frame::{Frame, FramePool};

/// Frames that may wait between two threads.
pub(super) const CHANNEL_FRAMES: usize = 2;

/// What the compositing thread works with.
#[derive(Clone, Copy)]
pub(super) struct ClipMixer<'a> {
    pub edit: &'a Edit,
    pub plan: &'a RenderPlan<'a>,
    pub processes: &'a ProcessGroup,
    pub cancel: &'a CancelFlag,
    /// Buffers for the decoded frames of each clip.
    pub decoded: &'a [FramePool],
    /// Buffers for the frames of each output; the main one has none when its frames are the decoded ones.
    pub scaled: &'a [FramePool],
    /// Frames that the encoder has taken.
    pub written: &'a AtomicU64,
}

/// One frame of each output.
type Frames = Vec<Frame>;
type SendFrames<'s> = dyn FnMut(Frames) -> Result<(), MixError> + 's;

/// Why no more frames are sent.
enum MixError {
    /// The encoder has exited; its error is the reason.
    EncoderClosed,
    Failed(RenderError),
}

impl<'a> ClipMixer<'a> {
    /// Sends every frame of the output and calls `on_written` with the number of written frames; stops
    /// without an error when the encoder has exited.
    pub(super) fn run<'scope>(
        self,
        scope: &'scope Scope<'scope, 'a>,
        frames_tx: &[SyncSender<Frame>],
        on_written: &mut dyn FnMut(u64),
    ) -> Result<(), RenderError> {
        let mut send = |frames: Frames| {
            let mut pairs = frames.into_iter().zip(frames_tx);
            let sent = pairs.try_for_each(|(frame, output)| output.send(frame));
            on_written(self.written.load(Ordering::Relaxed));
            sent.map_err(|_| MixError::EncoderClosed)
        };
        match self.mix_clips(scope, &mut send) {
            Ok(()) | Err(MixError::EncoderClosed) => Ok(()),
            Err(MixError::Failed(error)) => Err(error),
        }
    }

    fn mix_clips<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'a>,
        send: &mut SendFrames<'_>,
    ) -> Result<(), MixError> {
        // The clip that dissolves into the current one.
        let mut outgoing: Option<ClipStream<'scope, 'a>> = None;
        let mut before = ClipTransition::Cut;
        for (index, clip) in self.plan.clips.iter().enumerate() {
            let after = self.plan.transitions.get(index).copied().unwrap_or(ClipTransition::Cut);
            let mut stream = self.start_clip(scope, index, clip)?;
            self.send_transition(&mut stream, before, outgoing.as_mut(), send)?;
            if let Some(outgoing) = outgoing.take() {
                outgoing.finish()?;
            }
            let in_transitions = u64::from(before.frames()) + u64::from(after.frames());
            self.send_unchanged(&mut stream, clip.timeline.frames().saturating_sub(in_transitions), send)?;
            if let ClipTransition::Dissolve(_) = after {
                outgoing = Some(stream);
            } else {
                self.send_fade_out(&mut stream, after.frames(), send)?;
                stream.finish()?;
            }
            before = after;
        }
        Ok(())
    }

    fn start_clip<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'a>,
        index: usize,
        clip: &'a ClipPlan<'a>,
    ) -> Result<ClipStream<'scope, 'a>, RenderError> {
        let Some(pool) = self.decoded.get(index) else {
            return Err(RenderError::machine("A clip has no buffers; this is a bug."));
        };
        let (frames_tx, frames) = sync_channel(CHANNEL_FRAMES);
        let several = self.plan.clips.len() > 1;
        let decoder = Decoder {
            clip,
            outputs: &self.plan.outputs,
            in_between: self.plan.in_between,
            processes: self.processes,
            pool,
        };
        let thread = scope.spawn(move || decoder.run(&frames_tx));
        Ok(ClipStream {
            number: several.then_some(index + 1),
            compositor: Compositor::new(self.edit, self.plan, clip)?,
            decoded: pool,
            finished: self.plan.pools(pool, self.scaled),
            frames,
            thread,
            pending: None,
        })
    }

    /// Sends the frames that a transition changes at the start of a clip.
    fn send_transition(
        &self,
        incoming: &mut ClipStream<'_, '_>,
        transition: ClipTransition,
        mut outgoing: Option<&mut ClipStream<'_, '_>>,
        send: &mut SendFrames<'_>,
    ) -> Result<(), MixError> {
        for k in 0..transition.frames() {
            let Some(mut shown) = self.next(incoming)? else { break };
            match (transition, outgoing.as_deref_mut()) {
                (ClipTransition::Dissolve(frames), Some(outgoing)) => {
                    let old = self.next(outgoing)?.unwrap_or_default();
                    for ((frame, old), pool) in shown.iter_mut().zip(old).zip(&outgoing.finished) {
                        blend(frame, &old, k + 1, frames + 1);
                        pool.release(old);
                    }
                }
                (ClipTransition::Fade(frames), _) => shown.iter_mut().for_each(|f| darken(f, k, frames)),
                (ClipTransition::Cut | ClipTransition::Dissolve(_), _) => {}
            }
            send(shown)?;
        }
        Ok(())
    }

    fn send_unchanged(
        &self,
        stream: &mut ClipStream<'_, '_>,
        frames: u64,
        send: &mut SendFrames<'_>,
    ) -> Result<(), MixError> {
        for _ in 0..frames {
            let Some(shown) = self.next(stream)? else { break };
            send(shown)?;
        }
        Ok(())
    }

    fn send_fade_out(
        &self,
        stream: &mut ClipStream<'_, '_>,
        frames: u32,
        send: &mut SendFrames<'_>,
    ) -> Result<(), MixError> {
        for k in (0..frames).rev() {
            let Some(mut shown) = self.next(stream)? else { break };
            for frame in &mut shown {
                darken(frame, k, frames);
            }
            send(shown)?;
        }
        Ok(())
    }

    fn next(&self, stream: &mut ClipStream<'_, '_>) -> Result<Option<Frames>, RenderError> {
        if self.cancel.is_cancelled() { Err(RenderError::cancelled()) } else { stream.next() }
    }
}

impl From<RenderError> for MixError {
    fn from(error: RenderError) -> Self {
        Self::Failed(error)
    }
}

/// A clip while it is decoded.
struct ClipStream<'scope, 'a> {
    /// Its number from 1, when there are several.
    number: Option<usize>,
    compositor: Compositor<'a>,
    decoded: &'a FramePool,
    /// Of each output.
    finished: Vec<&'a FramePool>,
    frames: Receiver<DecodedFrame>,
    thread: ScopedJoinHandle<'scope, Result<(), RenderError>>,
    /// A picture that more output frames show. Each is composited for itself: what is drawn may move.
    pending: Option<DecodedFrame>,
}

impl ClipStream<'_, '_> {
    /// The next frame of each output; `None` at the end.
    fn next(&mut self) -> Result<Option<Frames>, RenderError> {
        let received = self.pending.take().map_or_else(|| self.frames.recv(), Ok);
        let Ok(DecodedFrame { frame, segment, first, repeat }) = received else { return Ok(None) };
        if repeat > 1 {
            let mut copy = self.decoded.acquire();
            copy.bytes_mut().copy_from_slice(frame.bytes());
            self.pending = Some(DecodedFrame { frame: copy, segment, first: first + 1, repeat: repeat - 1 });
        }
        let position = FramePosition { frame: segment.position(first), fps: segment.source_rate.fps() };
        self.compositor.compose(frame, position, self.decoded, &self.finished).map(Some)
    }

    /// Waits for the decoder, and frees its buffers when other clips follow.
    fn finish(self) -> Result<(), RenderError> {
        // Without a receiver the decoder ends.
        drop(self.frames);
        let result = self
            .thread
            .join()
            .unwrap_or_else(|_| Err(RenderError::machine("The decoding thread crashed; this is a bug.")));
        let Some(number) = self.number else { return result };
        self.decoded.clear();
        result.map_err(|error| error.in_clip(number))
    }
}
