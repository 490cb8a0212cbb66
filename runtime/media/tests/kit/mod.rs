//! Clips made by the real ffmpeg in a temporary folder, and short ways to probe and build them.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use runtime_media::{Built, Cancel, MediaError, Observer, Probe, ProbeLimits, Profile, Tools, sniff};

/// A picture that moves, at 320 × 180 unless told otherwise.
pub(crate) fn picture(size: &str, rate: &str, seconds: u32) -> Vec<String> {
    words(&format!("-f lavfi -i testsrc2=s={size}:r={rate}:d={seconds}"))
}

/// A tone.
pub(crate) fn tone(seconds: u32) -> Vec<String> {
    words(&format!("-f lavfi -i sine=f=440:r=48000:d={seconds}"))
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

pub(crate) const H264: &str =
    "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -g 48 -keyint_min 48 -sc_threshold 0";

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) tools: Tools,
}

pub(crate) fn bench() -> Bench {
    // One set of tools for the whole binary: its walls are tried once.
    static TOOLS: OnceLock<Tools> = OnceLock::new();
    let tools = TOOLS.get_or_init(|| Tools::on_path().expect("ffmpeg and ffprobe are needed for these tests")).clone();
    Bench { folder: tempfile::tempdir().unwrap(), tools }
}

impl Bench {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs ffmpeg with `inputs` and `options` and answers the path of the clip.
    pub(crate) fn clip(&self, name: &str, inputs: &[Vec<String>], options: &str) -> PathBuf {
        let path = self.path(name);
        let output = Command::new("timeout")
            .args(["60", "ffmpeg", "-v", "error", "-nostdin", "-y"])
            .args(inputs.concat())
            .args(words(options))
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        path
    }

    pub(crate) async fn probe(&self, clip: &Path) -> Result<Probe, MediaError> {
        let container = sniff(&head(clip))?;
        runtime_media::probe(&self.tools, clip, container, ProbeLimits::default()).await
    }

    /// Probes and makes the first generation in `fast/`.
    pub(crate) async fn fast(&self, clip: &Path) -> (Probe, Built, PathBuf, Notes) {
        let probe = self.probe(clip).await.unwrap();
        let (out, notes) = (self.path("fast"), Notes::default());
        let profile = Profile::default();
        let built = runtime_media::build_fast(&self.tools, clip, &probe, &profile, &out, &notes, &Cancel::new()).await;
        (probe, built.unwrap_or_else(explain), out, notes)
    }

    /// Makes the second generation in `full/` beside `fast/`.
    pub(crate) async fn full(&self, clip: &Path, probe: &Probe) -> (Built, PathBuf) {
        let (out, fast, notes) = (self.path("full"), self.path("fast"), Notes::default());
        let profile = Profile::default();
        let cancel = Cancel::new();
        let built = runtime_media::build_full(&self.tools, clip, probe, &profile, &fast, &out, &notes, &cancel).await;
        (built.unwrap_or_else(explain), out)
    }
}

fn explain(error: MediaError) -> Built {
    panic!("{}\n{}", runtime_diag::render(&error), error.log().unwrap_or_default())
}

pub(crate) fn head(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    bytes.truncate(runtime_media::SNIFF_BYTES);
    bytes
}

/// Keeps what an observer is told.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<(f32, String)>>);

impl Notes {
    pub(crate) fn all(&self) -> Vec<(f32, String)> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Notes {
    fn progress(&self, fraction: f32, note: &str) {
        self.0.lock().unwrap().push((fraction, note.to_owned()));
    }
}

/// `-show_entries` of a file, as text, by the stock ffprobe.
pub(crate) fn ask(file: &Path, options: &str) -> String {
    let output =
        Command::new("timeout").args(["30", "ffprobe", "-v", "error"]).args(words(options)).arg(file).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A rendition's init and media segments in one file, as a player would append them.
pub(crate) fn joined(out: &Path, rung: &str) -> PathBuf {
    let folder = out.join("hls").join(rung);
    let mut bytes = std::fs::read(folder.join("init.mp4")).unwrap();
    for n in 0.. {
        let Ok(segment) = std::fs::read(folder.join(format!("s{n:05}.m4s"))) else { break };
        bytes.extend(segment);
    }
    let path = out.parent().unwrap().join(format!("joined-{rung}.mp4"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Picture times of a rendition in order of showing, from its boxes: decode time plus signed composition offset, with no
/// edit list. (The stock tools move pictures with negative offsets, players do not.)
pub(crate) fn shown_times(out: &Path, rung: &str) -> Vec<f64> {
    let bytes = std::fs::read(joined(out, rung)).unwrap();
    assert!(boxes(&bytes, &[b"moov", b"trak", b"edts"]).is_empty(), "{rung} has an edit list");
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let clock = f64::from(word(boxes(&bytes, &[b"moov", b"trak", b"mdia", b"mdhd"])[0].start + 12));
    let mut times = Vec::new();
    for fragment in boxes(&bytes, &[b"moof", b"traf"]) {
        let inside = |kind: &[u8; 4]| within(&bytes, &fragment, kind).remove(0).start;
        let (header, base, run) = (inside(b"tfhd"), inside(b"tfdt"), inside(b"trun"));
        let fixed = word(header + 8 + 8 * (word(header) & 1) as usize + 4 * (word(header) >> 1 & 1) as usize);
        let mut decode = (u64::from(word(base + 4)) << 32 | u64::from(word(base + 8))) as i64;
        let flags = word(run);
        let mut at = run + 8 + 4 * ((flags & 1) + (flags >> 2 & 1)) as usize;
        for _ in 0..word(run + 4) {
            let mut next = |bit: u32| {
                let present = flags >> bit & 1 == 1;
                let value = present.then(|| word(at));
                at += if present { 4 } else { 0 };
                value
            };
            let (duration, _size, _flags, offset) = (next(8), next(9), next(10), next(11));
            times.push((decode + i64::from(offset.unwrap_or(0) as i32)) as f64 / clock);
            decode += i64::from(duration.unwrap_or(fixed));
        }
    }
    times.sort_by(f64::total_cmp);
    times
}

fn boxes(bytes: &[u8], path: &[&[u8; 4]]) -> Vec<std::ops::Range<usize>> {
    let whole = 0..bytes.len();
    path.iter()
        .fold(Vec::from([whole]), |ranges, kind| ranges.iter().flat_map(|range| within(bytes, range, kind)).collect())
}

fn within(bytes: &[u8], range: &std::ops::Range<usize>, kind: &[u8; 4]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut found) = (range.start, Vec::new());
    while at + 8 <= range.end {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        if &bytes[at + 4..at + 8] == kind {
            found.push(at + 8..at + size);
        }
        at += size;
    }
    found
}
