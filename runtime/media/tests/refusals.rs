//! What is refused, what is found broken, and what a stop leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod kit;

use std::path::Path;
use std::time::{Duration, Instant};

use kit::{H264, Notes, bench, head, picture, tone};
use runtime_diag::Diagnose;
use runtime_media::{
    Cancel, Class, Container, Encoder, MediaError, ProbeLimits, Profile, best_encoder, build_fast, build_full,
    probe_encoders, sniff,
};

fn code<T: std::fmt::Debug>(result: Result<T, MediaError>) -> (&'static str, Class) {
    let error = result.unwrap_err();
    (error.code(), error.class())
}

#[tokio::test]
async fn a_playlist_in_disguise_opens_no_other_file() {
    let bench = bench();
    let neighbour = bench.clip("neighbour.mp4", &[picture("320x180", "25", 2)], H264);
    let clip = bench.path("clip.mp4");
    let list = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n",
        neighbour.file_name().unwrap().to_str().unwrap()
    );
    std::fs::write(&clip, &list).unwrap();
    assert_eq!(code(sniff(&head(&clip))), ("media.playlist", Class::Refused));
    // Even if the first look had let it pass: no demuxer of the list can be reached.
    for container in [Container::Mp4, Container::MpegTs, Container::Matroska, Container::Mp3, Container::Jpeg] {
        let past = runtime_media::probe(&bench.tools, &clip, container, ProbeLimits::default()).await;
        let error = past.unwrap_err();
        assert_eq!(error.class(), Class::InputBroken, "{container:?}: {error}");
        assert!(!error.log().unwrap_or_default().contains("neighbour.mp4' for reading"));
    }
    let concat = bench.path("list.mov");
    std::fs::write(&concat, format!("ffconcat version 1.0\nfile {}\n", neighbour.display())).unwrap();
    assert_eq!(code(sniff(&head(&concat))), ("media.playlist", Class::Refused));
    assert_eq!(
        code(runtime_media::probe(&bench.tools, &concat, Container::Mov, ProbeLimits::default()).await).1,
        Class::InputBroken
    );
}

#[tokio::test]
async fn damaged_files_are_told_in_plain_words() {
    let bench = bench();
    let whole = bench.clip("a.mp4", &[picture("320x180", "25", 6), tone(6)], &format!("{H264} -c:a aac"));
    let bytes = std::fs::read(&whole).unwrap();
    let cut = bench.path("cut.mp4");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let error = bench.probe(&cut).await.unwrap_err();
    assert_eq!((error.code(), error.class()), ("media.no-index", Class::InputBroken));
    assert_eq!(error.to_string(), "the file has no index (it was cut off before it was finished)");
    assert!(error.log().is_some_and(|log| log.contains("moov")), "the log keeps what the tool said");

    let front =
        bench.clip("front.mp4", &[vec!["-i".into(), whole.display().to_string()]], "-c copy -movflags +faststart");
    let bytes = std::fs::read(&front).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let error = bench.probe(&cut).await.unwrap_err();
    assert_eq!(error.code(), "media.cut-off");
    assert!(error.to_string().contains("of 0:06"), "{error}");

    let empty = bench.path("empty.mp4");
    std::fs::write(&empty, b"").unwrap();
    assert_eq!(code(bench.probe(&empty).await), ("media.empty", Class::Refused));
    let noise = bench.path("noise.mp4");
    let mut bytes = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    bytes.extend((0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8));
    std::fs::write(&noise, bytes).unwrap();
    assert_eq!(bench.probe(&noise).await.unwrap_err().class(), Class::InputBroken);
}

#[tokio::test]
async fn a_picture_with_too_many_pixels_is_refused_before_it_is_unpacked() {
    let bench = bench();
    let clip = bench.clip("a.png", &[picture("2000x2000", "1", 1)], "-frames:v 1");
    let limits = ProbeLimits { max_pixels: 1_000_000, ..ProbeLimits::default() };
    let refused = runtime_media::probe(&bench.tools, &clip, Container::Png, limits).await;
    assert_eq!(code(refused), ("media.too-many-pixels", Class::Unsupported));
}

/// Children of ours that mention `word` in their command line.
fn running(word: &Path) -> usize {
    let word = word.to_str().unwrap().as_bytes();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| line.windows(word.len()).any(|window| window == word))
        .count()
}

#[tokio::test]
async fn a_cancel_in_the_middle_leaves_no_process_and_no_files() {
    let bench = bench();
    let clip = bench.clip("long.mkv", &[picture("1280x720", "50", 20)], "-c:v mpeg4 -q:v 8");
    let probe = bench.probe(&clip).await.unwrap();
    let (out, notes, cancel) = (bench.path("out"), Notes::default(), Cancel::new());
    let profile = Profile::default();
    let build = build_fast(&bench.tools, &clip, &probe, &profile, &out, &notes, &cancel);
    let stop = async {
        let since = Instant::now();
        while !out.join("hls/v360/s00000.m4s").exists() && since.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(running(&clip), 1);
        cancel.cancel();
        Instant::now()
    };
    let (result, stopped) = tokio::join!(build, stop);
    assert_eq!(code(result), ("media.cancelled", Class::Cancelled));
    assert!(stopped.elapsed() < Duration::from_secs(6));
    assert_eq!(running(&clip), 0);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
}

#[tokio::test]
async fn a_build_that_is_dropped_leaves_no_process() {
    let bench = bench();
    let clip = bench.clip("long.mkv", &[picture("1280x720", "50", 20)], "-c:v mpeg4 -q:v 8");
    let probe = bench.probe(&clip).await.unwrap();
    let (out, notes, cancel) = (bench.path("out"), Notes::default(), Cancel::new());
    let (profile, fast) = (Profile::default(), bench.path("absent"));
    let build = build_full(&bench.tools, &clip, &probe, &profile, &fast, &out, &notes, &cancel);
    assert!(tokio::time::timeout(Duration::from_millis(1500), build).await.is_err());
    let since = Instant::now();
    while running(&clip) > 0 && since.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(running(&clip), 0);
}

#[tokio::test]
async fn a_hardware_encoder_that_fails_is_replaced_and_recorded() {
    let bench = bench();
    let reports = probe_encoders(&bench.tools).await;
    assert!(reports.iter().any(|report| report.name == "libx264" && report.works), "{reports:?}");
    if best_encoder(&reports) == Encoder::Nvenc {
        eprintln!("skipped: this machine has a working hardware encoder");
        return;
    }
    let clip = bench.clip("a.mkv", &[picture("320x180", "25", 2)], "-c:v mpeg4");
    let probe = bench.probe(&clip).await.unwrap();
    let (out, notes) = (bench.path("out"), Notes::default());
    let profile = Profile { encoder: Encoder::Nvenc, ..Profile::default() };
    let built = build_fast(&bench.tools, &clip, &probe, &profile, &out, &notes, &Cancel::new()).await.unwrap();
    assert_eq!(built.manifest.renditions[0].encoder.as_deref(), Some("libx264"));
    let step = &built.manifest.fallbacks[0];
    assert_eq!((step.from.as_str(), step.to.as_str()), ("h264_nvenc", "libx264"));
}

#[test]
fn futures_can_be_moved_between_threads() {
    fn check<T: Send>(_: impl FnOnce() -> T) {}
    let bench = bench();
    let notes = Notes::default();
    let (profile, cancel, path) = (Profile::default(), Cancel::new(), Path::new("x"));
    let probe: Option<runtime_media::Probe> = None;
    check(|| build_fast(&bench.tools, path, probe.as_ref().unwrap(), &profile, path, &notes, &cancel));
    check(|| build_full(&bench.tools, path, probe.as_ref().unwrap(), &profile, path, path, &notes, &cancel));
    check(|| runtime_media::probe(&bench.tools, path, Container::Mp4, ProbeLimits::default()));
}
