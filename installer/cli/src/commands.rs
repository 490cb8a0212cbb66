//! The verbs: what each does, in order. Everything they touch is handed in.
//!
//! Invariant: `verify`, `plan`, `status` and `trust show` change nothing; the others take the lock first, and write
//! nothing before the signatures hold and the plan stands.

use crate::engine::{Engine, verdict};
use crate::error::Failure;
use crate::host_fs::HostFs;
use crate::journal_store;
use crate::layout::Layout;
use crate::lock::Lock;
use crate::medium::FolderMedium;
use crate::observe::{active_slot, installed, observe, verified_in};
use crate::service::Service;
use crate::staging::Source;
use crate::status;
use crate::stop::Stop;
use crate::teller::Teller;
use crate::trust::Trust;
use bundler_format::volumes::{BundleError, ChunkAt, OtherVersions, Sink, verify_files, verify_volumes};
use bundler_format::{Digest, Verified, VerifyError};
use installer_plan::{Event, Journal, Kind, Pending, Plan, Record, Refusal, SlotName, human_bytes, render};
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// Everything a verb needs of the world.
#[allow(missing_debug_implementations, reason = "a borrowed file system has nothing to show")]
pub struct World<'a> {
    /// The host.
    pub fs: &'a dyn HostFs,
    /// Its paths.
    pub layout: &'a Layout,
    /// Whom to tell.
    pub teller: &'a mut Teller,
    /// Ctrl-C.
    pub stop: &'a Stop,
}

/// Which bundle, and with which trust root.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Where the medium is.
    pub from: PathBuf,
    /// The version, when there are several.
    pub version: Option<String>,
    /// The vendor's trust root.
    pub trust: Option<PathBuf>,
}

/// Who confirms a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// It was confirmed beforehand.
    Beforehand,
    /// The person at the terminal.
    Ask,
}

/// What came of a verb that can find nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// There was nothing to do.
    Nothing,
}

#[derive(Serialize)]
struct Said<'a> {
    outcome: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<SlotName>,
}

#[derive(Serialize)]
struct SaidVerified<'a> {
    outcome: &'a str,
    version: &'a str,
    digest: Digest,
    signers: Vec<String>,
    bytes: u64,
}

/// Finds the bundle, checks the signatures, and only then everything else that is small.
fn open(bundle: &Bundle, trust: &Trust) -> Result<(FolderMedium, Verified), Failure> {
    let medium = FolderMedium::find(&bundle.from)?;
    let version = medium.choose(bundle.version.as_deref())?;
    let verified = trust.roots.verify(medium.read(&version)?).map_err(VerifyError::from)?;
    if verified.release().version != version {
        let error = BundleError::OtherFolder { folder: version.to_string(), version: verified.release().version };
        return Err(error.into());
    }
    verify_files(&verified, &medium, OtherVersions::NewestOwnsExtras)?;
    Ok((medium, verified))
}

/// Looks at the bytes and keeps none of them.
struct Looking<'a>(&'a Stop);

impl Sink for Looking<'_> {
    fn chunk(&mut self, _at: &ChunkAt<'_>, _bytes: &[u8]) -> io::Result<()> {
        if self.0.asked() { Err(io::Error::other("stopped as asked")) } else { Ok(()) }
    }
}

/// `verify`: every byte of the medium, nothing written.
///
/// # Errors
/// What is wrong with the bundle.
pub fn verify(world: &mut World<'_>, bundle: &Bundle) -> Result<(), Failure> {
    world.stop.listen()?;
    let trust = Trust::to_check(world.fs, world.layout, bundle.trust.as_deref())?;
    let (medium, verified) = open(bundle, &trust)?;
    let release = verified.release();
    let teller = &mut *world.teller;
    teller.begin("verify", release.volume_bytes());
    let mut before = 0;
    let result = verify_volumes(&verified, &medium, &mut Looking(world.stop), &mut |progress| {
        teller.item(progress.item);
        teller.advance(progress.done.saturating_sub(before));
        before = progress.done;
    });
    teller.end();
    if world.stop.asked() {
        return Err(Failure::Interrupted);
    }
    result?;
    let version = release.version.to_string();
    let text = format!(
        "release {version} is as signed: {} in {} volumes, {} blobs\nsigned by {}\n",
        human_bytes(release.volume_bytes()),
        release.volumes.len(),
        release.blobs.len(),
        verified.signers().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n          ")
    );
    let said = SaidVerified {
        outcome: "verified",
        version: &version,
        digest: verified.digest(),
        signers: verified.signers().iter().map(ToString::to_string).collect(),
        bytes: release.volume_bytes(),
    };
    world.teller.data("result", &text, &said)
}

fn journal(world: &World<'_>) -> Result<Journal, Failure> {
    let active = active_slot(world.fs, world.layout)?;
    journal_store::read(world.fs, world.layout, active.is_some())
}

/// `plan`: what `apply` would do.
///
/// # Errors
/// What is wrong with the bundle, or why it would be refused.
pub fn plan(world: &mut World<'_>, bundle: &Bundle) -> Result<(), Failure> {
    let trust = Trust::to_install(world.fs, world.layout, bundle.trust.as_deref())?;
    let (_, verified) = open(bundle, &trust)?;
    let channel = trust.roots.channel().to_string();
    let host = observe(world.fs, world.layout, &channel, &journal(world)?.record)?;
    let plan = Plan::new(&verified, &host)?;
    world.teller.data("plan", &render(&plan), &plan)
}

/// `apply`: installs or updates.
///
/// # Errors
/// What is wrong with the bundle, why it is refused, what failed, or how it ended when the release is not healthy.
pub fn apply(
    world: &mut World<'_>,
    service: &mut dyn Service,
    bundle: &Bundle,
    confirm: Confirm,
) -> Result<Outcome, Failure> {
    let mut trust = Trust::to_install(world.fs, world.layout, bundle.trust.as_deref())?;
    let (medium, verified) = open(bundle, &trust)?;
    let _lock = Lock::take(world.fs, world.layout)?;
    let journal = journal(world)?;
    let roots = trust.roots.clone();
    let World { fs, layout, teller, stop } = world;
    let mut engine = Engine::new(*fs, layout, service, teller, stop, &roots, journal);
    let source = Source { verified: &verified, medium: &medium };
    if engine.state().pending() == Pending::AfterSwitch {
        engine.stop.listen()?;
        engine.teller.note("finishing the interrupted update first");
        engine.run(Event::Resume, Some(source))?;
        let ours = engine.state().work().is_some_and(|work| work.target().digest == verified.digest());
        match verdict(engine.state()) {
            Err(failure) if ours => return Err(failure),
            Err(failure) => engine.teller.note(&failure.to_string()),
            Ok(()) => {}
        }
    }
    let host = observe(engine.fs, engine.layout, roots.channel().as_str(), &engine.journal.record)?;
    let plan = Plan::new(&verified, &host)?;
    let Some(work) = plan.work() else {
        let version = &plan.target().version;
        let text = format!("release {version} is installed already: there is nothing to do\n");
        engine.teller.data("result", &text, &Said { outcome: "nothing-to-do", version, slot: None })?;
        return Ok(Outcome::Nothing);
    };
    engine.teller.data("plan", &format!("{}\n", render(&plan)), &plan)?;
    if !trust.pinned {
        engine.teller.note(&format!("trust root to hold on to: {}", trust.fingerprint));
    }
    confirmed(confirm, if plan.kind() == Kind::FirstInstall { "install" } else { "update" })?;
    engine.stop.listen()?;
    trust.pin(engine.fs, engine.layout)?;
    engine.keep_manifest(&verified)?;
    let event = if engine.state().pending() != Pending::Nothing && engine.state().work() == Some(&work) {
        engine.teller.note("going on where the interrupted update stopped");
        Event::Resume
    } else {
        Event::Begin(work)
    };
    engine.run(event, Some(source))?;
    verdict(engine.state())?;
    let version = &plan.target().version;
    let text = format!("release {version} is installed in slot `{}` and healthy\n", plan.slot());
    engine.teller.data("result", &text, &Said { outcome: "installed", version, slot: Some(plan.slot()) })?;
    Ok(Outcome::Done)
}

/// `resume`: finishes what was interrupted.
///
/// # Errors
/// As `apply`; [`Failure::MediumNeeded`] when blobs are missing and no medium was named.
pub fn resume(world: &mut World<'_>, service: &mut dyn Service, bundle: Option<&Bundle>) -> Result<Outcome, Failure> {
    let _lock = Lock::take(world.fs, world.layout)?;
    let journal = journal(world)?;
    if journal.record.state.pending() == Pending::Nothing {
        let text = "nothing was interrupted: there is nothing to do\n";
        world.teller.data("result", text, &Said { outcome: "nothing-to-do", version: "", slot: None })?;
        return Ok(Outcome::Nothing);
    }
    let trust = Trust::to_install(world.fs, world.layout, None)?;
    let opened = bundle.map(|bundle| open(bundle, &trust)).transpose()?;
    let source = opened.as_ref().map(|(medium, verified)| Source { verified, medium });
    let World { fs, layout, teller, stop } = world;
    stop.listen()?;
    let mut engine = Engine::new(*fs, layout, service, teller, stop, &trust.roots, journal);
    engine.run(Event::Resume, source)?;
    verdict(engine.state())?;
    told_standing(&engine, "finished")?;
    Ok(Outcome::Done)
}

fn told_standing(engine: &Engine<'_>, outcome: &str) -> Result<(), Failure> {
    let Some(work) = engine.state().work() else { return Ok(()) };
    let (version, slot) = (&work.target().version, work.slot());
    let text = format!("release {version} runs from slot `{slot}` and is healthy\n");
    engine.teller.data("result", &text, &Said { outcome, version, slot: Some(slot) })
}

/// `rollback`: back to the release in the other slot.
///
/// # Errors
/// Why there is no way back, what failed, or how it ended when that release is not healthy.
pub fn rollback(world: &mut World<'_>, service: &mut dyn Service, confirm: Confirm) -> Result<(), Failure> {
    let _lock = Lock::take(world.fs, world.layout)?;
    let trust = Trust::to_install(world.fs, world.layout, None)?;
    let journal = journal(world)?;
    let host = observe(world.fs, world.layout, trust.roots.channel().as_str(), &journal.record)?;
    let slot = host.active.as_ref().ok_or(Refusal::NothingInstalled)?.slot.other();
    let other = verified_in(world.fs, &world.layout.slot(slot), &trust.roots)?;
    let plan = Plan::rollback(&other.ok_or(Refusal::NothingToGoBackTo { slot })?, &host)?;
    let Some(work) = plan.work() else { return Ok(()) };
    world.teller.data("plan", &format!("{}\n", render(&plan)), &plan)?;
    confirmed(confirm, "go back")?;
    let World { fs, layout, teller, stop } = world;
    stop.listen()?;
    let mut engine = Engine::new(*fs, layout, service, teller, stop, &trust.roots, journal);
    engine.run(Event::Begin(work), None)?;
    verdict(engine.state())?;
    if engine.state().work().is_none_or(|work| work.target().digest != plan.target().digest) {
        let version = plan.target().version.clone();
        return Err(Failure::DamagedSlot { version, slot, files: engine.damaged.clone() });
    }
    told_standing(&engine, "rolled-back")
}

/// `status`.
///
/// # Errors
/// What cannot be read.
pub fn status(world: &World<'_>) -> Result<(), Failure> {
    let status = status::look(world.fs, world.layout)?;
    world.teller.data("status", &status.text(), &status)
}

/// `trust show`.
///
/// # Errors
/// [`Failure::NoTrustRoot`], [`Failure::TrustRoot`].
pub fn trust_show(world: &World<'_>, given: Option<PathBuf>) -> Result<(), Failure> {
    let trust = Trust::to_check(world.fs, world.layout, given.as_deref())?;
    world.teller.data("trust", &trust.text(), &trust.shown())
}

/// `trust recover`: a journal for a host that lost it. One that can be read is left alone.
///
/// # Errors
/// [`Failure::Disk`], [`Failure::BrokenInstallation`], a journal of a newer installer.
pub fn trust_recover(world: &mut World<'_>, confirm: Confirm) -> Result<Outcome, Failure> {
    let _lock = Lock::take(world.fs, world.layout)?;
    match journal(world) {
        Ok(_) => {
            let text = "the journal can be read: there is nothing to recover\n";
            world.teller.data("result", text, &Said { outcome: "nothing-to-do", version: "", slot: None })?;
            return Ok(Outcome::Nothing);
        }
        Err(Failure::Journal(error)) if runtime_diag::Diagnose::exit(&error) == runtime_diag::Exit::TrustStore => {
            world.teller.note(&error.to_string());
        }
        Err(error) => return Err(error),
    }
    let active = active_slot(world.fs, world.layout)?;
    let standing = |slot| installed(world.fs, world.layout, slot);
    let active = active.map(standing).transpose()?.flatten();
    let free = active.as_ref().map_or(SlotName::B, |active| active.slot.other());
    let record = Record::rebuilt(active.as_ref(), standing(free).ok().flatten().as_ref());
    let text = format!("the floor becomes sequence {}, epoch {}", record.floor.sequence, record.floor.epoch);
    world.teller.note(&text);
    confirmed(confirm, "rebuild the journal")?;
    journal_store::write(world.fs, world.layout, &Journal::default(), record)?;
    let said = Said { outcome: "recovered", version: "", slot: None };
    world.teller.data("result", "the journal was rebuilt from the installed releases\n", &said)?;
    Ok(Outcome::Done)
}

fn confirmed(confirm: Confirm, what: &str) -> Result<(), Failure> {
    if confirm == Confirm::Beforehand {
        return Ok(());
    }
    let input = io::stdin();
    if !input.is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    let mut error = io::stderr();
    write!(error, "{what}? [y/N] ").and_then(|()| error.flush()).map_err(Failure::Output)?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).map_err(Failure::Output)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::Declined) }
}
