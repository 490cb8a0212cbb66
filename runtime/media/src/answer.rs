//! What ffprobe answers, and how its words become facts.
//!
//! Invariants: every field may be missing or odd; text of the file is kept only where its shape was checked (a timecode,
//! a language tag).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::analysis::micros;
use crate::args;
use crate::error::{Fault, MediaError};
use crate::facts::{AudioFacts, VideoFacts};
use crate::rate;

#[derive(Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) streams: Vec<Stream>,
    #[serde(default)]
    pub(crate) format: Format,
}

#[derive(Deserialize, Default)]
pub(crate) struct Format {
    pub(crate) start_time: Option<String>,
    pub(crate) duration: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(crate) struct Stream {
    #[serde(default)]
    pub(crate) codec_type: String,
    #[serde(default)]
    pub(crate) codec_name: String,
    pub(crate) profile: Option<String>,
    pub(crate) level: Option<i64>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) sample_aspect_ratio: Option<String>,
    pub(crate) pix_fmt: Option<String>,
    pub(crate) bits_per_raw_sample: Option<String>,
    pub(crate) field_order: Option<String>,
    pub(crate) color_transfer: Option<String>,
    pub(crate) color_space: Option<String>,
    pub(crate) r_frame_rate: Option<String>,
    pub(crate) avg_frame_rate: Option<String>,
    pub(crate) start_time: Option<String>,
    pub(crate) duration: Option<String>,
    pub(crate) nb_frames: Option<String>,
    pub(crate) bit_rate: Option<String>,
    pub(crate) sample_rate: Option<String>,
    pub(crate) channels: Option<u32>,
    #[serde(default)]
    pub(crate) disposition: BTreeMap<String, i64>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) side_data_list: Vec<SideData>,
}

#[derive(Deserialize)]
pub(crate) struct SideData {
    pub(crate) rotation: Option<f64>,
}

#[derive(Deserialize)]
pub(crate) struct Frames {
    #[serde(default)]
    pub(crate) frames: Vec<Frame>,
}

#[derive(Deserialize)]
pub(crate) struct Frame {
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) pix_fmt: Option<String>,
    #[serde(default)]
    pub(crate) interlaced_frame: i64,
    pub(crate) color_transfer: Option<String>,
    pub(crate) color_space: Option<String>,
    #[serde(default)]
    pub(crate) side_data_list: Vec<SideData>,
}

pub(crate) fn is_picture(stream: &Stream) -> bool {
    let cover = stream.disposition.get("attached_pic").is_some_and(|set| *set != 0);
    stream.codec_type == "video" && !cover
}

pub(crate) fn check_codecs(picture: Option<&Stream>, sounds: &[&Stream]) -> Result<(), MediaError> {
    if picture.is_some_and(|stream| !args::VIDEO_CODECS.contains(&stream.codec_name.as_str())) {
        return Err(Fault::UnsupportedCodec { what: "video" }.into());
    }
    if sounds.first().is_some_and(|stream| !args::audio_codec_allowed(&stream.codec_name)) {
        return Err(Fault::UnsupportedCodec { what: "audio" }.into());
    }
    Ok(())
}

pub(crate) fn video_facts(stream: &Stream, frame: &Frame, max_pixels: u64) -> Result<VideoFacts, MediaError> {
    let (Some(width), Some(height)) = (frame.width.or(stream.width), frame.height.or(stream.height)) else {
        return Err(Fault::Undecodable.into());
    };
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(Fault::TooManyPixels { megapixels: max_pixels / 1_000_000 }.into());
    }
    let pix_fmt = frame.pix_fmt.clone().or_else(|| stream.pix_fmt.clone()).unwrap_or_default();
    let turned =
        stream.side_data_list.iter().chain(&frame.side_data_list).find_map(|data| data.rotation).unwrap_or(0.0);
    let rotation = quarter_turns(turned);
    let shape =
        stream.sample_aspect_ratio.as_deref().and_then(|text| rate::parse(&text.replace(':', "/"))).unwrap_or((1, 1));
    let square_pixels = shape.0 == shape.1 || !(1..=8).contains(&(shape.0.max(shape.1) / shape.0.min(shape.1)));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 8 times a width"
    )]
    let stretched = if square_pixels {
        width
    } else {
        (f64::from(width) * shape.0 as f64 / shape.1 as f64).round().max(1.0) as u32
    };
    let (width, height) = if rotation.is_multiple_of(180) { (stretched, height) } else { (height, stretched) };
    let transfer = frame.color_transfer.as_deref().or(stream.color_transfer.as_deref());
    let order = stream.field_order.as_deref().unwrap_or("unknown");
    Ok(VideoFacts {
        codec: stream.codec_name.clone(),
        profile: stream.profile.clone(),
        level: stream.level.and_then(|level| u32::try_from(level).ok()),
        width,
        height,
        frame_rate: None,
        frames: None,
        bit_depth: bit_depth(stream, &pix_fmt),
        rotation,
        interlaced: frame.interlaced_frame != 0 || matches!(order, "tt" | "bb" | "tb" | "bt"),
        hdr: matches!(transfer, Some("smpte2084" | "arib-std-b67")),
        variable_rate: false,
        max_gop_ms: None,
        closed_gop: false,
        square_pixels,
        alpha: has_alpha(&pix_fmt),
        pix_fmt,
        colour_space: frame.color_space.clone().or_else(|| stream.color_space.clone()).filter(|word| word != "unknown"),
        bit_rate: stream.bit_rate.as_deref().and_then(|text| text.parse().ok()),
        lead_us: 0,
    })
}

pub(crate) fn audio_facts(stream: &Stream, picture_start: i64) -> AudioFacts {
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<u64>().ok());
    let word = |word: &String| word.len() <= 8 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    AudioFacts {
        codec: stream.codec_name.clone(),
        profile: stream.profile.clone(),
        channels: stream.channels.unwrap_or(2),
        sample_rate: number(&stream.sample_rate).and_then(|rate| u32::try_from(rate).ok()).unwrap_or(48_000),
        language: stream.tags.get("language").filter(|tag| word(tag) && *tag != "und").cloned(),
        bit_rate: number(&stream.bit_rate),
        duration_ms: declared_us(stream).and_then(|us| u64::try_from(us / 1000).ok()),
        lead_us: time(stream.start_time.as_deref()).map_or(0, |start| start - picture_start),
    }
}

/// ffprobe counts anticlockwise; people (and this crate) count clockwise.
fn quarter_turns(anticlockwise: f64) -> u16 {
    match (-anticlockwise).rem_euclid(360.0) {
        turn if (45.0..135.0).contains(&turn) => 90,
        turn if (135.0..225.0).contains(&turn) => 180,
        turn if (225.0..315.0).contains(&turn) => 270,
        _ => 0,
    }
}

fn bit_depth(stream: &Stream, pix_fmt: &str) -> u8 {
    let named = [16_u8, 14, 12, 10, 9]
        .into_iter()
        .find(|bits| pix_fmt.contains(&format!("p{bits}")) || pix_fmt.contains(&format!("{bits}le")));
    named
        .or_else(|| stream.bits_per_raw_sample.as_deref().and_then(|text| text.parse().ok()))
        .filter(|bits| *bits > 0)
        .unwrap_or(8)
}

fn has_alpha(pix_fmt: &str) -> bool {
    ["rgba", "bgra", "argb", "abgr", "yuva", "gbrap", "ya8", "ya16", "pal8"]
        .iter()
        .any(|word| pix_fmt.starts_with(word))
}

pub(crate) fn time(text: Option<&str>) -> Option<i64> {
    text.and_then(micros)
}

/// The length a stream itself declares: its own field, or Matroska's tag.
pub(crate) fn declared_us(stream: &Stream) -> Option<i64> {
    let tag = || {
        let tag = stream.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case("duration"))?.1;
        let (hours, rest) = tag.split_once(':')?;
        let (minutes, seconds) = rest.split_once(':')?;
        let whole =
            hours.parse::<i64>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?.checked_mul(60_000_000)?;
        whole.checked_add(micros(seconds)?)
    };
    time(stream.duration.as_deref()).or_else(tag).filter(|us| *us > 0)
}

/// The first tag that is a timecode and nothing else.
pub(crate) fn timecode(answer: &Answer) -> Option<String> {
    let tags = answer.streams.iter().map(|stream| &stream.tags).chain([&answer.format.tags]);
    let shape = |text: &&String| {
        text.len() == 11
            && text.bytes().enumerate().all(|(at, byte)| match at {
                2 | 5 => byte == b':',
                8 => byte == b':' || byte == b';',
                _ => byte.is_ascii_digit(),
            })
    };
    tags.filter_map(|tags| tags.get("timecode").filter(shape)).next().cloned()
}
