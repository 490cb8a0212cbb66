//! What was said: segments with words and times.

use serde::{Deserialize, Serialize};

use crate::id::VersionId;

/// One word with its times, in milliseconds from the start of the media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Start.
    pub start_ms: u64,
    /// End.
    pub end_ms: u64,
    /// As written.
    pub text: String,
    /// 0 to 1.
    pub confidence: f32,
}

/// A stretch of speech.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Position in the transcript, from 0.
    pub index: u32,
    /// Start.
    pub start_ms: u64,
    /// End.
    pub end_ms: u64,
    /// As written.
    pub text: String,
    /// Its words.
    pub words: Vec<Word>,
}

/// Which model wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsed {
    /// Pack id.
    pub pack: String,
    /// Pack version.
    pub version: String,
    /// SHA-256 of the weights, hex.
    pub digest: String,
}

/// The transcript of one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// Of which version.
    pub version: VersionId,
    /// All segments are there.
    pub complete: bool,
    /// BCP 47, e.g. `en`.
    pub language: String,
    /// Who wrote it.
    pub model: ModelUsed,
    /// In order of time.
    pub segments: Vec<Segment>,
}

/// The captions of a transcript as WebVTT (W3C WebVTT §4): one cue per segment, text escaped.
#[must_use]
pub fn web_vtt(segments: &[Segment]) -> String {
    let mut out = String::from("WEBVTT\n");
    for segment in segments {
        let text = segment.text.trim().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // A blank line would end the cue, an arrow would be read as times.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        out.push_str(&format!("\n{} --> {}\n{}\n", clock(segment.start_ms), clock(segment.end_ms), text));
    }
    out
}

fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_escape_what_would_break_a_cue() {
        let segment =
            |text: &str| Segment { index: 0, start_ms: 61_234, end_ms: 3_600_000, text: text.into(), words: vec![] };
        let vtt = web_vtt(&[segment(" a <b>\n\n--> & ")]);
        assert_eq!(vtt, "WEBVTT\n\n00:01:01.234 --> 01:00:00.000\na &lt;b&gt; --&gt; &amp;\n");
    }
}
