//! The application's speech port: engine processes, kept warm for a while.
//!
//! Invariants: an engine serves one request at a time; after a fault it is not used again; an idle one leaves after
//! [`SpeechSettings::keep_warm`], so that its memory is free for media work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use appliance_app::ports::media::{EngineError, SpeechRequest};
use appliance_app::ports::{Observer, Speech};
use appliance_domain::transcript::{ModelUsed, Segment, Word};
use async_trait::async_trait;
use runtime_protocol::{Budget, Transcribe};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::child::{EngineLimits, SpeechChild};
use crate::fault::EngineFault;
use crate::launch::{EngineCommand, Launcher};
use crate::pack::SpeechPack;

/// The engine leaks a little with every request (whisper-rs never frees its strings).
const SERVES_AT_MOST: u32 = 50;

/// How speech engines are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechSettings {
    /// Threads of one engine. One is fastest where the cores are shared with media work: the engine's threads wait for
    /// each other by spinning, and each wait for a core that is taken costs all of them.
    pub threads: u32,
    /// An idle engine keeps its model loaded for this long.
    pub keep_warm: Duration,
}

impl SpeechSettings {
    /// For a machine with this many cores that also encodes media.
    #[must_use]
    pub fn for_cores(cores: usize) -> Self {
        let threads = u32::try_from(cores / 2).unwrap_or(1).clamp(1, 8);
        Self { threads, keep_warm: Duration::from_secs(300) }
    }
}

/// Speech engines for one pack.
#[derive(Debug)]
pub struct SpeechEngines {
    launcher: Arc<Launcher>,
    command: EngineCommand,
    pack: Option<SpeechPack>,
    settings: SpeechSettings,
    limits: EngineLimits,
    idle: Arc<Idle>,
}

/// Engines that wait for work, each with the ticket of its stay.
#[derive(Debug, Default)]
struct Idle {
    engines: Mutex<Vec<(u64, SpeechChild)>>,
    tickets: AtomicU64,
}

impl Idle {
    fn take(&self) -> Option<SpeechChild> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner).pop().map(|(_, child)| child)
    }

    /// Keeps an engine, and lets it go after a while if nobody took it.
    fn put(self: &Arc<Self>, child: SpeechChild, keep: Duration) {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        self.engines.lock().unwrap_or_else(PoisonError::into_inner).push((ticket, child));
        let this: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(keep).await;
            let Some(this) = this.upgrade() else { return };
            let gone = {
                let mut all = this.engines.lock().unwrap_or_else(PoisonError::into_inner);
                all.iter().position(|(held, _)| *held == ticket).map(|at| all.remove(at))
            };
            if let Some((_, child)) = gone {
                child.shut_down().await;
            }
        });
    }
}

impl SpeechEngines {
    /// Engines for `pack`, started from `command`.
    #[must_use]
    pub fn new(
        launcher: Arc<Launcher>,
        command: EngineCommand,
        pack: Option<SpeechPack>,
        settings: SpeechSettings,
    ) -> Self {
        let memory_bytes = pack.as_ref().map_or(0, |pack| pack.pack().hardware.memory_bytes);
        let limits = EngineLimits::new(Budget { threads: settings.threads, memory_bytes });
        Self { launcher, command, pack, settings, limits, idle: Arc::default() }
    }

    /// With other patience.
    #[must_use]
    pub fn with_limits(mut self, limits: EngineLimits) -> Self {
        self.limits = limits;
        self
    }

    async fn engine(&self) -> Result<SpeechChild, EngineFault> {
        match self.idle.take() {
            Some(child) => Ok(child),
            None => SpeechChild::start(&self.launcher, &self.command, self.limits).await,
        }
    }

    async fn run(
        &self,
        request: &Transcribe,
        segments: &mpsc::Sender<runtime_protocol::Segment>,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), EngineFault> {
        let start = cancel.run_until_cancelled(self.engine()).await;
        let mut engine = start.unwrap_or(Err(EngineFault::Cancelled))?;
        let result = engine.transcribe(request, segments, progress, cancel).await;
        let alive = matches!(&result, Ok(_) | Err(EngineFault::Failed(_)));
        if alive && engine.served() < SERVES_AT_MOST {
            self.idle.put(engine, self.settings.keep_warm);
        }
        let usage = result?;
        tracing::info!(
            audio_ms = usage.audio_ms,
            decoded_ms = usage.decoded_ms,
            wall_ms = usage.wall_ms,
            load_ms = usage.load_ms,
            segments = usage.segments,
            dropped = usage.dropped,
            "speech written down"
        );
        Ok(())
    }
}

#[async_trait]
impl Speech for SpeechEngines {
    fn model(&self) -> Option<(ModelUsed, String)> {
        self.pack.as_ref().map(|pack| (pack.model(), pack.language().to_owned()))
    }

    async fn transcribe(
        &self,
        request: &SpeechRequest,
        segments: mpsc::Sender<Segment>,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let Some(pack) = &self.pack else {
            return Err(EngineError::Engine(no_pack()));
        };
        let work = Transcribe {
            model_path: pack.weights().to_owned(),
            audio_path: request.audio.clone(),
            language: Some(pack.language().to_owned()),
            offset_ms: request.offset_ms,
            threads: self.settings.threads,
            vocabulary: Vec::new(),
        };
        let (sender, mut receiver) = mpsc::channel::<runtime_protocol::Segment>(8);
        let progress = |done: u64, total: u64| {
            let fraction = if total == 0 { 1.0 } else { done as f32 / total as f32 };
            observer.progress(fraction.clamp(0.0, 1.0), "writing down speech");
        };
        let forward = async {
            let mut index = 0;
            while let Some(segment) = receiver.recv().await {
                if segments.send(translate(index, segment)).await.is_err() {
                    // Dropping the receiver tells the engine's side.
                    break;
                }
                index += 1;
            }
            drop(receiver);
        };
        let run = async {
            let result = self.run(&work, &sender, &progress, cancel).await;
            drop(sender);
            result
        };
        let (result, ()) = tokio::join!(run, forward);
        result.map_err(EngineFault::into_engine_error)
    }
}

fn translate(index: u32, segment: runtime_protocol::Segment) -> Segment {
    let word = |word: runtime_protocol::Word| Word {
        start_ms: word.start_ms,
        end_ms: word.end_ms,
        text: word.text,
        confidence: word.confidence,
    };
    Segment {
        index,
        start_ms: segment.start_ms,
        end_ms: segment.end_ms,
        text: segment.text,
        words: segment.words.into_iter().map(word).collect(),
    }
}

fn no_pack() -> appliance_domain::problem::Problem {
    appliance_domain::problem::Problem {
        code: "speech.no-pack".into(),
        title: "no speech model is installed".into(),
        remedy: "install a release with a speech model pack".into(),
        retryable: false,
    }
}
