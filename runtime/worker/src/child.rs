//! One engine process and the conversation with it.
//!
//! Invariants: when the handle is dropped, every process of the engine's group is killed; at most 4 KiB of its standard error
//! and one frame of its standard output are kept; a cancel that is not heard within its grace is followed by a kill.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime_protocol::{
    Budget, CANCELLED, Event, Failure, FrameDecoder, PROTOCOL, Request, Segment, Transcribe, Usage, decode, encode,
};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::EngineFault;
use crate::launch::{EngineCommand, Launcher, group};

const LAST_WORDS: usize = 4096;
/// Address space is more than memory: thread stacks, allocator arenas and the executable itself are reserved, not used.
const ADDRESS_SPACE_EXTRA: u64 = 1 << 30;

/// What an engine process may use, and how long it may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineLimits {
    /// Told to the engine and, with room for what is only reserved, enforced by the kernel.
    pub budget: Budget,
    /// From the start to its first message.
    pub ready: Duration,
    /// Between signs of life.
    pub heartbeat: Duration,
    /// Between signs of progress.
    pub stall: Duration,
    /// From a cancel to the kill.
    pub cancel: Duration,
}

impl EngineLimits {
    /// With the given budget and the usual patience.
    #[must_use]
    pub const fn new(budget: Budget) -> Self {
        Self {
            budget,
            ready: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            // A window of 28 s through the largest model on one busy core.
            stall: Duration::from_secs(600),
            cancel: Duration::from_secs(2),
        }
    }
}

/// A speech engine that has said it is ready.
#[derive(Debug)]
pub struct SpeechChild {
    child: Child,
    group: Group,
    input: ChildStdin,
    output: ChildStdout,
    decoder: FrameDecoder,
    buffer: Vec<u8>,
    last_words: Arc<Mutex<Vec<u8>>>,
    limits: EngineLimits,
    served: u32,
}

/// Kills the whole process group when the handle goes away.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn kill(&self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl SpeechChild {
    /// Starts an engine and waits until it is ready.
    ///
    /// # Errors
    /// [`EngineFault::Start`], or whatever ended the process before it was ready.
    pub async fn start(launcher: &Launcher, engine: &EngineCommand, limits: EngineLimits) -> Result<Self, EngineFault> {
        let space = limits.budget.memory_bytes.saturating_add(ADDRESS_SPACE_EXTRA);
        let mut child = launcher.start(engine, space).await.map_err(EngineFault::Start)?;
        let group = Group(group(&child));
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = streams else { return Err(EngineFault::Order) };
        let last_words = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(keep_tail(errors, Arc::clone(&last_words)));
        let (decoder, buffer) = (FrameDecoder::new(), vec![0; 64 * 1024]);
        let mut engine = Self { child, group, input, output, decoder, buffer, last_words, limits, served: 0 };
        // An engine that dies before it reads fails this write; why it died is seen when its output ends.
        let hello = engine.say(&Request::Hello { protocol: PROTOCOL, budget: limits.budget }).await;
        match timeout(limits.ready, engine.hear()).await {
            Err(_) => Err(engine.stop(EngineFault::Hung { seconds: limits.ready.as_secs() }).await),
            Ok(Err(fault)) => Err(fault),
            Ok(Ok(Event::Ready { engine: name, version })) => {
                hello?;
                tracing::debug!(engine = name, version, "engine ready");
                Ok(engine)
            }
            Ok(Ok(Event::Failed(failure))) => Err(engine.stop(EngineFault::Failed(failure)).await),
            Ok(Ok(_)) => Err(engine.stop(EngineFault::Order).await),
        }
    }

    /// Requests served so far.
    #[must_use]
    pub const fn served(&self) -> u32 {
        self.served
    }

    /// The end of its standard error.
    #[must_use]
    pub fn last_words(&self) -> String {
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&words).trim().to_owned()
    }

    /// Runs one request. Segments go to `segments` as they come; `progress` gets (done, total) in milliseconds of audio.
    ///
    /// # Errors
    /// [`EngineFault::Failed`] when the engine explains itself: it can serve on. After any other fault it is dead.
    pub async fn transcribe(
        &mut self,
        request: &Transcribe,
        segments: &mpsc::Sender<Segment>,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<Usage, EngineFault> {
        if cancel.is_cancelled() {
            return Err(EngineFault::Cancelled);
        }
        self.served += 1;
        if let Err(fault) = self.say(&Request::Transcribe(request.clone())).await {
            return Err(self.autopsy(fault).await);
        }
        let (mut heard, mut moved) = (Instant::now(), Instant::now());
        let mut kill_at: Option<Instant> = None;
        loop {
            let hung = heard + self.limits.heartbeat;
            let stalled = moved + self.limits.stall;
            let deadline = kill_at.unwrap_or(hung.min(stalled));
            let event = tokio::select! {
                biased;
                () = cancel.cancelled(), if kill_at.is_none() => {
                    kill_at = Some(Instant::now() + self.limits.cancel);
                    // A process that no longer reads is killed when the grace is over.
                    let _ = timeout(self.limits.cancel, self.say(&Request::Cancel)).await;
                    continue;
                }
                event = self.hear() => event?,
                () = sleep_until(deadline) => {
                    let fault = if kill_at.is_some() {
                        EngineFault::Cancelled
                    } else if hung <= stalled {
                        EngineFault::Hung { seconds: self.limits.heartbeat.as_secs() }
                    } else {
                        EngineFault::Stalled { seconds: self.limits.stall.as_secs() }
                    };
                    return Err(self.stop(fault).await);
                }
            };
            match event {
                Event::Heartbeat => {}
                Event::Loaded => moved = Instant::now(),
                Event::Progress { done_ms, total_ms } => {
                    moved = Instant::now();
                    progress(done_ms, total_ms);
                }
                Event::Segment(segment) => {
                    // Nobody listens any more, or a cancel came while the listener was busy: as after a cancel.
                    let heard = cancel.run_until_cancelled(segments.send(segment)).await;
                    if heard.is_some_and(|sent| sent.is_err()) && kill_at.is_none() {
                        return Err(self.stop(EngineFault::Cancelled).await);
                    }
                    moved = Instant::now();
                }
                Event::Done(_) | Event::Failed(_) if kill_at.is_some() => return Err(EngineFault::Failed(stopped())),
                Event::Done(usage) => return Ok(usage),
                Event::Failed(failure) => return Err(EngineFault::Failed(failure)),
                Event::Ready { .. } => return Err(self.stop(EngineFault::Order).await),
            }
            heard = Instant::now();
        }
    }

    /// Asks the engine to leave, and sees to it.
    pub async fn shut_down(mut self) {
        let _ = timeout(self.limits.cancel, self.say(&Request::Shutdown)).await;
        if timeout(self.limits.cancel, self.child.wait()).await.is_ok() {
            self.group.0 = None;
        }
    }

    async fn say(&mut self, request: &Request) -> Result<(), EngineFault> {
        let frame = encode(request).map_err(EngineFault::Protocol)?;
        let written = async {
            self.input.write_all(&frame).await?;
            self.input.flush().await
        };
        written.await.map_err(EngineFault::Deaf)
    }

    /// The next event. May be dropped and called again without losing one.
    async fn hear(&mut self) -> Result<Event, EngineFault> {
        loop {
            match self.decoder.next_frame().map(|frame| frame.map(decode)) {
                Ok(Some(Ok(event))) => return Ok(event),
                Ok(Some(Err(error))) | Err(error) => return Err(self.stop(EngineFault::Protocol(error)).await),
                Ok(None) => {}
            }
            let count = self.output.read(&mut self.buffer).await.unwrap_or(0);
            if count == 0 {
                return Err(self.autopsy(EngineFault::Order).await);
            }
            self.decoder.push(self.buffer.get(..count).unwrap_or_default());
        }
    }

    /// Kills the group and gives the fault back.
    async fn stop(&mut self, fault: EngineFault) -> EngineFault {
        self.group.kill();
        let _ = self.child.wait().await;
        self.group.0 = None;
        tracing::warn!(error = %runtime_diag::one_line(&fault), last_words = self.last_words(), "engine stopped");
        fault
    }

    /// The process ends or no longer listens: finds out why. One that lives on regardless is killed for `otherwise`.
    async fn autopsy(&mut self, otherwise: EngineFault) -> EngineFault {
        let Ok(Ok(status)) = timeout(Duration::from_secs(2), self.child.wait()).await else {
            return self.stop(otherwise).await;
        };
        // Processes it may have left behind; its own number is free from now on.
        self.group.kill();
        self.group.0 = None;
        // Its standard error may still be on the way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let last_words = self.last_words();
        let fault = EngineFault::of_exit(status, &last_words);
        tracing::warn!(%status, last_words, error = %fault, "engine ended");
        fault
    }
}

/// The request ended after a cancel: the engine is fit for the next one, the caller only learns of the cancel.
fn stopped() -> Failure {
    Failure {
        code: CANCELLED.into(),
        message: "stopped on request".into(),
        remedy: "start it again when it is wanted".into(),
        retry: runtime_diag::Retry::Never,
        input: false,
    }
}

async fn keep_tail(mut errors: ChildStderr, tail: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; LAST_WORDS];
    while let Ok(count @ 1..) = errors.read(&mut buffer).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let extra = tail.len().saturating_sub(LAST_WORDS);
        tail.drain(..extra);
    }
}
