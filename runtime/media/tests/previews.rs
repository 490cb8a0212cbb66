//! Whole previews of real clips: what is copied, what is encoded, and that the result is exact.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod kit;

use kit::{H264, ask, bench, joined, picture, shown_times, tone};
use runtime_media::{Cancel, Kind, Profile, Silent, Source};

fn names(built: &runtime_media::Built) -> Vec<&str> {
    built.manifest.renditions.iter().map(|rendition| rendition.name.as_str()).collect()
}

/// Frame n is shown at n / rate in this rendition, to a tick.
fn assert_exact(out: &std::path::Path, rung: &str, rate: f64, frames: usize) {
    let times = shown_times(out, rung);
    assert_eq!(times.len(), frames, "{rung}");
    for (n, time) in times.iter().enumerate() {
        assert!((time - n as f64 / rate).abs() < 0.001, "{rung}: frame {n} at {time}");
    }
}

#[tokio::test]
async fn a_camera_file_is_copied_then_gets_its_ladder_and_every_frame_keeps_its_time() {
    let bench = bench();
    let options = format!("{H264} -c:a aac -b:a 96k -timecode 01:00:00:00");
    let clip = bench.clip("a.mp4", &[picture("1280x720", "24000/1001", 9), tone(9)], &options);
    let (probe, fast, out, notes) = bench.fast(&clip).await;
    let video = probe.video.as_ref().unwrap();
    assert_eq!((video.frame_rate, video.frames, video.variable_rate), (Some((24_000, 1001)), Some(216), false));
    assert_eq!((video.max_gop_ms, video.closed_gop), (Some(2002), true));
    assert_eq!(probe.timecode.as_deref(), Some("01:00:00:00"));
    assert_eq!(names(&fast), ["copy", "a128"], "{:?}", fast.manifest.copy);
    assert!(fast.manifest.renditions.iter().all(|rendition| rendition.source == Source::Copy));
    assert_exact(&out, "copy", 24_000.0 / 1001.0, 216);
    let fractions: Vec<f32> = notes.all().iter().map(|note| note.0).collect();
    assert!(fractions.is_sorted() && fractions.last() == Some(&1.0), "{fractions:?}");
    assert!(notes.all().iter().any(|note| note.1 == "playable"));

    let (full, out) = bench.full(&clip, &probe).await;
    assert_eq!(names(&full), ["copy", "v540", "v360", "a128"]);
    assert_eq!(full.manifest.fallbacks, []);
    for rung in ["copy", "v540", "v360"] {
        assert_exact(&out, rung, 24_000.0 / 1001.0, 216);
        let counts: Vec<u32> = full.manifest.renditions.iter().map(|rendition| rendition.segments).collect();
        assert_eq!(counts, [3, 3, 3, 3]);
    }
    // Closed groups of exactly 48 frames, whatever the picture does.
    let flags = ask(&joined(&out, "v540"), "-select_streams v:0 -show_entries packet=flags -of csv=p=0");
    let keys: Vec<usize> = flags.lines().enumerate().filter(|line| line.1.contains('K')).map(|line| line.0).collect();
    assert_eq!(keys, [0, 48, 96, 144, 192]);
    assert_master(&out, &full);
    assert_files(&out, &full);
    let linked = std::fs::metadata(out.join("hls/copy/init.mp4")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::nlink(&linked), 2, "the copy is shared, not doubled");
}

/// The multivariant playlist announces at least the measured peak of every rung, and the codecs that are there.
fn assert_master(out: &std::path::Path, built: &runtime_media::Built) {
    let text = std::fs::read_to_string(out.join("hls/multivariant.m3u8")).unwrap();
    let sound = peak(out, "a128");
    let mut lines = text.lines();
    let mut variants = 0;
    while let Some(line) = lines.next() {
        let Some(attributes) = line.strip_prefix("#EXT-X-STREAM-INF:") else { continue };
        let uri = lines.next().unwrap();
        let rung = uri.strip_suffix("/index.m3u8").unwrap();
        let bandwidth: f64 = attributes.strip_prefix("BANDWIDTH=").unwrap().split(',').next().unwrap().parse().unwrap();
        let measured = peak(out, rung) + if built.manifest.renditions.len() > 1 { sound } else { 0.0 };
        assert!(bandwidth >= measured - 2.0, "{rung}: announced {bandwidth}, measured {measured}");
        assert!(bandwidth < measured * 1.6, "{rung}: announced {bandwidth}, measured {measured}");
        let rendition = built.manifest.renditions.iter().find(|rendition| rendition.name == rung).unwrap();
        if rendition.width > 0 {
            assert!(attributes.contains(&format!("RESOLUTION={}x{}", rendition.width, rendition.height)));
            assert!(rendition.codecs.starts_with("avc1.") && rendition.codecs.len() == 11, "{}", rendition.codecs);
            assert!(attributes.contains("FRAME-RATE="), "{attributes}");
        }
        assert!(attributes.contains(&rendition.codecs));
        variants += 1;
    }
    assert!(variants > 0);
}

/// Bits per second of the worst segment of two seconds and more.
fn peak(out: &std::path::Path, rung: &str) -> f64 {
    let folder = out.join("hls").join(rung);
    let Ok(text) = std::fs::read_to_string(folder.join("index.m3u8")) else { return 0.0 };
    let mut seconds = 0.0;
    let mut worst = 0.0_f64;
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#EXTINF:") {
            seconds = value.trim_end_matches(',').parse().unwrap();
        } else if !line.starts_with('#') && seconds >= 2.0 {
            worst = worst.max(std::fs::metadata(folder.join(line)).unwrap().len() as f64 * 8.0 / seconds);
        }
    }
    worst
}

/// The manifest lists every file with its size, and nothing is empty.
fn assert_files(out: &std::path::Path, built: &runtime_media::Built) {
    for file in &built.manifest.files {
        assert_eq!(std::fs::metadata(out.join(&file.path)).unwrap().len(), file.size, "{}", file.path);
        assert!(file.size > 0 && file.sha256.len() == 64);
    }
    let read: runtime_media::Manifest =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(read, built.manifest);
    for name in ["thumbs/poster.jpg", "thumbs/card.jpg", "thumbs/sprites_000.jpg", "thumbs/sprites.vtt"] {
        assert!(built.manifest.files.iter().any(|file| file.path == name), "{name}");
    }
    let vtt = std::fs::read_to_string(out.join("thumbs/sprites.vtt")).unwrap();
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nsprites_000.jpg#xywh=0,0,160,90\n"));
    assert_eq!(ask(&out.join("thumbs/sprites_000.jpg"), "-show_entries stream=width,height -of csv=p=0"), "1600,900");
    let peaks: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("waveform/peaks.json")).unwrap()).unwrap();
    assert_eq!((&peaks["version"], &peaks["sample_rate"], &peaks["bits"]), (&2.into(), &8000.into(), &8.into()));
    assert_eq!(peaks["data"].as_array().unwrap().len() as u64, peaks["length"].as_u64().unwrap() * 2);
    // Nine seconds at 256 samples to a pixel, and a tone is not silence.
    assert!((280..=284).contains(&peaks["length"].as_u64().unwrap()), "{}", peaks["length"]);
    assert!(peaks["data"].as_array().unwrap().iter().any(|value| value.as_i64().unwrap() > 10));
}

#[tokio::test]
async fn a_codec_that_browsers_do_not_play_is_encoded_without_moving_a_frame() {
    let bench = bench();
    let options = "-c:v mpeg4 -q:v 4 -c:a pcm_s16le";
    let clip = bench.clip("a.mkv", &[picture("640x480", "24000/1001", 6), tone(6)], options);
    let (probe, fast, out, _) = bench.fast(&clip).await;
    assert_eq!(probe.video.as_ref().unwrap().frame_rate, Some((24_000, 1001)));
    assert_eq!(names(&fast), ["v360", "a128"]);
    assert!(fast.manifest.copy.as_ref().unwrap().reasons.iter().any(|why| why.contains("not H.264")));
    assert_eq!(fast.manifest.renditions[0].encoder.as_deref(), Some("libx264"));
    assert_exact(&out, "v360", 24_000.0 / 1001.0, 144);
    let (full, out) = bench.full(&clip, &probe).await;
    assert_eq!(names(&full), ["v540", "v360", "a128"]);
    assert_eq!((full.manifest.renditions[0].width, full.manifest.renditions[0].height), (640, 480), "not scaled up");
    assert_exact(&out, "v540", 24_000.0 / 1001.0, 144);
}

#[tokio::test]
async fn ten_bit_pictures_and_open_groups_are_not_copied() {
    let bench = bench();
    let inputs = [picture("320x180", "25", 4)];
    let ten = bench.clip("ten.mp4", &inputs, "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -g 50");
    let probe = bench.probe(&ten).await.unwrap();
    assert_eq!(probe.video.as_ref().unwrap().bit_depth, 10);
    let plan = runtime_media::plan_fast(&probe, &Profile::default());
    assert_eq!((plan.copy.allowed, plan.copy.reasons.len()), (false, 2), "{:?}", plan.copy.reasons);
    let long = bench.clip(
        "long.mp4",
        &[picture("320x180", "25", 7)],
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 500",
    );
    let plan = runtime_media::plan_fast(&bench.probe(&long).await.unwrap(), &Profile::default());
    assert_eq!(plan.copy.reasons, ["key frames are more than 4 seconds apart"]);
}

#[tokio::test]
async fn silent_video_is_listed_and_has_no_sound_group() {
    let bench = bench();
    let clip = bench.clip("a.mp4", &[picture("320x180", "30", 5)], H264);
    let (probe, fast, out, _) = bench.fast(&clip).await;
    assert!(probe.audio.is_empty());
    assert_eq!(names(&fast), ["copy"]);
    let text = std::fs::read_to_string(out.join("hls/multivariant.m3u8")).unwrap();
    assert!(!text.contains("AUDIO") && text.contains("copy/index.m3u8"), "{text}");
    assert!(!out.join("waveform").exists());
    let (full, out) = bench.full(&clip, &probe).await;
    assert_eq!(names(&full), ["copy", "v360"]);
    assert_master(&out, &full);
}

#[tokio::test]
async fn sound_alone_plays_and_has_a_waveform() {
    let bench = bench();
    let clip = bench.clip("a.flac", &[tone(6)], "-c:a flac");
    let (probe, fast, out, _) = bench.fast(&clip).await;
    assert_eq!((probe.kind, probe.duration_ms), (Kind::Audio, Some(6000)));
    assert_eq!(names(&fast), ["a128"]);
    assert_eq!(fast.manifest.renditions[0].codecs, "mp4a.40.2");
    let text = std::fs::read_to_string(out.join("hls/multivariant.m3u8")).unwrap();
    assert!(text.contains("CODECS=\"mp4a.40.2\"\na128/index.m3u8"), "{text}");
    assert!(out.join("waveform/peaks.json").is_file() && !out.join("thumbs").exists());
    let (full, _) = bench.full(&clip, &probe).await;
    assert_eq!(names(&full), ["a128"]);
    let speech = bench.path("speech.f32");
    let done = runtime_media::extract_speech_audio(&bench.tools, &clip, &probe, &speech, &Silent, &Cancel::new()).await;
    let done = done.unwrap();
    assert!((95_990..=96_010).contains(&done.samples), "{}", done.samples);
}

#[tokio::test]
async fn a_broadcast_stream_that_starts_late_is_copied_and_starts_at_zero() {
    let bench = bench();
    let clip = bench.clip("a.ts", &[picture("320x180", "30000/1001", 5), tone(5)], &format!("{H264} -c:a aac"));
    let (probe, fast, out, _) = bench.fast(&clip).await;
    assert!(probe.start_ms > 1000, "{}", probe.start_ms);
    assert_eq!(names(&fast), ["copy", "a128"]);
    assert_eq!(fast.manifest.renditions[1].source, Source::Encoded, "the sound is set to the picture's clock");
    assert_exact(&out, "copy", 30_000.0 / 1001.0, 150);
}

#[tokio::test]
async fn a_last_segment_of_one_frame_is_joined_to_the_one_before_it() {
    let bench = bench();
    let seconds = "-frames:v 121 -t 4.0333 -c:a aac";
    let clip = bench.clip("a.mp4", &[picture("320x180", "30", 6), tone(6)], &format!("{H264} -g 60 {seconds}"));
    let (_, fast, out, _) = bench.fast(&clip).await;
    let segments: Vec<(&str, u32)> =
        fast.manifest.renditions.iter().map(|rendition| (rendition.name.as_str(), rendition.segments)).collect();
    assert_eq!(segments, [("copy", 1), ("a128", 1)]);
    let text = std::fs::read_to_string(out.join("hls/copy/index.m3u8")).unwrap();
    assert!(text.contains("#EXTINF:4.033333,\ns00000.m4s\n#EXT-X-ENDLIST\n"), "{text}");
    assert!(!out.join("hls/copy/s00001.m4s").exists());
    assert_exact(&out, "copy", 30.0, 121);
}

#[tokio::test]
async fn a_trimmed_clip_shows_only_what_its_edit_list_shows() {
    let bench = bench();
    let options = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 500";
    let whole = bench.clip("whole.mp4", &[picture("320x180", "25", 4)], options);
    let from = vec!["-ss".to_owned(), "1.6".to_owned(), "-i".to_owned(), whole.display().to_string()];
    let clip = bench.clip("trimmed.mp4", &[from], "-c copy");
    let (probe, fast, out, _) = bench.fast(&clip).await;
    assert_eq!(probe.video.as_ref().unwrap().frames, Some(60));
    assert_eq!(names(&fast), ["v360"], "a copy would show what was cut away");
    assert_exact(&out, "v360", 25.0, 60);
}

#[tokio::test]
async fn a_still_gets_three_sizes_and_is_never_scaled_up() {
    let bench = bench();
    let clip = bench.clip("a.png", &[picture("1500x1000", "1", 1)], "-frames:v 1 -pix_fmt rgba");
    let (probe, fast, out, _) = bench.fast(&clip).await;
    assert_eq!((probe.kind, probe.duration_ms, probe.video.as_ref().unwrap().alpha), (Kind::Image, None, true));
    assert_eq!(names(&fast), [] as [&str; 0]);
    let size = |name: &str| ask(&out.join(name), "-show_entries stream=width,height -of csv=p=0");
    assert_eq!(size("image/full.jpg"), "1500,1000");
    assert_eq!(size("thumbs/poster.jpg"), "1280,852");
    assert_eq!(size("thumbs/card.jpg"), "480,320");
}

#[tokio::test]
async fn what_is_transparent_is_shown_on_grey() {
    let bench = bench();
    let red = kit::words("-f lavfi -i color=c=red@0.0:s=64x64,format=rgba");
    let clip = bench.clip("a.png", &[red], "-frames:v 1");
    let (_, _, out, _) = bench.fast(&clip).await;
    let raw = bench.path("raw.rgb");
    let from = vec!["-i".to_owned(), out.join("image/full.jpg").display().to_string()];
    std::fs::rename(bench.clip("raw.bin", &[from], "-f rawvideo -pix_fmt rgb24"), &raw).unwrap();
    let pixels = std::fs::read(raw).unwrap();
    assert!(pixels.iter().all(|value| value.abs_diff(128) < 4), "{:?}", &pixels[..6]);
}

#[tokio::test]
async fn a_turned_phone_clip_is_shown_upright() {
    let bench = bench();
    let flat = bench.clip("flat.mp4", &[picture("640x360", "30", 3), tone(3)], &format!("{H264} -c:a aac"));
    let from = vec!["-i".to_owned(), flat.to_string_lossy().into_owned()];
    let clip = bench.clip("turned.mp4", &[from], "-c copy -metadata:s:v:0 rotate=90");
    let (probe, fast, out, _) = bench.fast(&clip).await;
    let video = probe.video.as_ref().unwrap();
    assert_eq!((video.width, video.height), (360, 640));
    assert!([90, 270].contains(&video.rotation));
    assert_eq!(fast.manifest.copy.as_ref().unwrap().reasons, ["the picture has to be turned"]);
    assert_eq!((fast.manifest.renditions[0].width, fast.manifest.renditions[0].height), (360, 640));
    assert_eq!(ask(&out.join("thumbs/card.jpg"), "-show_entries stream=width,height -of csv=p=0"), "270,480");
    let shown = ask(&joined(&out, "v360"), "-select_streams v:0 -show_entries stream=width,height -of csv=p=0");
    assert_eq!(shown, "360,640");
}

#[tokio::test]
async fn a_varying_rate_is_told_and_becomes_steady() {
    let bench = bench();
    let options = format!("-vf setpts='PTS+if(gt(N,30),0.5/TB,0)' -fps_mode vfr {H264}");
    let clip = bench.clip("a.mkv", &[picture("320x180", "25", 4)], &options);
    let (probe, fast, out, _) = bench.fast(&clip).await;
    assert!(probe.video.as_ref().unwrap().variable_rate);
    assert!(fast.manifest.warnings.iter().any(|line| line.contains("frame numbers are approximate")));
    let times = shown_times(&out, "v360");
    let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| (step - steps[0]).abs() < 0.001), "{steps:?}");
}
