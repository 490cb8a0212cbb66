//! The engine as its parent sees it, with a model that has no knowledge.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conversation;
mod random_model;

use std::path::PathBuf;

use conversation::{Engine, work, write_audio};
use runtime_diag::{Exit, Retry};
use runtime_protocol::*;

struct Room {
    _folder: tempfile::TempDir,
    model: PathBuf,
    audio: PathBuf,
}

/// A folder with a model and seconds of sound: tone bursts of 1 s in every 2 s, or silence.
fn room(seconds: usize, loud: bool) -> Room {
    let folder = tempfile::tempdir().unwrap();
    let (model, audio) = (folder.path().join("model.bin"), folder.path().join("audio.f32"));
    std::fs::write(&model, random_model::ggml()).unwrap();
    let samples: Vec<f32> = (0..seconds * 16_000)
        .map(|i| if loud && i / 16_000 % 2 == 1 { (i as f32 * 0.3).sin() * 0.2 } else { 0.0 })
        .collect();
    write_audio(&audio, &samples);
    Room { _folder: folder, model, audio }
}

fn failure(events: &[Event]) -> &Failure {
    match events.last() {
        Some(Event::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_is_loaded_and_sound_is_decoded_to_the_end() {
    let room = room(40, true);
    let mut engine = Engine::ready();
    engine.say(&Request::Transcribe(Transcribe { offset_ms: 5000, ..work(&room.model, &room.audio) }));
    let events = engine.hear_out();
    assert_eq!(events[0], Event::Loaded);
    let Some(Event::Done(usage)) = events.last() else { panic!("{events:?}") };
    assert_eq!(usage.audio_ms, 40_000);
    assert!((20_000..=40_000).contains(&usage.decoded_ms), "{usage:?}");
    assert_eq!(usage.language, "en");
    assert!(events.contains(&Event::Progress { done_ms: 40_000, total_ms: 40_000 }));
    for event in &events {
        if let Event::Segment(segment) = event {
            assert!(segment.start_ms >= 5000 && segment.end_ms <= 45_000, "{segment:?}");
            assert!(segment.words.is_sorted_by_key(|word| word.start_ms), "{segment:?}");
        }
    }
    assert_eq!(engine.leave(), Exit::Done);
}

#[test]
fn silence_has_no_words_and_is_not_decoded() {
    let room = room(20, false);
    let mut engine = Engine::ready();
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    let events = engine.hear_out();
    let Some(Event::Done(usage)) = events.last() else { panic!("{events:?}") };
    assert_eq!((usage.segments, usage.decoded_ms), (0, 0));
}

#[test]
fn an_empty_file_is_done_at_once() {
    let room = room(0, false);
    let mut engine = Engine::ready();
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    assert!(matches!(engine.hear_out().last(), Some(Event::Done(_))));
}

#[test]
fn a_cancel_stops_between_windows_and_the_engine_serves_on() {
    let room = room(240, true);
    let mut engine = Engine::ready();
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    assert_eq!(engine.hear(), Event::Loaded);
    engine.say(&Request::Cancel);
    assert_eq!(failure(&engine.hear_out()).code, CANCELLED);
    // The next request is not touched by the old cancel, and neither by one that comes late.
    engine.say(&Request::Cancel);
    std::fs::write(&room.audio, []).unwrap();
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    assert!(matches!(engine.hear_out().last(), Some(Event::Done(_))));
    engine.say(&Request::Shutdown);
    assert_eq!(engine.leave(), Exit::Done);
}

#[test]
fn a_model_cut_short_is_refused_by_name_before_it_is_loaded() {
    let room = room(1, true);
    let whole = std::fs::read(&room.model).unwrap();
    std::fs::write(&room.model, &whole[..whole.len() / 2]).unwrap();
    let mut engine = Engine::ready();
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    let events = engine.hear_out();
    let failure = failure(&events);
    assert_eq!((failure.code.as_str(), failure.retry, failure.input), ("speech.model-unfit", Retry::Never, false));
    assert!(failure.message.contains("model.bin"), "{failure:?}");
}

#[test]
fn a_language_the_model_does_not_know_is_refused_as_input() {
    let room = room(1, true);
    let mut engine = Engine::ready();
    for language in ["de", "e\0n", "", "klingon"] {
        engine.say(&Request::Transcribe(Transcribe {
            language: Some(language.into()),
            ..work(&room.model, &room.audio)
        }));
        let events = engine.hear_out();
        let failure = failure(&events);
        assert_eq!((failure.code.as_str(), failure.input), ("speech.language", true), "{language:?}");
    }
    engine.say(&Request::Transcribe(Transcribe { language: Some("en-GB".into()), ..work(&room.model, &room.audio) }));
    assert!(matches!(engine.hear_out().last(), Some(Event::Done(_))));
}

#[test]
fn a_model_beyond_the_budget_is_refused() {
    let room = room(1, true);
    let mut engine = Engine::start();
    engine.say(&Request::Hello { protocol: PROTOCOL, budget: Budget { threads: 0, memory_bytes: 1 << 20 } });
    assert!(matches!(engine.hear(), Event::Ready { .. }));
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    assert_eq!(failure(&engine.hear_out()).code, "speech.memory");
}

#[test]
fn audio_that_is_not_whole_samples_or_is_missing_is_refused() {
    let room = room(1, true);
    let mut engine = Engine::ready();
    std::fs::write(&room.audio, [0; 7]).unwrap();
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    assert_eq!(failure(&engine.hear_out()).code, "speech.audio-shape");
    std::fs::remove_file(&room.audio).unwrap();
    engine.say(&Request::Transcribe(work(&room.model, &room.audio)));
    let events = engine.hear_out();
    assert_eq!((failure(&events).code.as_str(), failure(&events).retry), ("speech.audio-unreadable", Retry::Later));
}

#[test]
fn hostile_samples_and_hints_do_not_hurt() {
    let room = room(1, true);
    let samples = [f32::NAN, f32::INFINITY, -1e30, 0.5].repeat(20_000);
    write_audio(&room.audio, &samples);
    let mut engine = Engine::ready();
    let vocabulary = vec!["\0".into(), "Zoë".into(), "x".repeat(5000), "<|endoftext|>".into()];
    engine.say(&Request::Transcribe(Transcribe { vocabulary, threads: 0, ..work(&room.model, &room.audio) }));
    assert!(matches!(engine.hear_out().last(), Some(Event::Done(_))));
}

#[test]
fn a_parent_of_another_protocol_or_without_manners_is_told_so() {
    let mut engine = Engine::start();
    engine.say(&Request::Hello { protocol: 99, budget: Budget { threads: 1, memory_bytes: 1 << 30 } });
    assert_eq!(failure(&[engine.hear()]).code, "speech.protocol");
    assert_eq!(engine.leave(), Exit::Schema);
    let mut engine = Engine::start();
    engine.say(&Request::Cancel);
    assert_eq!(failure(&[engine.hear()]).code, "speech.order");
    assert_eq!(engine.leave(), Exit::Failure);
    assert_eq!(Engine::start().leave(), Exit::Done, "a parent that leaves at once");
}
