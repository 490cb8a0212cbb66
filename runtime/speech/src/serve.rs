//! The life of the engine process: requests in, events out.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use runtime_diag::{Diagnose, Exit};
use runtime_protocol::{Budget, Event, FrameDecoder, HEARTBEAT_MS, PROTOCOL, Request, Transcribe, decode, encode};

use crate::SpeechError;
use crate::transcribe::transcribe;
use crate::whisper::Model;

/// Serves requests until `Shutdown` or the end of `input`, and says how the process should end.
///
/// Call it once, first thing in the process: it takes whisper.cpp's log over into `tracing`. Set a subscriber that writes to
/// standard error before, never to `output`. The last model stays loaded for the next request that names it.
pub fn serve(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Exit {
    whisper_rs::install_logging_hooks();
    let sink = Sink { output: Arc::new(Mutex::new(output)) };
    let cancel = Arc::new(AtomicBool::new(false));
    let requests = listen(input, Arc::clone(&cancel));
    let mut engine = Engine { sink, cancel, budget: Budget { threads: 1, memory_bytes: 0 }, loaded: None };
    match engine.run(&requests) {
        Ok(()) => Exit::Done,
        Err(error) => {
            tracing::error!(code = error.code(), error = runtime_diag::one_line(&error), "speech engine stops");
            // The parent may be gone; its exit code is all that is left then.
            let _ = engine.sink.send(&Event::Failed(error.failure()));
            error.exit()
        }
    }
}

/// Where events go. Frames of two threads never mix.
struct Sink<W> {
    output: Arc<Mutex<W>>,
}

impl<W: Write> Sink<W> {
    fn send(&self, event: &Event) -> Result<(), SpeechError> {
        let frame = encode(event).map_err(SpeechError::Frame)?;
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(&frame).and_then(|()| output.flush()).map_err(SpeechError::Output)
    }
}

/// Reads frames on a thread of its own, so that a cancel is seen while the engine works. The channel closes at the end of
/// the input; whatever runs then is cancelled, since nobody waits for it.
fn listen(
    mut input: impl Read + Send + 'static,
    cancel: Arc<AtomicBool>,
) -> mpsc::Receiver<Result<Request, SpeechError>> {
    let (send, receive) = mpsc::sync_channel(16);
    let read = move || {
        let mut decoder = FrameDecoder::new();
        let mut buffer = vec![0; 64 * 1024];
        'stream: loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => decoder.push(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            }
            loop {
                let request = match decoder.next_frame() {
                    Ok(None) => break,
                    Ok(Some(frame)) => decode(frame).map_err(SpeechError::Frame),
                    Err(error) => Err(SpeechError::Frame(error)),
                };
                if matches!(request, Ok(Request::Cancel | Request::Shutdown)) {
                    cancel.store(true, Ordering::Relaxed);
                }
                let over = request.is_err();
                if send.send(request).is_err() || over {
                    break 'stream;
                }
            }
        }
        cancel.store(true, Ordering::Relaxed);
    };
    std::thread::spawn(read);
    receive
}

struct Engine<W> {
    sink: Sink<W>,
    cancel: Arc<AtomicBool>,
    budget: Budget,
    loaded: Option<(PathBuf, Model)>,
}

impl<W: Write + Send + 'static> Engine<W> {
    fn run(&mut self, requests: &mpsc::Receiver<Result<Request, SpeechError>>) -> Result<(), SpeechError> {
        let Ok(first) = requests.recv() else { return Ok(()) };
        match first? {
            Request::Hello { protocol: PROTOCOL, budget } => self.budget = budget,
            Request::Hello { protocol, .. } => return Err(SpeechError::Protocol(protocol)),
            Request::Shutdown => return Ok(()),
            Request::Transcribe(_) | Request::Cancel => return Err(SpeechError::Order),
        }
        let version = whisper_rs::WHISPER_CPP_VERSION.to_owned();
        self.sink.send(&Event::Ready { engine: "whisper.cpp".into(), version })?;
        self.beat();
        while let Ok(request) = requests.recv() {
            match request? {
                Request::Transcribe(work) => {
                    // A cancel that came before this request was for the one before it.
                    let end = match self.work(&work) {
                        Ok(usage) => Event::Done(usage),
                        Err(error @ SpeechError::Output(_)) => return Err(error),
                        Err(error) => Event::Failed(error.failure()),
                    };
                    self.sink.send(&end)?;
                }
                Request::Cancel => self.cancel.store(false, Ordering::Relaxed),
                Request::Shutdown => return Ok(()),
                Request::Hello { .. } => return Err(SpeechError::Order),
            }
        }
        Ok(())
    }

    /// Heartbeats for the rest of the process, until nobody reads them.
    fn beat(&self) {
        let sink = Sink { output: Arc::clone(&self.sink.output) };
        std::thread::spawn(move || {
            while sink.send(&Event::Heartbeat).is_ok() {
                std::thread::sleep(Duration::from_millis(HEARTBEAT_MS / 2));
            }
        });
    }

    fn work(&mut self, work: &Transcribe) -> Result<runtime_protocol::Usage, SpeechError> {
        let started = Instant::now();
        if self.loaded.as_ref().is_none_or(|(path, _)| *path != work.model_path) {
            // The old model goes first: two at once may not fit.
            self.loaded = None;
            let model = Model::load(&work.model_path, self.budget.memory_bytes)?;
            self.loaded = Some((work.model_path.clone(), model));
        }
        let load_ms = started.elapsed().as_millis() as u64;
        self.sink.send(&Event::Loaded)?;
        let Some((_, model)) = &self.loaded else { return Err(SpeechError::Order) };
        let cores = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        let threads = work.threads.min(self.budget.threads).clamp(1, cores);
        let cancel = Arc::clone(&self.cancel);
        let go_on = move || !cancel.load(Ordering::Relaxed);
        let sink = &self.sink;
        let mut usage = transcribe(model, work, threads, &mut |event| sink.send(&event), &go_on)?;
        usage.load_ms = load_ms;
        usage.wall_ms = started.elapsed().as_millis() as u64;
        Ok(usage)
    }
}
