//! What may be decoded: the codecs that cameras, phones, recorders and editors write.
//!
//! Invariant: ffmpeg opens no decoder for a file from outside that is not in this list. ffmpeg has hundreds,
//! and most are for games and formats that nobody maintains.

use std::sync::OnceLock;

/// Each codec by ffprobe's name, with ffmpeg's decoders for it where they have other names.
const PICTURE: &[(&str, &[&str])] = &[
    ("av1", &["libdav1d", "libaom-av1", "av1", "av1_cuvid"]),
    ("cfhd", &[]),
    ("dnxhd", &[]),
    ("dvvideo", &[]),
    ("ffv1", &[]),
    ("ffvhuff", &[]),
    ("flashsv", &[]),
    ("flashsv2", &[]),
    ("flv1", &["flv"]),
    ("fraps", &[]),
    ("h263", &[]),
    ("h263p", &[]),
    ("h264", &["h264", "h264_cuvid"]),
    ("hevc", &["hevc", "hevc_cuvid"]),
    ("huffyuv", &[]),
    ("jpeg2000", &["jpeg2000", "libopenjpeg"]),
    ("lagarith", &[]),
    ("magicyuv", &[]),
    ("mjpeg", &["mjpeg", "mjpeg_cuvid"]),
    ("mjpegb", &[]),
    ("mpeg1video", &["mpeg1video", "mpeg1_cuvid"]),
    ("mpeg2video", &["mpeg2video", "mpegvideo", "mpeg2_cuvid"]),
    ("mpeg4", &["mpeg4", "mpeg4_cuvid"]),
    ("msmpeg4v1", &[]),
    ("msmpeg4v2", &[]),
    ("msmpeg4v3", &["msmpeg4"]),
    ("png", &[]),
    ("prores", &[]),
    ("qtrle", &[]),
    ("rawvideo", &[]),
    ("svq3", &[]),
    ("theora", &[]),
    ("utvideo", &[]),
    ("v210", &[]),
    ("vc1", &["vc1", "vc1_cuvid"]),
    ("vp6f", &[]),
    ("vp8", &["vp8", "libvpx", "vp8_cuvid"]),
    ("vp9", &["vp9", "libvpx-vp9", "vp9_cuvid"]),
    ("wmv1", &[]),
    ("wmv2", &[]),
    ("wmv3", &[]),
    ("zmbv", &[]),
];

const SOUND: &[(&str, &[&str])] = &[
    ("aac", &["aac", "aac_fixed"]),
    ("aac_latm", &[]),
    ("ac3", &["ac3", "ac3_fixed"]),
    ("adpcm_ima_qt", &[]),
    ("adpcm_ima_wav", &[]),
    ("adpcm_ms", &[]),
    ("adpcm_swf", &[]),
    ("alac", &[]),
    ("amr_nb", &["amrnb"]),
    ("amr_wb", &["amrwb"]),
    ("dts", &["dca"]),
    ("eac3", &[]),
    ("flac", &[]),
    ("mlp", &[]),
    ("mp1", &["mp1float", "mp1"]),
    ("mp2", &["mp2float", "mp2"]),
    ("mp3", &["mp3float", "mp3"]),
    ("nellymoser", &[]),
    ("opus", &["opus", "libopus"]),
    ("pcm_alaw", &[]),
    ("pcm_bluray", &[]),
    ("pcm_dvd", &[]),
    ("pcm_f32be", &[]),
    ("pcm_f32le", &[]),
    ("pcm_f64be", &[]),
    ("pcm_f64le", &[]),
    ("pcm_mulaw", &[]),
    ("pcm_s16be", &[]),
    ("pcm_s16be_planar", &[]),
    ("pcm_s16le", &[]),
    ("pcm_s16le_planar", &[]),
    ("pcm_s24be", &[]),
    ("pcm_s24le", &[]),
    ("pcm_s24le_planar", &[]),
    ("pcm_s32be", &[]),
    ("pcm_s32le", &[]),
    ("pcm_s32le_planar", &[]),
    ("pcm_s8", &[]),
    ("pcm_u8", &[]),
    ("s302m", &[]),
    ("speex", &["speex", "libspeex"]),
    ("truehd", &[]),
    ("vorbis", &["vorbis", "libvorbis"]),
    ("wmalossless", &[]),
    ("wmapro", &[]),
    ("wmav1", &[]),
    ("wmav2", &[]),
];

/// Text beside the film. It is never rendered, but ffmpeg reports an error for each that it may not open.
const TEXT: &[&str] = &["ass", "mov_text", "srt", "ssa", "subrip", "text", "webvtt"];

/// Whether a picture of this codec is decoded.
pub(super) fn decodes_picture(codec: &str) -> bool {
    PICTURE.iter().any(|(name, _)| *name == codec)
}

/// Whether sound of this codec is decoded.
pub(super) fn decodes_sound(codec: &str) -> bool {
    SOUND.iter().any(|(name, _)| *name == codec)
}

/// The value of `-codec_whitelist`.
pub(super) fn decoder_list() -> &'static str {
    static LIST: OnceLock<String> = OnceLock::new();
    LIST.get_or_init(|| {
        let decoders = PICTURE.iter().chain(SOUND).flat_map(|(codec, decoders)| match decoders {
            [] => std::slice::from_ref(codec),
            _ => decoders,
        });
        decoders.chain(TEXT).copied().collect::<Vec<_>>().join(",")
    })
}
