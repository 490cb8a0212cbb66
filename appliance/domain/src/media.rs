//! Assets, their immutable versions, what is known of the media inside, and the previews made from it.

use serde::{Deserialize, Serialize};

use crate::id::{AssetId, ProjectId, UploadId, UserId, VersionId};
use crate::names::FileName;
use crate::people::words;
use crate::time::Timestamp;

/// What a person sees or hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Moving picture, with or without sound.
    Video,
    /// Sound only.
    Audio,
    /// One still.
    Image,
}
words!(Kind { Video = "video", Audio = "audio", Image = "image" });

/// Frames per second as a fraction, e.g. 24000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRate {
    /// Numerator, at least 1.
    pub num: u32,
    /// Denominator, at least 1.
    pub den: u32,
}

impl FrameRate {
    /// Number of the frame shown at `ms` milliseconds from the first one.
    #[must_use]
    pub fn frame_at_ms(self, ms: u64) -> u64 {
        let frames = u128::from(ms) * u128::from(self.num) / (1000 * u128::from(self.den.max(1)));
        u64::try_from(frames).unwrap_or(u64::MAX)
    }
}

/// What the probe found, in the words that people see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFacts {
    /// Video, audio or image.
    pub kind: Kind,
    /// By content, e.g. `video/mp4`.
    pub content_type: String,
    /// Length; `None` for stills.
    pub duration_ms: Option<u64>,
    /// As shown (after rotation and pixel aspect).
    pub width: Option<u32>,
    /// As shown.
    pub height: Option<u32>,
    /// `None` for sound and stills.
    pub frame_rate: Option<FrameRate>,
    /// Number of frames, when known.
    pub frames: Option<u64>,
    /// As ffmpeg names it, e.g. `h264`.
    pub video_codec: Option<String>,
    /// As ffmpeg names it, e.g. `aac`.
    pub audio_codec: Option<String>,
    /// The whole probe, as the media runtime wrote it: kept so that previews can be rebuilt without a second look.
    pub probe: serde_json::Value,
}

/// A piece of media over all its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Stable id.
    pub id: AssetId,
    /// Where it belongs.
    pub project: ProjectId,
    /// Its title; at first the file name without its ending.
    pub title: String,
    /// Who brought it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// The upload it came by.
    pub upload: UploadId,
    /// The newest version.
    pub version: Version,
}

/// One immutable version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Stable id.
    pub id: VersionId,
    /// From 1.
    pub number: u32,
    /// As its owner knows it.
    pub file_name: FileName,
    /// Bytes of the master.
    pub size: u64,
    /// Hex SHA-256 of the master, computed here.
    pub sha256: String,
    /// The master may not be deleted before.
    pub locked_until: Timestamp,
    /// What is inside.
    pub facts: MediaFacts,
    /// The preview generation that viewers get now.
    pub preview: Option<Preview>,
}

/// A published preview generation: a folder of immutable files under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Name of the folder.
    pub generation: String,
    /// `fast` or `full`.
    pub stage: PreviewStage,
    /// Path of the multivariant playlist in the folder.
    pub hls: Option<String>,
    /// Path of the poster.
    pub poster: Option<String>,
    /// Path of the small poster.
    pub card: Option<String>,
    /// Path of the sprite index (WebVTT).
    pub sprites: Option<String>,
    /// Path of the peaks (audiowaveform's JSON).
    pub waveform: Option<String>,
    /// Path of the still.
    pub image: Option<String>,
    /// What can be played.
    pub renditions: Vec<Rendition>,
}

/// How complete a preview is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreviewStage {
    /// Playable: the copied rung, or the lowest one.
    Fast,
    /// The whole ladder.
    Full,
}

/// One rung of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// `copy`, `v360`, `a128`…
    pub name: String,
    /// Pixels; 0 for sound.
    pub width: u32,
    /// Pixels; 0 for sound.
    pub height: u32,
    /// Peak, bits per second.
    pub bandwidth: u64,
    /// Copied from the master or encoded.
    pub copied: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_with_integers() {
        let ntsc = FrameRate { num: 24000, den: 1001 };
        assert_eq!(ntsc.frame_at_ms(0), 0);
        // 3600 s at 24000/1001: 86,313.68… frames have begun.
        assert_eq!(ntsc.frame_at_ms(3_600_000), 86_313);
    }
}
