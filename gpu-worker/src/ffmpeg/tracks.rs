//! Which picture and which sound of a file are meant. The rule is told to users in `docs/formats.md`.
//!
//! Pure: it reads what ffprobe said, and asks for the loudness of tracks only where the rule needs it.

use super::FfmpegError;

/// A track of sound that can be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundTrack {
    /// Index in the file.
    pub stream: usize,
    /// Its number among all tracks of sound, from 1, as a user counts them.
    pub number: u32,
    pub channels: u32,
    /// Its channels have named places, so that a downmix knows what to do with them.
    pub has_layout: bool,
    pub is_default: bool,
}

/// The sound that is heard: one track, or several that are mixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// At least one.
    pub inputs: Vec<SoundInput>,
}

/// One track of a mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundInput {
    /// Index in the file.
    pub stream: usize,
    pub mix: ChannelMix,
}

/// What becomes of the channels of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelMix {
    /// Two channels, which is all that phones play; more are mixed down by their places.
    Stereo,
    /// These channels, counted from 0, are mixed to one.
    Picked(Vec<u32>),
}

/// The loudest sample of each channel of a track, 1 for full scale.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelPeaks(pub Vec<f32>);

/// Below it is the noise of an input without a microphone: -48 dB of full scale.
const AUDIBLE: f32 = 0.004;
/// A channel that is softer than the loudest one by more than 30 dB is crosstalk.
const CROSSTALK: f32 = 1.0 / 32.0;

impl Sound {
    /// Chooses among the tracks that can be decoded; `None` when there are none. `requested` is a number from
    /// 1; `listen` measures tracks over the part of the film that is used.
    pub fn choose(
        tracks: &[SoundTrack],
        requested: Option<u32>,
        listen: impl FnOnce(&[&SoundTrack]) -> Result<Vec<ChannelPeaks>, FfmpegError>,
    ) -> Result<Option<Self>, FfmpegError> {
        let mut candidates: Vec<&SoundTrack> = match requested {
            Some(number) => vec![requested_track(tracks, number)?],
            None => tracks.iter().collect(),
        };
        // A stable sort: the order of the file decides between equals.
        candidates.sort_by_key(|track| !track.is_default);
        let first = match candidates[..] {
            [] => return Ok(None),
            [only] if only.channels <= 2 => return Ok(Some(Self::of(only, &ChannelPeaks(Vec::new())))),
            [first, ..] => first,
        };
        let peaks = listen(&candidates)?;
        let heard: Vec<(&SoundTrack, &ChannelPeaks)> =
            candidates.iter().copied().zip(&peaks).filter(|(_, peaks)| peaks.loudest() >= AUDIBLE).collect();
        if candidates.iter().all(|track| track.channels == 1) && !heard.is_empty() {
            let mut mixed: Vec<_> = heard.iter().map(|(track, peaks)| Self::input(track, peaks)).collect();
            mixed.sort_by_key(|input| input.stream);
            return Ok(Some(Self { inputs: mixed }));
        }
        let silent = ChannelPeaks(Vec::new());
        let (track, peaks) = heard.first().copied().unwrap_or((first, &silent));
        Ok(Some(Self::of(track, peaks)))
    }

    /// Whether the mix has one channel.
    pub fn is_mono(&self) -> bool {
        self.inputs.iter().all(|input| match input.mix {
            ChannelMix::Picked(_) => true,
            ChannelMix::Stereo => false,
        })
    }

    fn of(track: &SoundTrack, peaks: &ChannelPeaks) -> Self {
        Self { inputs: vec![Self::input(track, peaks)] }
    }

    fn input(track: &SoundTrack, peaks: &ChannelPeaks) -> SoundInput {
        let mix = match track.channels {
            0 | 1 => ChannelMix::Picked(vec![0]),
            2 => ChannelMix::Stereo,
            // Surround speaks in front. Where nothing does, the channels are separate microphones.
            _ if track.has_layout && (peaks.is_audible(0) || peaks.is_audible(1)) => ChannelMix::Stereo,
            channels => {
                let audible: Vec<u32> = (0..channels).filter(|channel| peaks.is_audible(*channel)).collect();
                match (audible.is_empty(), track.has_layout) {
                    (false, _) => ChannelMix::Picked(audible),
                    (true, true) => ChannelMix::Stereo,
                    (true, false) => ChannelMix::Picked(vec![0]),
                }
            }
        };
        SoundInput { stream: track.stream, mix }
    }
}

impl ChannelPeaks {
    fn loudest(&self) -> f32 {
        self.0.iter().copied().fold(0.0, f32::max)
    }

    fn is_audible(&self, channel: u32) -> bool {
        let peak = usize::try_from(channel).ok().and_then(|channel| self.0.get(channel).copied());
        peak.is_some_and(|peak| peak >= AUDIBLE.max(self.loudest() * CROSSTALK))
    }
}

fn requested_track(tracks: &[SoundTrack], number: u32) -> Result<&SoundTrack, FfmpegError> {
    tracks.iter().find(|track| track.number == number).ok_or_else(|| {
        let numbers: Vec<String> = tracks.iter().map(|track| track.number.to_string()).collect();
        FfmpegError::invalid_input(if numbers.is_empty() {
            format!("audio_track is {number}, but the video has no sound that can be read. Leave it out.")
        } else {
            format!(
                "audio_track is {number}, but the sound tracks that can be read are {}. Choose one of them.",
                numbers.join(", ")
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(stream: usize, channels: u32, is_default: bool) -> SoundTrack {
        let number = u32::try_from(stream).expect("small");
        SoundTrack { stream, number, channels, has_layout: channels <= 2, is_default }
    }

    fn choose(tracks: &[SoundTrack], peaks: &[&[f32]]) -> Sound {
        let listen = |asked: &[&SoundTrack]| {
            let of = |track: &&SoundTrack| ChannelPeaks(peaks[track.stream - 1].to_vec());
            Ok(asked.iter().map(of).collect())
        };
        Sound::choose(tracks, None, listen).expect("a choice").expect("a sound")
    }

    fn streams(sound: &Sound) -> Vec<usize> {
        sound.inputs.iter().map(|input| input.stream).collect()
    }

    const LOUD: &[f32] = &[0.5, 0.5];
    const SILENT: &[f32] = &[0.0, 0.001];

    #[test]
    fn the_default_track_comes_first_unless_it_is_silent() {
        let tracks = [track(1, 2, false), track(2, 2, true), track(3, 2, false)];
        assert_eq!(streams(&choose(&tracks, &[LOUD, LOUD, LOUD])), [2]);
        assert_eq!(streams(&choose(&tracks, &[SILENT, SILENT, LOUD])), [3]);
        assert_eq!(streams(&choose(&tracks, &[SILENT, SILENT, SILENT])), [2]);
    }

    #[test]
    fn mono_tracks_are_microphones_and_are_mixed() {
        let tracks = [1, 2, 3, 4].map(|stream| track(stream, 1, true));
        let sound = choose(&tracks, &[&[0.0], &[0.5], &[0.0], &[0.4]]);
        assert_eq!((streams(&sound), sound.is_mono()), (vec![2, 4], true));
    }

    #[test]
    fn a_lone_microphone_among_channels_is_picked() {
        let mut eight = track(1, 8, true);
        let mut peaks = [0.0; 8];
        peaks[6] = 0.5;
        for has_layout in [false, true] {
            eight.has_layout = has_layout;
            let sound = choose(&[eight.clone()], &[&peaks]);
            assert_eq!(sound.inputs[0].mix, ChannelMix::Picked(vec![6]), "{has_layout}");
        }
        peaks[0] = 0.5;
        assert_eq!(choose(&[eight.clone()], &[&peaks]).inputs[0].mix, ChannelMix::Stereo, "surround");
        eight.has_layout = false;
        assert_eq!(choose(&[eight], &[&peaks]).inputs[0].mix, ChannelMix::Picked(vec![0, 6]));
    }

    #[test]
    fn one_track_of_one_or_two_channels_is_not_listened_to() {
        let never = |_: &[&SoundTrack]| panic!("listened");
        let sound = Sound::choose(&[track(1, 2, false)], None, never).expect("a choice");
        assert_eq!(sound.map(|sound| sound.is_mono()), Some(false));
        assert_eq!(Sound::choose(&[], None, never), Ok(None));
    }

    #[test]
    fn a_requested_track_is_taken_even_when_it_is_silent() {
        let tracks = [track(1, 2, true), track(3, 1, false)];
        let never = |_: &[&SoundTrack]| panic!("listened");
        let sound = Sound::choose(&tracks, Some(3), never).expect("a choice").expect("a sound");
        assert_eq!((streams(&sound), sound.is_mono()), (vec![3], true));
        let error = Sound::choose(&tracks, Some(2), never).expect_err("refused");
        assert!(error.to_string().contains("are 1, 3."), "{error}");
    }
}
