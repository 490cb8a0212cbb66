//! HLS playlists: reads those of the renditions strictly, measures their segments, writes the multivariant playlist.
//!
//! The multivariant playlist is ours because ffmpeg's takes rates from settings, not from what was made: with a constant
//! quality it counts sound only, and lists nothing at all for silent video.
//! Invariants: all URIs are relative names of our own; `BANDWIDTH` is the measured peak (RFC 8216 §4.3.4.2).

use std::fmt::Write as _;
use std::path::Path;

use crate::error::{Fault, MediaError};
use crate::manifest::Rendition;
use crate::rate;

/// A media segment as its playlist names it, with its size on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) duration_us: u64,
    pub(crate) size: u64,
}

const SHORT_TAIL_US: u64 = 500_000;

/// A rendition's own playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) target_seconds: u64,
    pub(crate) segments: Vec<Segment>,
}

/// Reads `index.m3u8` in `folder` and looks at every segment it names. At most 4 MiB.
pub(crate) fn index(folder: &Path) -> Result<Index, MediaError> {
    let path = folder.join("index.m3u8");
    let text = String::from_utf8(crate::mp4::read(&path)?).map_err(|_| odd("a playlist is not text"))?;
    let (target_seconds, names) = parse(&text)?;
    let mut segments = Vec::with_capacity(names.len());
    for (name, duration_us) in names {
        let file = folder.join(&name);
        let size = std::fs::metadata(&file).map_err(|error| MediaError::io("open", &file, error))?.len();
        if size == 0 {
            return Err(odd(&format!("`{name}` is empty")));
        }
        segments.push(Segment { name, duration_us, size });
    }
    Ok(Index { target_seconds, segments })
}

/// Joins a last segment that is shorter than half a second to the one before it, on disk and in the playlist.
///
/// Players look segments up by time with a tolerance (hls.js: a quarter of a second), so a last segment of one frame can
/// count as loaded when it is not, and what lies in it cannot be reached. A segment may hold several fragments, so the
/// files are simply put together.
pub(crate) fn join_short_tail(folder: &Path, mut index: Index) -> Result<Index, MediaError> {
    if index.segments.len() < 2 || index.segments.last().is_none_or(|last| last.duration_us >= SHORT_TAIL_US) {
        return Ok(index);
    }
    let Some(tail) = index.segments.pop() else { return Ok(index) };
    let Some(before) = index.segments.last_mut() else { return Ok(index) };
    let (from, to) = (folder.join(&tail.name), folder.join(&before.name));
    let bytes = crate::mp4::read(&from)?;
    std::fs::OpenOptions::new()
        .append(true)
        .open(&to)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .map_err(|error| MediaError::io("write", &to, error))?;
    std::fs::remove_file(&from).map_err(|error| MediaError::io("remove", &from, error))?;
    before.duration_us += tail.duration_us;
    before.size += tail.size;
    let longest = index.segments.iter().map(|segment| segment.duration_us).max().unwrap_or(0);
    index.target_seconds = index.target_seconds.max((longest + 500_000) / 1_000_000);
    let path = folder.join("index.m3u8");
    std::fs::write(&path, index.text()).map_err(|error| MediaError::io("write", &path, error))?;
    Ok(index)
}

fn odd(what: &str) -> MediaError {
    Fault::Invalid { what: what.to_owned() }.into()
}

fn parse(text: &str) -> Result<(u64, Vec<(String, u64)>), MediaError> {
    let mut lines = text.lines();
    if lines.next() != Some("#EXTM3U") || text.lines().next_back() != Some("#EXT-X-ENDLIST") {
        return Err(odd("a playlist is cut off"));
    }
    let mut target = None;
    let mut pending = None;
    let mut names = Vec::new();
    for line in lines {
        if let Some(value) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
            target = value.parse().ok();
        } else if let Some(value) = line.strip_prefix("#EXTINF:") {
            pending = value.trim_end_matches(',').parse::<f64>().ok().filter(|seconds| (0.0..3600.0).contains(seconds));
        } else if let Some(value) = line.strip_prefix("#EXT-X-MAP:") {
            if value != "URI=\"init.mp4\"" {
                return Err(odd("a playlist names another init segment"));
            }
        } else if !line.starts_with('#') && !line.is_empty() {
            let number = line.strip_prefix('s').and_then(|rest| rest.strip_suffix(".m4s"));
            let ours =
                number.is_some_and(|digits| digits.len() >= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()));
            let (true, Some(seconds)) = (ours, pending.take()) else {
                return Err(odd("a playlist names a segment that is not ours"));
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3600 seconds")]
            names.push((line.to_owned(), (seconds * 1e6).round() as u64));
        }
    }
    match target {
        Some(target) if !names.is_empty() => Ok((target, names)),
        _ => Err(odd("a playlist has no segments")),
    }
}

impl Index {
    fn text(&self) -> String {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n",
            self.target_seconds
        );
        for Segment { name, duration_us, .. } in &self.segments {
            let (seconds, rest) = (duration_us / 1_000_000, duration_us % 1_000_000);
            let _ = write!(text, "#EXTINF:{seconds}.{rest:06},\n{name}\n");
        }
        text + "#EXT-X-ENDLIST\n"
    }

    pub(crate) fn duration_us(&self) -> u64 {
        self.segments.iter().map(|segment| segment.duration_us).sum()
    }

    /// Mean bits per second.
    pub(crate) fn average_bandwidth(&self) -> u64 {
        bits_per_second(self.segments.iter().map(|segment| segment.size).sum(), self.duration_us())
    }

    /// Peak bits per second over every contiguous set of segments that lasts 0.5 to 1.5 target durations (RFC 8216bis
    /// §4.4.6.2). So a last segment of one frame, which is nearly all key frame, does not inflate it.
    pub(crate) fn peak_bandwidth(&self) -> u64 {
        let target = self.target_seconds.max(1) * 1_000_000;
        let mut peak = self.average_bandwidth();
        for start in 0..self.segments.len() {
            let (mut size, mut duration) = (0, 0);
            for segment in self.segments.iter().skip(start) {
                size += segment.size;
                duration += segment.duration_us;
                if duration * 2 > target * 3 {
                    break;
                }
                if duration * 2 >= target {
                    peak = peak.max(bits_per_second(size, duration));
                }
            }
        }
        peak
    }
}

fn bits_per_second(bytes: u64, us: u64) -> u64 {
    // Rounded up: an announced peak below the real one makes players stall.
    u64::try_from((u128::from(bytes) * 8_000_000).div_ceil(u128::from(us.max(1)))).unwrap_or(u64::MAX)
}

/// The multivariant playlist of these renditions, largest picture first. Sound is a group of its own, so that it is
/// stored once and does not click when the picture changes its rung.
pub(crate) fn multivariant(renditions: &[Rendition], channels: u32) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let sound = renditions.iter().find(|rendition| rendition.width == 0);
    let pictures: Vec<&Rendition> = renditions.iter().filter(|rendition| rendition.width > 0).collect();
    if let (Some(sound), false) = (sound, pictures.is_empty()) {
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Main\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{}/index.m3u8\"",
            sound.name
        );
    }
    for picture in &pictures {
        let (peak, mean) = sound.map_or((0, 0), |sound| (sound.bandwidth, sound.average_bandwidth));
        let codecs: Vec<&str> =
            [Some(picture.codecs.as_str()), sound.map(|sound| sound.codecs.as_str())].into_iter().flatten().collect();
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},RESOLUTION={}x{}",
            picture.bandwidth + peak,
            picture.average_bandwidth + mean,
            picture.width,
            picture.height
        );
        if let Some(frame_rate) = picture.frame_rate {
            let _ = write!(text, ",FRAME-RATE={:.3}", rate::per_second(frame_rate));
        }
        let _ = write!(text, ",CODECS=\"{}\"", codecs.join(","));
        if sound.is_some() {
            text.push_str(",AUDIO=\"sound\"");
        }
        let _ = writeln!(text, "\n{}/index.m3u8", picture.name);
    }
    if let (Some(sound), true) = (sound, pictures.is_empty()) {
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"\n{}/index.m3u8",
            sound.bandwidth, sound.average_bandwidth, sound.codecs, sound.name
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(parts: &[(u64, u64)]) -> Index {
        let segments = parts
            .iter()
            .map(|(ms, size)| Segment { name: "s00000.m4s".into(), duration_us: ms * 1000, size: *size })
            .collect();
        Index { target_seconds: 4, segments }
    }

    #[test]
    fn the_peak_is_that_of_the_worst_segment_but_not_of_a_tiny_last_one() {
        assert_eq!(segments(&[(4000, 500_000), (4000, 1_000_000)]).peak_bandwidth(), 2_000_000);
        assert_eq!(segments(&[(4000, 500_000), (40, 50_000)]).peak_bandwidth(), 550_000 * 8_000 / 4040 + 1);
        assert_eq!(segments(&[(40, 50_000)]).peak_bandwidth(), 10_000_000);
    }

    #[test]
    fn only_our_own_names_pass_in_a_playlist() {
        let list = |line: &str| {
            format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4.0,\n{line}\n#EXT-X-ENDLIST\n"
            )
        };
        assert_eq!(parse(&list("s00012.m4s")).unwrap().1, [("s00012.m4s".to_owned(), 4_000_000)]);
        for foreign in ["../s00001.m4s", "http://x/s00001.m4s", "s1.m4s", "sxxxxx.m4s"] {
            assert!(parse(&list(foreign)).is_err(), "{foreign}");
        }
        assert!(parse("#EXTM3U\n#EXT-X-TARGETDURATION:4\n").is_err());
    }
}
