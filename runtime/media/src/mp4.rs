//! The few boxes of fragmented MP4 that are needed: what codecs an init segment declares, and where a track starts.
//!
//! A picture track with reordered frames starts at a negative decode time, which ffmpeg writes as an edit list. Players of
//! media segments differ in how they treat that, and a player that ignores it shows every frame two frames late.
//! [`settle`] therefore moves the shift into the composition offsets (ISO/IEC 14496-12 §8.8.8, version 1: signed) and
//! drops the edit list: decode time and first presentation time are both zero, as CMAF asks.
//! Invariants: no box reaches beyond its parent; sizes of files do not change; any bytes are accepted.

use std::ops::Range;
use std::path::Path;

use crate::error::{Fault, MediaError};

/// Init and media segments are ours and small; more than this is not one of them.
const SEGMENT_MAX: u64 = 256 << 20;

/// Payload ranges of the child boxes of a kind, in order.
fn children(bytes: &[u8], within: &Range<usize>, kind: &[u8; 4]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = within.start;
    while at + 8 <= within.end {
        let Some(mut size) = u32_at(bytes, at).map(|size| size as usize) else { break };
        let mut header = 8;
        if size == 1 {
            let Some(large) = u64_at(bytes, at + 8).and_then(|large| usize::try_from(large).ok()) else { break };
            (size, header) = (large, 16);
        } else if size == 0 {
            size = within.end - at;
        }
        let Some(end) = at.checked_add(size).filter(|end| size >= header && *end <= within.end) else { break };
        if bytes.get(at + 4..at + 8) == Some(kind) {
            found.push(at + header..end);
        }
        at = end;
    }
    found
}

fn descend(bytes: &[u8], path: &[&[u8; 4]]) -> Option<Range<usize>> {
    path.iter().try_fold(0..bytes.len(), |within, kind| children(bytes, &within, kind).into_iter().next())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The RFC 6381 name of the first track of an init segment: `avc1.640028` or `mp4a.40.2`.
pub(crate) fn codecs(init: &[u8]) -> Option<String> {
    let stsd = descend(init, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
    let entries = stsd.start + 8..stsd.end;
    for kind in [b"avc1", b"avc3"] {
        if let Some(entry) = children(init, &entries, kind).first() {
            // A visual sample entry has 78 bytes before its boxes.
            let config = children(init, &(entry.start + 78..entry.end), b"avcC").into_iter().next()?;
            let [profile, compatibility, level] = *init.get(config.start + 1..config.start + 4)? else { return None };
            return Some(format!("avc1.{profile:02x}{compatibility:02x}{level:02x}"));
        }
    }
    let entry = children(init, &entries, b"mp4a").into_iter().next()?;
    // An audio sample entry has 28 bytes before its boxes; `esds` has a version and flags before its descriptors.
    let esds = children(init, &(entry.start + 28..entry.end), b"esds").into_iter().next()?;
    let decoder = descriptor(init, &(esds.start + 4..esds.end), 3, 4, 3)?;
    let object = *init.get(decoder.start)?;
    let specific = descriptor(init, &decoder, 4, 5, 13)?;
    let (first, second) = (*init.get(specific.start)?, init.get(specific.start + 1).copied().unwrap_or(0));
    let audio_object = match first >> 3 {
        31 => 32 + ((first & 7) << 3 | second >> 5),
        kind => kind,
    };
    Some(format!("mp4a.{object:02x}.{audio_object}"))
}

/// MPEG-4 descriptors (ISO/IEC 14496-1 §7.2.6): finds descriptor `wanted`, either here or `skip` bytes inside the
/// descriptor `outer` that begins here. Answers its payload.
fn descriptor(bytes: &[u8], within: &Range<usize>, outer: u8, wanted: u8, skip: usize) -> Option<Range<usize>> {
    let mut at = within.start + if outer == 4 { skip } else { 0 };
    for _ in 0..8 {
        if at >= within.end {
            return None;
        }
        let tag = *bytes.get(at)?;
        let mut size = 0_usize;
        at += 1;
        for _ in 0..4 {
            let byte = *bytes.get(at)?;
            at += 1;
            size = size << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let end = at.checked_add(size).filter(|end| *end <= within.end)?;
        if tag == wanted {
            return Some(at..end);
        }
        at = if tag == outer { at + skip } else { end };
    }
    None
}

/// Where the edit list of the first track starts, in units of the track's clock. Zero without one.
fn start_of(init: &[u8]) -> Result<i64, MediaError> {
    let Some(list) = descend(init, &[b"moov", b"trak", b"edts", b"elst"]) else { return Ok(0) };
    let odd = || MediaError::from(Fault::Invalid { what: "a rendition does not begin at zero".to_owned() });
    let long = init.get(list.start) == Some(&1);
    if u32_at(init, list.start + 4) != Some(1) {
        return Err(odd());
    }
    let start = if long {
        u64_at(init, list.start + 16).map(u64::cast_signed)
    } else {
        u32_at(init, list.start + 12).map(|start| i64::from(start.cast_signed()))
    };
    start.filter(|start| (0..1 << 31).contains(start)).ok_or_else(odd)
}

/// Rewrites a picture rendition in place so that its first frame is shown at zero without an edit list.
pub(crate) fn settle(folder: &Path, segments: &[String]) -> Result<(), MediaError> {
    let init_path = folder.join("init.mp4");
    let mut init = read(&init_path)?;
    let shift = start_of(&init)?;
    let Some(track) = descend(&init, &[b"moov", b"trak"]) else { return Err(unreadable()) };
    if let Some(edits) = children(&init, &track, b"edts").first()
        && let Some(kind) = init.get_mut(edits.start - 4..edits.start)
    {
        kind.copy_from_slice(b"free");
    }
    write(&init_path, &init)?;
    for name in segments.iter().filter(|_| shift != 0) {
        let path = folder.join(name);
        let mut bytes = read(&path)?;
        shift_segment(&mut bytes, shift)?;
        write(&path, &bytes)?;
    }
    Ok(())
}

fn shift_segment(bytes: &mut [u8], shift: i64) -> Result<(), MediaError> {
    let whole = 0..bytes.len();
    let mut runs = Vec::new();
    for fragment in children(bytes, &whole, b"moof") {
        for track in children(bytes, &fragment, b"traf") {
            runs.extend(children(bytes, &track, b"trun"));
        }
    }
    for run in runs {
        let word = u32_at(bytes, run.start).ok_or_else(unreadable)?;
        let (signed, flags) = (word >> 24 != 0, word & 0x00ff_ffff);
        if flags & 0x800 == 0 {
            return Err(unreadable());
        }
        let count = u32_at(bytes, run.start + 4).ok_or_else(unreadable)? as usize;
        let before = 8 + 4 * ((flags & 1) + (flags >> 2 & 1)) as usize;
        let field = |bit: u32| ((flags >> bit) & 1) as usize * 4;
        let (lead, stride) = (field(8) + field(9) + field(10), field(8) + field(9) + field(10) + 4);
        if run.start + before + count.saturating_mul(stride) > run.end {
            return Err(unreadable());
        }
        for sample in 0..count {
            let at = run.start + before + sample * stride + lead;
            let raw = u32_at(bytes, at).ok_or_else(unreadable)?;
            let old = if signed { i64::from(raw.cast_signed()) } else { i64::from(raw) };
            let new = i32::try_from(old - shift).map_err(|_| unreadable())?;
            bytes.get_mut(at..at + 4).ok_or_else(unreadable)?.copy_from_slice(&new.to_be_bytes());
        }
        if let Some(version) = bytes.get_mut(run.start) {
            *version = 1;
        }
    }
    Ok(())
}

fn unreadable() -> MediaError {
    Fault::Invalid { what: "a media segment is not built as expected".to_owned() }.into()
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, MediaError> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| MediaError::io("open", path, error))?;
    let mut bytes = Vec::new();
    file.take(SEGMENT_MAX).read_to_end(&mut bytes).map_err(|error| MediaError::io("read", path, error))?;
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), MediaError> {
    std::fs::write(path, bytes).map_err(|error| MediaError::io("write", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut bytes = (payload.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(payload);
        bytes
    }

    fn nested(kinds: &[&[u8; 4]], payload: &[u8]) -> Vec<u8> {
        kinds.iter().rev().fold(payload.to_vec(), |inner, kind| atom(kind, &inner))
    }

    #[test]
    fn codec_names_are_read_from_the_decoder_configuration() {
        let mut entry = vec![0; 78];
        entry.extend(atom(b"avcC", &[1, 0x64, 0x00, 0x28, 0xff]));
        let mut stsd = vec![0; 8];
        stsd.extend(atom(b"avc1", &entry));
        let init = nested(&[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"], &stsd);
        assert_eq!(codecs(&init).as_deref(), Some("avc1.640028"));

        let mut esds = vec![0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 22, 0, 1, 0, 4, 17, 0x40, 0x15];
        esds.extend([0; 11]);
        esds.extend([5, 2, 0x11, 0x90]);
        let mut entry = vec![0; 28];
        entry.extend(atom(b"esds", &esds));
        let mut stsd = vec![0; 8];
        stsd.extend(atom(b"mp4a", &entry));
        let init = nested(&[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"], &stsd);
        assert_eq!(codecs(&init).as_deref(), Some("mp4a.40.2"));
    }

    #[test]
    fn a_shift_makes_offsets_signed_and_leaves_sizes() {
        // flags: data offset, size and composition offset per sample
        let mut run = vec![0, 0, 0x0a, 0x01, 0, 0, 0, 2, 0, 0, 0, 0];
        for (size, offset) in [(10_u32, 2002_u32), (7, 0)] {
            run.extend(size.to_be_bytes());
            run.extend(offset.to_be_bytes());
        }
        let mut bytes = nested(&[b"moof", b"traf", b"trun"], &run);
        let length = bytes.len();
        shift_segment(&mut bytes, 2002).unwrap();
        assert_eq!(bytes.len(), length);
        assert!(bytes.ends_with(&[0, 0, 0, 7, 0xff, 0xff, 0xf8, 0x2e]));
        assert_eq!(bytes[24], 1);
    }

    #[test]
    fn no_bytes_panic() {
        for length in 0..64_usize {
            for byte in [0_u8, 1, 8, 0xff] {
                let mut bytes = vec![byte; length];
                let _ = codecs(&bytes);
                let _ = start_of(&bytes);
                let _ = shift_segment(&mut bytes, 3);
            }
        }
    }
}
