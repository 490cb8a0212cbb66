//! The composition root: which adapter stands behind which port.

use std::future::Future;
use std::sync::Arc;

use appliance_app::edge::EdgeKey;
use appliance_app::ports::{Clock, Jobs};
use appliance_app::runner::JobRunner;
use appliance_app::{App, Ports, Settings};
use appliance_store::Store;
use runtime_media::{Encoder, Profile, Tools};
use runtime_worker::{EngineCommand, Lanes, Launcher, Pace, SpeechEngines, SpeechPack, SpeechSettings, Worker};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::ServerError;
use crate::layout::{Layout, Slot};
use crate::media::FfmpegMedia;
use crate::secrets;
use crate::system::{SystemClock, SystemIds};

fn cores(config: &Config) -> usize {
    let machine = std::thread::available_parallelism().map_or(1, usize::from);
    config.worker.cores.map_or(machine, |set| set.max(1) as usize)
}

/// The application over its default adapters. Opens the store, which has one owner at a time.
pub(crate) fn app(layout: &Layout, slot: &Slot, config: &Config) -> Result<Arc<App>, ServerError> {
    let edge = EdgeKey::new("k1", secrets::load_or_make(&layout.keys().join("edge.key"))?);
    let tools = Tools::find(slot.exe_dir())?;
    let store = Store::open(&layout.data())?;
    let cores = cores(config);
    let profile = Profile { cores: u32::try_from(cores).unwrap_or(u32::MAX), encoder: Encoder::X264 };
    let launcher =
        Launcher::probe().map_err(|source| ServerError::Start { what: "the launcher of engines", source })?;
    let engine = EngineCommand::speech(slot.exe());
    let speech = SpeechEngines::new(Arc::new(launcher), engine, speech_pack(slot), SpeechSettings::for_cores(cores));
    let ports = Ports {
        accounts: store.accounts(),
        catalog: store.tenant(),
        jobs: store.tenant(),
        objects: store.objects(),
        rate_limit: store.rate_limit(),
        media: Arc::new(FfmpegMedia { tools, profile }),
        speech: Arc::new(speech),
        clock: Arc::new(SystemClock::default()),
        ids: Arc::new(SystemIds),
    };
    let settings = Settings {
        retention_days: config.storage.retention_days.into(),
        reserve_bytes: config.storage.reserve_bytes,
        ..Settings::default()
    };
    Ok(Arc::new(App::new(ports, settings, edge)))
}

/// The speech pack of the release. One that cannot be used is no reason not to serve: it is logged, and shown by `check`.
fn speech_pack(slot: &Slot) -> Option<SpeechPack> {
    let found = SpeechPack::find(&slot.models()?);
    found.unwrap_or_else(|error| {
        tracing::error!(error = %runtime_diag::one_line(&error), "no speech pack can be used");
        None
    })
}

/// The worker beside the API, until `stop`; what is returned ends when no job runs any more.
pub(crate) fn worker(app: &Arc<App>, config: &Config, stop: &CancellationToken) -> impl Future<Output = ()> + use<> {
    let runner: Arc<dyn JobRunner> = Arc::clone(app) as Arc<dyn JobRunner>;
    let jobs: Arc<dyn Jobs> = Arc::clone(&app.ports().jobs);
    let clock: Arc<dyn Clock> = Arc::clone(&app.ports().clock);
    let lanes = Lanes::for_cores(cores(config));
    let worker = Worker::new(jobs, runner, clock, format!("pid {}", std::process::id()), lanes, Pace::default());
    let running = tokio::spawn(worker.run(stop.clone()));
    async move {
        if let Err(error) = running.await {
            tracing::error!(error = %error, "the worker ended early");
        }
    }
}
