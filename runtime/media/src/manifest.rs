//! `manifest.json`: what a generation holds, how it was made, and a digest for every file.
//!
//! Invariants: paths are relative, ours, and use `/`; the file is written last, so a folder with a manifest is complete.
//! Deliberately not here: the check of the media itself (`validate`).

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Fault, MediaError};
use crate::facts::Kind;
use crate::ladder::CopyVerdict;

/// The schema that this version writes.
pub const MANIFEST_SCHEMA: &str = "strongroom.preview/1";

/// One file of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Relative to the generation.
    pub path: String,
    /// Bytes, never zero.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// Where a rendition comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The stream of the master, repackaged.
    Copy,
    /// Encoded here.
    Encoded,
}

/// One HLS rendition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rendition {
    /// Folder under `hls/`.
    pub name: String,
    /// Pixels; 0 for sound.
    pub width: u32,
    /// Pixels; 0 for sound.
    pub height: u32,
    /// Frames per second as an exact fraction; `None` for sound.
    pub frame_rate: Option<(u32, u32)>,
    /// Peak bits per second of this rendition alone (RFC 8216 §4.3.4.2), measured.
    pub bandwidth: u64,
    /// Mean bits per second of this rendition alone, measured.
    pub average_bandwidth: u64,
    /// RFC 6381, read from the init segment.
    pub codecs: String,
    /// Copied or encoded.
    pub source: Source,
    /// ffmpeg's name of the encoder that worked; `None` for a copy.
    pub encoder: Option<String>,
    /// How many media segments.
    pub segments: u32,
    /// Sum of the segments.
    pub duration_ms: u64,
}

/// A step that failed and what was done instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// What failed.
    pub from: String,
    /// What was done.
    pub to: String,
    /// Why, in our words.
    pub reason: String,
}

/// Wall time of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The step.
    pub step: String,
    /// Milliseconds.
    pub wall_ms: u64,
}

/// The content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// Video, audio or image.
    pub kind: Kind,
    /// `fast` or `full`.
    pub generation: String,
    /// First line of `ffmpeg -version`.
    pub ffmpeg: String,
    /// Every file but the manifest, sorted by path.
    pub files: Vec<FileEntry>,
    /// Largest picture first, sound last.
    pub renditions: Vec<Rendition>,
    /// Whether the picture was passed through, and why not. `None` without moving picture.
    pub copy: Option<CopyVerdict>,
    /// What failed on the way.
    pub fallbacks: Vec<Fallback>,
    /// Wall times.
    pub timings: Vec<Timing>,
    /// For people: from the probe and from the build.
    pub warnings: Vec<String>,
}

/// A finished generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// As written to `manifest.json`.
    pub manifest: Manifest,
}

/// Digests every file under `out` but the manifest. Refuses empty files (an empty output counted as done is a classic).
pub(crate) fn inventory(out: &Path) -> Result<Vec<FileEntry>, MediaError> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = out.join(&folder);
        let entries = std::fs::read_dir(&path).map_err(|error| MediaError::io("list", &path, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| MediaError::io("list", &path, error))?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let relative = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type().map_err(|error| MediaError::io("look at", &entry.path(), error))?;
            if kind.is_dir() {
                folders.push(relative);
            } else if relative != "manifest.json" {
                files.push(digest(&entry.path(), relative)?);
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn digest(path: &Path, relative: String) -> Result<FileEntry, MediaError> {
    let mut file = std::fs::File::open(path).map_err(|error| MediaError::io("open", path, error))?;
    let mut hash = Sha256::new();
    let size = std::io::copy(&mut file, &mut hash).map_err(|error| MediaError::io("read", path, error))?;
    if size == 0 {
        return Err(Fault::Invalid { what: format!("`{relative}` is empty") }.into());
    }
    Ok(FileEntry { path: relative, size, sha256: hex::encode(hash.finalize()) })
}

/// Writes the manifest through a temporary name, so that it is there whole or not at all.
pub(crate) fn write(out: &Path, manifest: &Manifest) -> Result<(), MediaError> {
    use std::io::Write as _;
    let path = out.join("manifest.json");
    let partial = out.join(".manifest.json.partial");
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| MediaError::io("write", &path, std::io::Error::other(error)))?;
    let mut file = std::fs::File::create(&partial).map_err(|error| MediaError::io("create", &partial, error))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&partial, &path))
        .map_err(|error| MediaError::io("write", &path, error))
}

/// Reads the manifest of an earlier generation. At most 16 MiB.
pub(crate) fn read(folder: &Path) -> Result<Manifest, MediaError> {
    use std::io::Read as _;
    let path = folder.join("manifest.json");
    let file = std::fs::File::open(&path).map_err(|error| MediaError::io("open", &path, error))?;
    let mut text = Vec::new();
    file.take(16 << 20).read_to_end(&mut text).map_err(|error| MediaError::io("read", &path, error))?;
    serde_json::from_slice(&text).map_err(|error| MediaError::io("read", &path, std::io::Error::other(error)))
}
