//! What a file is, from its first bytes only: an allow-list of containers, and a named refusal for everything else.
//!
//! Invariants: name and declared type of an upload play no part; what is not on the list is refused; each container
//! names exactly one demuxer, which the tools are then forced to use (so that a playlist in disguise stays closed).

use crate::error::{Fault, MediaError};

/// How many bytes from the start [`sniff`] wants to see (fewer if the file is shorter).
pub const SNIFF_BYTES: usize = 4096;

/// The kinds of files that are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Container {
    Mp4,
    Mov,
    M4a,
    Matroska,
    Webm,
    MpegTs,
    Wav,
    Mp3,
    Flac,
    Ogg,
    Aac,
    Png,
    Jpeg,
    Webp,
    Gif,
    Tiff,
}

impl Container {
    /// The one demuxer that may open it.
    #[must_use]
    pub fn demuxer(self) -> &'static str {
        match self {
            Self::Mp4 | Self::Mov | Self::M4a => "mov",
            Self::Matroska | Self::Webm => "matroska",
            Self::MpegTs => "mpegts",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Aac => "aac",
            Self::Png => "png_pipe",
            Self::Jpeg => "jpeg_pipe",
            Self::Webp => "webp_pipe",
            Self::Gif => "gif",
            Self::Tiff => "tiff_pipe",
        }
    }

    /// The media type to serve the original with.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::M4a => "audio/mp4",
            Self::Matroska => "video/x-matroska",
            Self::Webm => "video/webm",
            Self::MpegTs => "video/mp2t",
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Flac => "audio/flac",
            Self::Ogg => "audio/ogg",
            Self::Aac => "audio/aac",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
        }
    }

    /// Whether it is a still picture (a GIF counts: its first frame is shown).
    #[must_use]
    pub fn is_image(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Webp | Self::Gif | Self::Tiff)
    }
}

/// Names the container of a file from its first bytes ([`SNIFF_BYTES`] of them, or all if it is shorter).
///
/// # Errors
/// One refusal per kind: empty, executable, playlist, markup, archive, text, unsupported or unknown.
pub fn sniff(head: &[u8]) -> Result<Container, MediaError> {
    if head.is_empty() {
        return Err(Fault::Empty.into());
    }
    if is_executable(head) {
        return Err(Fault::Executable.into());
    }
    if let Some(fault) = text_fault(head) {
        return Err(fault.into());
    }
    if is_archive(head) {
        return Err(Fault::Archive.into());
    }
    media(head).unwrap_or_else(|| Err(named_refusal(head).into()))
}

fn is_executable(head: &[u8]) -> bool {
    const MAGIC: &[&[u8]] = &[
        b"\x7fELF",
        b"MZ",
        b"#!",
        b"\0asm",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"dex\n",
    ];
    MAGIC.iter().any(|magic| head.starts_with(magic))
}

/// Text in any dress: with a byte-order mark, blanks before it, or in UTF-16.
fn text_fault(head: &[u8]) -> Option<Fault> {
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let utf16 = body.starts_with(b"\xff\xfe") && body.get(3) == Some(&0) || body.starts_with(b"\xfe\xff\0");
    let plain: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !(utf16 && *byte == 0))
        .skip_while(|byte| !byte.is_ascii_graphic())
        .collect();
    // A binary file may hold text further on; only one that begins as text is judged as text.
    let blanks_first = body.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if !utf16 && body.get(blanks_first).is_some_and(|byte| !byte.is_ascii_graphic()) {
        return None;
    }
    let lower = plain.to_ascii_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| lower.starts_with(word.as_bytes()));
    if starts(&["#extm3u", "#ext-x-", "ffconcat", "[playlist]", "[reference]", "v=0\r\n", "v=0\n", ";ffmetadata"]) {
        return Some(Fault::Playlist);
    }
    if starts(&["<"]) {
        let within = |word: &str| lower.windows(word.len()).any(|window| window == word.as_bytes());
        let list = within("<mpd") || within("<smil") || within("<asx") || within("<smoothstreamingmedia");
        return Some(if list { Fault::Playlist } else { Fault::Markup });
    }
    let texty = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || (*byte >= 0x80 && !utf16);
    // Media magics that are words (`OggS`, `RIFF`, `fLaC`, `ID3`, `GIF8`) are followed by control bytes or zeros within a few bytes.
    (utf16 || plain.iter().all(texty)).then_some(Fault::Text)
}

fn is_archive(head: &[u8]) -> bool {
    const MAGIC: &[&[u8]] = &[
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x07\x08",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"\x04\x22\x4d\x18",
        b"MSCF",
        b"!<arch>",
    ];
    MAGIC.iter().any(|magic| head.starts_with(magic)) || head.get(257..262) == Some(b"ustar")
}

fn media(head: &[u8]) -> Option<Result<Container, MediaError>> {
    let at = |offset: usize, word: &[u8]| head.get(offset..offset + word.len()) == Some(word);
    let found = match head {
        _ if at(4, b"ftyp") => return Some(iso_brand(head.get(8..12).unwrap_or_default())),
        // QuickTime files from before `ftyp` existed.
        _ if [b"moov", b"mdat", b"wide", b"pnot"].iter().any(|word| at(4, *word)) => Container::Mov,
        _ if at(0, b"\x1a\x45\xdf\xa3") => {
            let webm = head.iter().take(64).copied().collect::<Vec<_>>().windows(4).any(|window| window == b"webm");
            if webm { Container::Webm } else { Container::Matroska }
        }
        _ if (at(0, b"RIFF") || at(0, b"RF64") || at(0, b"BW64")) && at(8, b"WAVE") => Container::Wav,
        _ if at(0, b"RIFF") && at(8, b"WEBP") => Container::Webp,
        _ if at(0, b"fLaC") => Container::Flac,
        _ if at(0, b"OggS") => Container::Ogg,
        _ if at(0, b"\x89PNG\r\n\x1a\n") => Container::Png,
        _ if at(0, b"\xff\xd8\xff") => Container::Jpeg,
        _ if at(0, b"GIF87a") || at(0, b"GIF89a") => Container::Gif,
        _ if at(0, b"II*\0") || at(0, b"MM\0*") => Container::Tiff,
        _ if is_transport_stream(head) => Container::MpegTs,
        _ if at(0, b"ID3") => after_id3(head),
        _ => return mpeg_audio(head).map(Ok),
    };
    Some(Ok(found))
}

fn iso_brand(brand: &[u8]) -> Result<Container, MediaError> {
    match brand {
        b"qt  " => Ok(Container::Mov),
        b"M4A " | b"M4B " => Ok(Container::M4a),
        b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" => Err(Fault::UnsupportedKind { what: "HEIC image" }.into()),
        b"avif" | b"avis" => Err(Fault::UnsupportedKind { what: "AVIF image" }.into()),
        b"crx " => Err(Fault::UnsupportedKind { what: "camera raw image" }.into()),
        _ => Ok(Container::Mp4),
    }
}

/// Sync bytes at a distance of 188 (broadcast) or 192 (Blu-ray and AVCHD, four bytes of time before each packet).
fn is_transport_stream(head: &[u8]) -> bool {
    let synced = |first: usize, step: usize| {
        let seen: Vec<bool> = (0..5).filter_map(|n| head.get(first + n * step)).map(|byte| *byte == 0x47).collect();
        seen.len() >= 2 && seen.iter().all(|hit| *hit)
    };
    synced(0, 188) || synced(4, 192)
}

/// Tags can precede MP3, AAC and FLAC alike; the audio behind them decides if it is in view.
fn after_id3(head: &[u8]) -> Container {
    let size =
        head.get(6..10).map_or(0, |size| size.iter().fold(0_usize, |sum, byte| sum << 7 | usize::from(byte & 0x7f)));
    let rest = head.get(10 + size..).unwrap_or_default();
    if rest.starts_with(b"fLaC") { Container::Flac } else { mpeg_audio(rest).unwrap_or(Container::Mp3) }
}

fn mpeg_audio(head: &[u8]) -> Option<Container> {
    let [first, second, third, ..] = *head else { return None };
    if first != 0xff || second & 0xe0 != 0xe0 {
        return None;
    }
    match second & 0x06 {
        0 if second & 0xf0 == 0xf0 && (third >> 2) & 0xf < 13 => Some(Container::Aac),
        // Layer III with a bit rate and a sampling rate that exist.
        2 if second & 0x18 != 0x08 && third >> 4 != 0xf && (third >> 2) & 3 != 3 => Some(Container::Mp3),
        _ => None,
    }
}

/// A better word than "unknown", where there is one. `infer` only ever names a refusal; it never admits.
fn named_refusal(head: &[u8]) -> Fault {
    let Some(kind) = infer::get(head) else { return Fault::Unknown };
    match kind.matcher_type() {
        infer::MatcherType::App => Fault::Executable,
        infer::MatcherType::Archive if kind.mime_type() == "application/pdf" => {
            Fault::UnsupportedKind { what: "PDF document" }
        }
        infer::MatcherType::Archive => Fault::Archive,
        _ => Fault::UnsupportedKind { what: kind.mime_type() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_diag::Diagnose;

    fn code(head: &[u8]) -> &'static str {
        sniff(head).unwrap_err().code()
    }

    #[test]
    fn what_is_not_media_is_refused_by_name() {
        assert_eq!(code(b""), "media.empty");
        for program in [&b"\x7fELF\x02\x01"[..], b"MZ\x90\0", b"\xcf\xfa\xed\xfe\x07", b"#!/bin/sh\necho"] {
            assert_eq!(code(program), "media.executable");
        }
        for list in [
            &b"#EXTM3U\n#EXT-X-VERSION:3"[..],
            b"\xef\xbb\xbf  \n#extm3u\n",
            b"ffconcat version 1.0\nfile x",
            b"<?xml version='1.0'?><MPD xmlns='urn'>",
            b"v=0\r\no=- 0 0",
        ] {
            assert_eq!(code(list), "media.playlist", "{}", String::from_utf8_lossy(list));
        }
        for markup in [&b"<svg xmlns='x'/>"[..], b"  <!DOCTYPE html><html>", b"\xff\xfe<\0s\0v\0g\0>\0"] {
            assert_eq!(code(markup), "media.markup");
        }
        for archive in [&b"PK\x03\x04\x14\0"[..], b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd\x04"] {
            assert_eq!(code(archive), "media.archive");
        }
        assert_eq!(code(b"dear diary,\n"), "media.text");
        assert_eq!(code(b"file '/etc/passwd'\n"), "media.text");
        assert_eq!(code(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\0\x01"), "media.unsupported-kind");
        assert_eq!(code(b"RIFF\x10\0\0\0AVI LIST\x01\0"), "media.unsupported-kind");
        assert_eq!(code(b"\0\0\0\x18ftypheic\0\0\0\0"), "media.unsupported-kind");
        assert_eq!(code(b"\x01\x02\x03\x04\x05"), "media.unknown-kind");
    }

    #[test]
    fn containers_are_known_by_their_first_bytes() {
        let mut transport = vec![0_u8; 188 * 3];
        for packet in 0..3 {
            transport[packet * 188] = 0x47;
        }
        for (head, container) in [
            (&b"\0\0\0\x20ftypisom\0\0\x02\0"[..], Container::Mp4),
            (b"\0\0\0\x14ftypqt  \0\0\x02\0", Container::Mov),
            (b"\0\0\0\x14ftypM4A \0\0\x02\0", Container::M4a),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Container::Mov),
            (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x82\x84webm", Container::Webm),
            (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x23B\x82\x88matroska", Container::Matroska),
            (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", Container::Wav),
            (b"RIFF\x24\0\0\0WEBPVP8 \x10\0\0\0", Container::Webp),
            (b"fLaC\0\0\0\x22", Container::Flac),
            (b"OggS\0\x02\0\0", Container::Ogg),
            (b"ID3\x04\0\0\0\0\0\x02\0\0\xff\xf1\x50\x80", Container::Aac),
            (b"\xff\xfb\x90\x64\0", Container::Mp3),
            (b"\x89PNG\r\n\x1a\n\0\0\0\r", Container::Png),
            (b"\xff\xd8\xff\xe0\0\x10", Container::Jpeg),
            (b"GIF89a\x01\0\x01\0", Container::Gif),
            (b"II*\0\x08\0\0\0", Container::Tiff),
            (&transport, Container::MpegTs),
        ] {
            assert_eq!(sniff(head).unwrap(), container, "{head:?}");
        }
    }

    #[test]
    fn no_short_or_odd_head_panics() {
        for length in 0..40 {
            for byte in [0_u8, 0x47, b'I', b'<', 0xff, 0x1a, b'R'] {
                let _ = sniff(&vec![byte; length]);
            }
        }
    }
}
