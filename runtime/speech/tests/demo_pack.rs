//! The demonstration pack, spoken to by a synthetic voice: exact words, times, silence.
//!
//! Needs the pack's weights in the repository and `espeak-ng`. Where one is missing the test says so and passes, except
//! in continuous integration (`CI=true`), where it fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conversation;

use std::path::{Path, PathBuf};
use std::process::Command;

use conversation::{Engine, work, write_audio};
use runtime_protocol::*;

/// Sentences of the pack's own vocabulary, with the silence after each in seconds.
const SENTENCES: [(&str, f32); 3] =
    [("camera one ready", 1.0), ("stop the sound and close the door", 6.0), ("scene nine take five", 2.0)];
const RATE: usize = 16_000;

fn missing(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing, and this is continuous integration");
    eprintln!("SKIPPED: {what} is missing, so the demonstration pack was not tried");
}

/// The weights, unpacked into a folder.
fn weights(folder: &Path) -> Option<PathBuf> {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/packs/demo-speech-en/model.bin.zst");
    let packed = std::fs::File::open(packed).ok()?;
    let path = folder.join("model.bin");
    zstd::stream::copy_decode(packed, std::fs::File::create(&path).unwrap()).unwrap();
    Some(path)
}

/// What the voice says, at 16 kHz.
fn say(text: &str, folder: &Path) -> Option<Vec<f32>> {
    let wave = folder.join("voice.wav");
    let status =
        Command::new("espeak-ng").args(["-v", "en-us", "-s", "150", "-w"]).arg(&wave).arg(text).status().ok()?;
    assert!(status.success());
    let bytes = std::fs::read(wave).unwrap();
    let rate = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
    let samples: Vec<f32> =
        bytes[44..].chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0).collect();
    Some(resample(&samples, rate as f32 / RATE as f32))
}

/// Windowed-sinc change of rate, low-passed at the new one.
fn resample(input: &[f32], step: f32) -> Vec<f32> {
    const REACH: i64 = 24;
    let cut = 1.0 / step.max(1.0);
    (0..(input.len() as f32 / step) as usize)
        .map(|i| {
            let at = i as f32 * step;
            let middle = at as i64;
            let tap = |j: i64| {
                let value = usize::try_from(j).ok().and_then(|j| input.get(j)).copied().unwrap_or(0.0);
                let x = (at - j as f32) * cut * std::f32::consts::PI;
                let sinc = if x.abs() < 1e-6 { 1.0 } else { x.sin() / x };
                let window = 0.5 + 0.5 * ((at - j as f32) / (REACH + 1) as f32 * std::f32::consts::PI).cos();
                value * sinc * window * cut
            };
            (middle - REACH..=middle + REACH).map(tap).sum()
        })
        .collect()
}

#[test]
fn sentences_of_its_vocabulary_are_written_down_word_by_word() {
    let folder = tempfile::tempdir().unwrap();
    let Some(model) = weights(folder.path()) else { return missing("`models/packs/demo-speech-en/model.bin.zst`") };
    let mut samples = vec![0.0; RATE / 2];
    let mut spoken = Vec::new();
    for (text, silence) in SENTENCES {
        let Some(voice) = say(text, folder.path()) else { return missing("`espeak-ng`") };
        let start = samples.len();
        samples.extend(voice);
        spoken.push((text, start * 1000 / RATE, samples.len() * 1000 / RATE));
        samples.resize(samples.len() + (silence * RATE as f32) as usize, 0.0);
    }
    let audio = folder.path().join("audio.f32");
    write_audio(&audio, &samples);
    let mut engine = Engine::ready();
    engine.say(&Request::Transcribe(work(&model, &audio)));
    let events = engine.hear_out();
    let Some(Event::Done(usage)) = events.last() else { panic!("{events:?}") };
    assert!(usage.decoded_ms < usage.audio_ms, "silence was left out: {usage:?}");
    let words: Vec<&Word> = events
        .iter()
        .filter_map(|event| if let Event::Segment(segment) = event { Some(&segment.words) } else { None })
        .flatten()
        .collect();
    let texts: Vec<String> = words.iter().map(|word| word.text.to_lowercase()).collect();
    assert_eq!(texts.join(" "), SENTENCES.map(|(text, _)| text).join(" "));
    assert_eq!(engine.leave(), runtime_diag::Exit::Done);
    let mut words = words.into_iter();
    for (text, start, end) in spoken {
        for expected in text.split(' ') {
            let word = words.next().unwrap();
            let inside = word.start_ms as usize + 100 >= start && word.end_ms as usize <= end + 100;
            assert!(
                inside,
                "`{expected}` of `{text}` ({start} to {end} ms) is at {} to {} ms",
                word.start_ms, word.end_ms
            );
        }
    }
}
