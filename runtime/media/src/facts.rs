//! What is known about a file after it has been probed. Plain data; nothing here opens anything.
//!
//! Invariants: sizes are as shown (after rotation and pixel shape), rates are exact fractions, times are integers.

use serde::{Deserialize, Serialize};

use crate::container::Container;

/// What a person would call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Moving picture, with or without sound.
    Video,
    /// Sound only.
    Audio,
    /// A still picture.
    Image,
}

/// A probed file. Serialises as `probe.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Video, audio or image.
    pub kind: Kind,
    /// As sniffed; names the demuxer of every later run.
    pub container: Container,
    /// Bytes on disk.
    pub size: u64,
    /// Of the picture if there is one, else of the sound. `None` for images.
    pub duration_ms: Option<u64>,
    /// Presentation time of the first picture (or sound) as the file counts it. Previews always begin at zero.
    pub start_ms: i64,
    /// Start timecode written in the file, as `HH:MM:SS:FF` (`;` before the frames: drop-frame).
    pub timecode: Option<String>,
    /// The picture. Images have one too.
    pub video: Option<VideoFacts>,
    /// Sound tracks in file order; the first is used.
    pub audio: Vec<AudioFacts>,
    /// Plain sentences for people: what the preview will not show.
    pub warnings: Vec<String>,
}

/// The first picture stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoFacts {
    /// `h264`, `prores`, `png`, …
    pub codec: String,
    /// As ffprobe names it: `High`, `Main 10`, …
    pub profile: Option<String>,
    /// Ten times the level for H.264 (42 is 4.2).
    pub level: Option<u32>,
    /// Shown width in pixels, after rotation and pixel shape.
    pub width: u32,
    /// Shown height in pixels.
    pub height: u32,
    /// Frames per second as an exact fraction (numerator, denominator), snapped to a standard rate within 0.1 %.
    pub frame_rate: Option<(u32, u32)>,
    /// How many frames there are.
    pub frames: Option<u64>,
    /// `yuv420p`, …
    pub pix_fmt: String,
    /// Bits per sample.
    pub bit_depth: u8,
    /// Degrees clockwise by which the stored picture is turned for showing: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Two fields per frame.
    pub interlaced: bool,
    /// PQ or HLG.
    pub hdr: bool,
    /// Frames do not lie on the grid of `frame_rate`: frame numbers are approximate.
    pub variable_rate: bool,
    /// Longest distance between key frames, as far as the file was read.
    pub max_gop_ms: Option<u32>,
    /// No picture refers across a key frame, and the first packet is a key frame.
    pub closed_gop: bool,
    /// Pixels are square.
    pub square_pixels: bool,
    /// Has an alpha channel.
    pub alpha: bool,
    /// The matrix as the file tags it: `bt709`, …
    pub colour_space: Option<String>,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// Microseconds from the start of the file's clock to the first picture.
    pub lead_us: i64,
}

/// One sound track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AudioFacts {
    /// `aac`, `pcm_s24le`, …
    pub codec: String,
    /// `LC`, …
    pub profile: Option<String>,
    /// How many.
    pub channels: u32,
    /// Hertz.
    pub sample_rate: u32,
    /// ISO 639 as the file has it.
    pub language: Option<String>,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// Milliseconds of this track.
    pub duration_ms: Option<u64>,
    /// Microseconds from the first picture (without a picture: from the start of the file's clock) to the first sample.
    pub lead_us: i64,
}

impl Probe {
    /// Seconds, for limits and progress. Zero when unknown.
    pub(crate) fn seconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of media fit a double exactly")]
        self.duration_ms.map_or(0.0, |ms| ms as f64 / 1000.0)
    }
}
