//! One request from its sound to its words.

use std::time::Instant;

use runtime_protocol::{Event, Segment, Transcribe, Usage, Word};

use crate::activity::{self, Floor};
use crate::align::{self, Sound};
use crate::audio::Audio;
use crate::guard::{self, Evidence, Repeats};
use crate::whisper::{Model, RawSegment};
use crate::window::{self, Window};
use crate::words::{self, RawWord};
use crate::{FRAME, FRAME_MS, SpeechError};

/// Frames that a segment may reach beyond the decoder's times, where its neighbours leave room.
const REACH: usize = 15;
/// A pause of this many frames (1.5 s) ends a segment.
const PAUSE: usize = 150;

/// Writes down what is said. Events go to `send` as they come; `go_on` is asked between windows.
pub(crate) fn transcribe(
    model: &Model,
    request: &Transcribe,
    threads: u32,
    send: &mut dyn FnMut(Event) -> Result<(), SpeechError>,
    go_on: &dyn Fn() -> bool,
) -> Result<Usage, SpeechError> {
    let audio = Audio::open(&request.audio_path)?;
    let mut decoder = model.decoder(request.language.as_deref(), threads, &request.vocabulary)?;
    let envelope = audio.envelope(go_on)?;
    let floor = Floor::of(&envelope);
    let windows = window::windows(&activity::regions(&envelope, &floor), &envelope, model.fill());
    let total_ms = audio.duration_ms();
    let mut usage = Usage { audio_ms: total_ms, ..Usage::default() };
    let mut repeats = Repeats::default();
    let mut samples = Vec::new();
    send(Event::Progress { done_ms: 0, total_ms })?;
    for window in &windows {
        if !go_on() {
            return Err(SpeechError::Cancelled);
        }
        samples.clear();
        for piece in &window.pieces {
            audio.read((piece.start * FRAME) as u64..(piece.end * FRAME) as u64, &mut samples)?;
        }
        let started = Instant::now();
        let raw = decoder.decode(&mut samples, window.to_source(0) as u64 * FRAME_MS)?;
        tracing::debug!(
            at_ms = window.to_source(0) as u64 * FRAME_MS,
            frames = window.frames(),
            segments = raw.len(),
            wall_ms = started.elapsed().as_millis() as u64,
            "window decoded"
        );
        usage.decoded_ms += window.frames() as u64 * FRAME_MS;
        let hearing = Hearing::of(window, &envelope, &floor);
        for (i, segment) in raw.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|i| raw.get(i)).map_or(0, |segment| segment.end);
            let after = raw.get(i + 1).map_or(window.frames(), |segment| segment.start);
            let (spoken, dropped) = hearing.words(segment, before, after, decoder.language());
            usage.dropped += dropped;
            for segment in split(spoken, decoder.language(), request.offset_ms) {
                if repeats.too_many(&segment.text) {
                    usage.dropped += 1;
                    continue;
                }
                usage.segments += 1;
                send(Event::Segment(segment))?;
            }
        }
        send(Event::Progress { done_ms: (window.end() as u64 * FRAME_MS).min(total_ms), total_ms })?;
    }
    send(Event::Progress { done_ms: total_ms, total_ms })?;
    usage.language = decoder.language().to_owned();
    Ok(usage)
}

/// A word with its frames in the sound.
struct Spoken {
    word: RawWord,
    start: usize,
    end: usize,
}

/// One window's loudness.
struct Hearing<'w> {
    window: &'w Window,
    envelope: Vec<f32>,
    voiced: Vec<f32>,
}

impl<'w> Hearing<'w> {
    fn of(window: &'w Window, envelope: &[f32], floor: &Floor) -> Self {
        let frames = || window.pieces.iter().cloned().flatten();
        let at = |frame: usize| envelope.get(frame).copied().unwrap_or(crate::audio::SILENCE_DB);
        Self {
            window,
            envelope: frames().map(at).collect(),
            voiced: frames().map(|frame| floor.voiced(frame, at(frame))).collect(),
        }
    }

    /// The words of a segment with their places in the sound, and how many segments or loops were withheld.
    fn words(&self, segment: &RawSegment, before: usize, after: usize, language: &str) -> (Vec<Spoken>, u32) {
        let raw = words::words(&segment.tokens, language);
        if raw.is_empty() {
            return (Vec::new(), 0);
        }
        let frames = self.envelope.len();
        let start = segment.start.saturating_sub(REACH).max(before.min(segment.start)).min(frames);
        let end = (segment.end + REACH).min(after.max(segment.end)).clamp(start, frames);
        let (Some(envelope), Some(voiced)) = (self.envelope.get(start..end), self.voiced.get(start..end)) else {
            return (Vec::new(), 1);
        };
        let evidence = Evidence {
            words: raw.len(),
            seconds: (end - start) as f32 / 100.0,
            voiced: voiced.iter().sum::<f32>() / voiced.len().max(1) as f32,
            no_speech: segment.no_speech,
            mean_log_p: segment.mean_log_p,
        };
        if !guard::believable(&evidence) {
            return (Vec::new(), 1);
        }
        let places: Vec<_> = raw.iter().map(|word| word.placed(start)).collect();
        let ranges = align::align(&places, Sound { envelope, voiced });
        let texts: Vec<&str> = raw.iter().map(|word| word.text.as_str()).collect();
        let keep = guard::without_loops(&texts);
        let dropped = u32::from(keep.iter().map(ExactSizeIterator::len).sum::<usize>() < raw.len());
        let spoken = raw.into_iter().zip(ranges).enumerate();
        let spoken = spoken.filter(|(i, _)| keep.iter().any(|range| range.contains(i)));
        let place = |(_, (word, range)): (usize, (RawWord, std::ops::Range<usize>))| {
            let first = self.window.to_source(start + range.start);
            let last = self.window.to_source_end(start + range.end).max(first + 1);
            // A word does not reach over a seam, where silence was left out.
            let piece = self.window.pieces.iter().find(|piece| piece.contains(&first));
            Spoken { word, start: first, end: piece.map_or(last, |piece| last.min(piece.end)) }
        };
        (spoken.map(place).collect(), dropped)
    }
}

/// Segments of words that have no long pause between them.
fn split(words: Vec<Spoken>, language: &str, offset_ms: u64) -> Vec<Segment> {
    let ms = |frame: usize| offset_ms + frame as u64 * FRAME_MS;
    let mut out: Vec<Segment> = Vec::new();
    let mut last_end = None;
    for Spoken { word, start, end } in words {
        let near = last_end.is_some_and(|last: usize| start.saturating_sub(last) < PAUSE);
        last_end = Some(end);
        let new = Word { start_ms: ms(start), end_ms: ms(end), text: word.text, confidence: word.confidence };
        match out.last_mut() {
            Some(segment) if near => {
                segment.end_ms = new.end_ms.max(segment.end_ms);
                segment.text.push_str(words::separator(language));
                segment.text.push_str(&new.text);
                segment.words.push(new);
            }
            _ => out.push(Segment {
                start_ms: new.start_ms,
                end_ms: new.end_ms,
                text: new.text.clone(),
                words: vec![new],
            }),
        }
    }
    out
}
