//! The engine: asks the state machine what to do, does it, and tells it what happened.
//!
//! Invariant: the record of a state is durable before its actions begin. Deliberately not here: any decision about the
//! order of things, which is `installer_plan::advance`'s.

use crate::error::{Failure, Symptom};
use crate::host_fs::{HostFs, make_folders, write_whole};
use crate::journal_store;
use crate::layout::Layout;
use crate::observe::verified_in;
use crate::service::Service;
use crate::slots;
use crate::staging::{Source, Staging, missing};
use crate::stop::Stop;
use crate::teller::Teller;
use bundler_format::{Digest, TrustRoots, Verified};
use installer_plan::{Action, Event, Journal, SlotName, State, Work, advance};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Executes updates on one host.
#[allow(missing_debug_implementations, reason = "a borrowed file system and service have nothing to show")]
pub struct Engine<'a> {
    /// The host.
    pub fs: &'a dyn HostFs,
    /// Its paths.
    pub layout: &'a Layout,
    /// How a release is started and asked for its health.
    pub service: &'a mut dyn Service,
    /// Whom to tell.
    pub teller: &'a mut Teller,
    /// Ctrl-C.
    pub stop: &'a Stop,
    /// The host's trust root.
    pub roots: &'a TrustRoots,
    /// The newest record.
    pub journal: Journal,
    /// Files that the last proof of a slot found damaged, relative to the slot.
    pub damaged: Vec<String>,
    written: BTreeSet<Digest>,
}

impl<'a> Engine<'a> {
    /// An engine over a journal that was read under the lock.
    #[must_use]
    pub fn new(
        fs: &'a dyn HostFs,
        layout: &'a Layout,
        service: &'a mut dyn Service,
        teller: &'a mut Teller,
        stop: &'a Stop,
        roots: &'a TrustRoots,
        journal: Journal,
    ) -> Self {
        Self { fs, layout, service, teller, stop, roots, journal, damaged: Vec::new(), written: BTreeSet::new() }
    }

    /// Where the update stands.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.journal.record.state
    }

    /// Keeps manifest and signatures, so that the update can go on without its medium once every blob is here. Before
    /// the first record of the update.
    ///
    /// # Errors
    /// [`Failure::Disk`].
    pub fn keep_manifest(&self, verified: &Verified) -> Result<(), Failure> {
        let folder = self.pending(&verified.digest());
        make_folders(self.fs, &folder)?;
        for (name, bytes) in verified.signatures() {
            write_whole(self.fs, &folder.join(name), bytes, 0o444)?;
        }
        Ok(write_whole(self.fs, &folder.join("release.json"), verified.release_bytes(), 0o444)?)
    }

    fn pending(&self, digest: &Digest) -> PathBuf {
        self.layout.pending().join(digest.hex())
    }

    /// Runs until the state machine wants nothing more. What came of it is in [`Engine::state`]; see [`verdict`].
    ///
    /// # Errors
    /// Whatever stopped it; running again with [`Event::Resume`] goes on from there.
    pub fn run(&mut self, first: Event, source: Option<Source<'_>>) -> Result<(), Failure> {
        let mut event = first;
        loop {
            let (state, actions) = advance(self.state().clone(), event);
            if state != *self.state() {
                let record = self.journal.record.clone().enter(state);
                self.journal = journal_store::write(self.fs, self.layout, &self.journal, record)?;
            }
            let mut answer = None;
            for action in actions {
                answer = self.act(&action, source)?;
            }
            match answer {
                Some(next) => event = next,
                None => return Ok(()),
            }
        }
    }

    fn act(&mut self, action: &Action, source: Option<Source<'_>>) -> Result<Option<Event>, Failure> {
        match action {
            Action::Stage => self.stage(source).map(Some),
            Action::Assemble(slot) => self.assemble(*slot, source).map(Some),
            Action::Prove(slot) => self.prove(*slot).map(Some),
            Action::Switch(slot) => {
                self.teller.note(&format!("switching to slot `{slot}`"));
                slots::switch(self.fs, self.layout, *slot)?;
                Ok(Some(Event::SwitchDone))
            }
            Action::Trial(slot) => Ok(Some(self.trial(*slot))),
            Action::Return(slot) => {
                self.teller.note(&format!("not healthy; going back to slot `{slot}`"));
                slots::switch(self.fs, self.layout, *slot)?;
                Ok(Some(self.trial(*slot)))
            }
            Action::Withdraw => {
                self.teller.note("not healthy; withdrawing it");
                if let Err(reason) = self.service.stop(self.layout) {
                    self.teller.note(&format!("the service could not be stopped: {reason}"));
                }
                slots::withdraw(self.fs, self.layout)?;
                Ok(Some(Event::Healthy))
            }
            Action::Collect => slots::collect(self.fs, self.layout).map(|()| None),
        }
    }

    /// The release that the update is about, from the source or from what was kept.
    fn verified(&self, work: &Work, source: Option<Source<'_>>) -> Result<Verified, Failure> {
        let wanted = work.target().digest;
        if let Some(source) = source.filter(|source| source.verified.digest() == wanted) {
            return Ok(source.verified.clone());
        }
        let kept = verified_in(self.fs, &self.pending(&wanted), self.roots)?;
        kept.filter(|verified| verified.digest() == wanted)
            .ok_or_else(|| Failure::MediumNeeded { version: work.target().version.clone() })
    }

    fn work(&self) -> Result<Work, Failure> {
        self.state().work().cloned().ok_or_else(|| Failure::Usage {
            problem: "no update is under way".into(),
            remedy: "run `strongroom-installer status`".into(),
        })
    }

    fn stage(&mut self, source: Option<Source<'_>>) -> Result<Event, Failure> {
        let work = self.work()?;
        let source = source.filter(|source| source.verified.digest() == work.target().digest);
        let Some(source) = source else {
            let kept = self.verified(&work, None)?;
            return if missing(self.fs, self.layout, kept.release())?.is_empty() {
                Ok(Event::Staged)
            } else {
                Err(Failure::MediumNeeded { version: work.target().version.clone() })
            };
        };
        let staging = Staging { fs: self.fs, layout: self.layout, stop: self.stop };
        self.written.extend(staging.run(source, self.teller)?);
        Ok(Event::Staged)
    }

    fn assemble(&mut self, slot: SlotName, source: Option<Source<'_>>) -> Result<Event, Failure> {
        let verified = self.verified(&self.work()?, source)?;
        let stands = slots::assemble(self.fs, self.layout, slot, &verified)?;
        Ok(if stands { Event::SlotStands } else { Event::Damaged })
    }

    fn prove(&mut self, slot: SlotName) -> Result<Event, Failure> {
        let work = self.work()?;
        let folder = self.layout.slot(slot);
        // The manifest in the slot must be the very one, and its signatures must hold.
        let verified = match verified_in(self.fs, &folder, self.roots) {
            Ok(Some(verified)) if verified.digest() == work.target().digest => verified,
            Ok(_) | Err(Failure::Untrusted(_)) => {
                self.damaged = vec!["release.json".into()];
                return Ok(Event::Damaged);
            }
            Err(error) => return Err(error),
        };
        let damaged = slots::prove(self.fs, &folder, verified.release(), &self.written, self.stop, self.teller)?;
        if damaged.files.is_empty() {
            return Ok(Event::Proven);
        }
        let files = damaged.files.join("`, `");
        self.teller.note(&format!("damaged in slot `{slot}`: `{files}`"));
        self.damaged = damaged.files;
        if matches!(work.act(), installer_plan::Act::Install) {
            slots::discard_blobs(self.fs, self.layout, &damaged.blobs)?;
            self.written.retain(|digest| !damaged.blobs.contains(digest));
        }
        Ok(Event::Damaged)
    }

    fn trial(&mut self, slot: SlotName) -> Event {
        self.teller.note("starting it and checking its health");
        let seen = self.service.start(self.fs, self.layout, slot).and_then(|()| self.service.healthy(self.layout));
        match seen {
            Ok(()) => Event::Healthy,
            Err(reason) => Event::Unhealthy(reason),
        }
    }
}

/// What the state at the end of a run means for the person who started it.
///
/// # Errors
/// The failure that the state stands for, with its exit code.
pub fn verdict(state: &State) -> Result<(), Failure> {
    let version = |work: &Work| work.target().version.clone();
    match state {
        State::Idle | State::Confirmed { .. } => Ok(()),
        State::RolledBack { work, reason } => Err(match work.previous() {
            Some(standing) => Failure::RolledBack {
                version: version(work),
                back: standing.release.version.clone(),
                reason: Symptom(reason.clone()),
            },
            None => Failure::Unhealthy { version: version(work), reason: Symptom(reason.clone()) },
        }),
        State::RollbackFailed { work, reason, back } => Err(Failure::RollbackFailed {
            version: version(work),
            back: work.previous().map(|standing| standing.release.version.clone()).unwrap_or_default(),
            why: back.clone(),
            reason: Symptom(reason.clone()),
        }),
        // Refetched as often as is sensible, and damaged again.
        State::Staging { work, .. } => Err(Failure::DiskDamages { version: version(work) }),
        State::Verified { work, .. }
        | State::Assembled { work, .. }
        | State::Switched { work, .. }
        | State::RollingBack { work, .. } => Err(Failure::MediumNeeded { version: version(work) }),
    }
}
