//! Making an upload playable: our fast build beside the ffmpeg commands that a person would type for the same outputs.
//!
//! The same outputs: a poster, a small poster, a playable HLS rendition with its sound (copied when it can be), a sheet
//! of scrub pictures, a waveform's samples. Ours also probes, checks what came out, and hashes every file.

use crate::rounds::{Row, compare};
use anyhow::{Context, Result};
use runtime_media::{
    Cancel, Container, Encoder, ProbeLimits, Profile, SNIFF_BYTES, Silent, Tools, build_fast, probe, sniff,
};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tests_kit::process;

const LIMIT: Duration = Duration::from_secs(600);

/// One source that browsers play as it is, one that must be encoded.
pub(crate) fn rows(place: &Path, seconds: u32, runs: usize) -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let profile = Profile { cores: u32::try_from(cores)?, encoder: Encoder::X264 };
    let mut rows = Vec::new();
    for (what, name, codec) in [
        (
            "preview of H.264 (copied)",
            "copied.mp4",
            &["-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-pix_fmt", "yuv420p"][..],
        ),
        ("preview of ProRes (encoded)", "encoded.mov", &["-c:v", "prores_ks", "-profile:v", "2"][..]),
    ] {
        let source = place.join(name);
        eprintln!("making {seconds} s of 1280x720 for {what}");
        let length = format!("testsrc2=s=1280x720:r=30:d={seconds}");
        let tone = format!("sine=440:d={seconds}");
        ffmpeg(
            place,
            &[&["-f", "lavfi", "-i", &length, "-f", "lavfi", "-i", &tone], codec, &["-c:a", "aac", name]].concat(),
        )?;
        let (mine, plain) = (place.join("mine"), place.join("plain"));
        let ours = || {
            fresh(&mine)?;
            runtime.block_on(build(&source, profile, &mine))
        };
        let copied = name == "copied.mp4";
        let theirs = || {
            fresh(&plain)?;
            by_hand(&source, &plain, copied, seconds)
        };
        rows.push(compare(what, "plain `ffmpeg` commands, same outputs", runs, ours, theirs)?);
    }
    Ok(rows)
}

async fn build(source: &Path, profile: Profile, out: &Path) -> Result<()> {
    let tools = Tools::on_path()?;
    let probe = probe(&tools, source, container(source)?, ProbeLimits::default()).await?;
    build_fast(&tools, source, &probe, &profile, out, &Silent, &Cancel::default()).await?;
    Ok(())
}

fn container(source: &Path) -> Result<Container> {
    let mut head = Vec::new();
    std::fs::File::open(source)?.take(SNIFF_BYTES as u64).read_to_end(&mut head)?;
    Ok(sniff(&head)?)
}

/// What a person would type, one output after the other, scrub pictures and waveform side by side as ours are.
fn by_hand(source: &Path, out: &Path, copied: bool, seconds: u32) -> Result<()> {
    let source = source.to_str().context("a path in UTF-8")?;
    let tenth = (f64::from(seconds) / 10.0).to_string();
    ffmpeg(
        out,
        &[
            "-ss",
            &tenth,
            "-i",
            source,
            "-frames:v",
            "1",
            "poster.jpg",
            "-frames:v",
            "1",
            "-vf",
            "scale=480:-2",
            "card.jpg",
        ],
    )?;
    let picture: &[&str] = if copied {
        &["-c:v", "copy"]
    } else {
        &[
            "-vf",
            "scale=-2:360",
            "-c:v",
            "libx264",
            "-preset",
            "superfast",
            "-crf",
            "24",
            "-maxrate",
            "800k",
            "-bufsize",
            "1600k",
            "-g",
            "60",
            "-pix_fmt",
            "yuv420p",
        ]
    };
    let sound: &[&str] = if copied { &["-c:a", "copy"] } else { &["-c:a", "aac", "-b:a", "128k"] };
    let hls = ["-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"];
    let first = [
        &["-i", source, "-map", "0:v"],
        picture,
        &hls,
        &["-hls_fmp4_init_filename", "v.mp4", "v.m3u8", "-map", "0:a"],
        sound,
    ]
    .concat();
    ffmpeg(out, &[&first[..], &hls, &["-hls_fmp4_init_filename", "a.mp4", "a.m3u8"]].concat())?;
    std::thread::scope(|scope| {
        let waveform =
            scope.spawn(|| ffmpeg(out, &["-i", source, "-vn", "-ac", "1", "-ar", "8000", "-f", "s16le", "peaks.raw"]));
        let sheet = ffmpeg(
            out,
            &[
                "-skip_frame",
                "nokey",
                "-i",
                source,
                "-an",
                "-vf",
                "fps=1/2,scale=160:-2,tile=10x10",
                "-frames:v",
                "1",
                "sheet.jpg",
            ],
        );
        sheet.and(waveform.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the waveform's thread ended"))))
    })
}

fn ffmpeg(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-y", "-v", "error"]).args(arguments).current_dir(folder);
    process::run(&mut command, LIMIT)?.ok().map(drop)
}

fn fresh(folder: &PathBuf) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("make `{}`", folder.display()))
}
