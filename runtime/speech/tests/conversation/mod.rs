//! An engine in this process, spoken to through pipes like the real one.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::path::Path;
use std::thread::JoinHandle;

use runtime_diag::Exit;
use runtime_protocol::*;

pub(crate) struct Engine {
    requests: PipeWriter,
    events: PipeReader,
    decoder: FrameDecoder,
    end: JoinHandle<Exit>,
}

impl Engine {
    pub(crate) fn start() -> Self {
        let (input, requests) = pipe().unwrap();
        let (events, output) = pipe().unwrap();
        let end = std::thread::spawn(move || runtime_speech::serve(input, output));
        Self { requests, events, decoder: FrameDecoder::new(), end }
    }

    /// Started, and through its greeting.
    pub(crate) fn ready() -> Self {
        let mut engine = Self::start();
        engine.say(&Request::Hello { protocol: PROTOCOL, budget: Budget { threads: 2, memory_bytes: 1 << 30 } });
        assert!(matches!(engine.hear(), Event::Ready { .. }));
        engine
    }

    pub(crate) fn say(&mut self, request: &Request) {
        self.requests.write_all(&encode(request).unwrap()).unwrap();
    }

    /// The next event that is not a heartbeat.
    pub(crate) fn hear(&mut self) -> Event {
        loop {
            while let Some(frame) = self.decoder.next_frame().unwrap() {
                match decode(frame).unwrap() {
                    Event::Heartbeat => {}
                    event => return event,
                }
            }
            let mut buffer = [0; 4096];
            let count = self.events.read(&mut buffer).unwrap();
            assert!(count > 0, "the engine left");
            self.decoder.push(&buffer[..count]);
        }
    }

    /// All events of the running request.
    pub(crate) fn hear_out(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            let event = self.hear();
            let over = matches!(event, Event::Done(_) | Event::Failed(_));
            all.push(event);
            if over {
                return all;
            }
        }
    }

    pub(crate) fn leave(self) -> Exit {
        drop(self.requests);
        self.end.join().unwrap()
    }
}

pub(crate) fn work(model: &Path, audio: &Path) -> Transcribe {
    Transcribe {
        model_path: model.to_owned(),
        audio_path: audio.to_owned(),
        language: None,
        offset_ms: 0,
        threads: 1,
        vocabulary: vec![],
    }
}

/// Writes raw samples.
pub(crate) fn write_audio(path: &Path, samples: &[f32]) {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    std::fs::write(path, bytes).unwrap();
}
