//! What is installed, what would be the way back, what is under way, what is trusted. For people and for programs.
//!
//! Invariant: changes nothing and takes no lock, so that it answers while an update runs.

use crate::error::Failure;
use crate::host_fs::HostFs;
use crate::journal_store;
use crate::layout::Layout;
use crate::observe::{active_slot, installed};
use crate::trust::{Shown, Trust};
use installer_plan::{Journal, Pending, ReleaseRef, SlotName, State};
use serde::Serialize;

/// The machine form.
#[derive(Debug, Serialize)]
pub struct Status {
    installed: Option<Standing>,
    previous: Option<Standing>,
    state: State,
    generation: u64,
    pending: Option<&'static str>,
    floor: installer_plan::Floor,
    data_schema: Option<u32>,
    trust: Option<Shown>,
    #[serde(skip)]
    trust_text: String,
}

#[derive(Debug, Serialize)]
struct Standing {
    slot: SlotName,
    #[serde(flatten)]
    release: ReleaseRef,
    failed: bool,
}

/// Looks.
///
/// # Errors
/// [`Failure::BrokenInstallation`], [`Failure::Journal`], [`Failure::Disk`].
pub fn look(fs: &dyn HostFs, layout: &Layout) -> Result<Status, Failure> {
    let active = active_slot(fs, layout)?;
    let Journal { generation, record } = journal_store::read(fs, layout, active.is_some())?;
    let standing = |slot: SlotName| -> Result<Option<Standing>, Failure> {
        Ok(installed(fs, layout, slot)?.map(|found| Standing {
            slot,
            failed: record.failed == Some(found.reference.digest),
            release: found.reference,
        }))
    };
    let previous = match active {
        Some(slot) => standing(slot.other()).ok().flatten(),
        None => None,
    };
    let trust = Trust::pinned(fs, layout)?;
    Ok(Status {
        installed: active.map(standing).transpose()?.flatten(),
        previous,
        generation,
        pending: pending(&record.state),
        floor: record.floor,
        data_schema: record.data_schema,
        trust_text: trust.as_ref().map_or_else(
            || "none yet".into(),
            |trust| {
                let (needed, keys) = (trust.roots.threshold(), trust.roots.keys().len());
                format!("{} (channel `{}`, {needed} of {keys} keys)", trust.fingerprint, trust.roots.channel())
            },
        ),
        trust: trust.as_ref().map(Trust::shown),
        state: record.state,
    })
}

fn pending(state: &State) -> Option<&'static str> {
    match state.pending() {
        Pending::Nothing => None,
        Pending::NeedsMedium => Some("run `strongroom-installer apply --from DIR` with its medium to go on"),
        Pending::BeforeSwitch | Pending::AfterSwitch => Some("run `strongroom-installer resume` to finish it"),
        Pending::NeedsHands => Some("repair the cause, then run `strongroom-installer resume`"),
    }
}

impl Status {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let release = |standing: &Option<Standing>| match standing {
            None => "none".into(),
            Some(Standing { slot, release, failed }) => format!(
                "{} (sequence {}, epoch {}), slot `{slot}`{}",
                release.version,
                release.sequence,
                release.epoch,
                if *failed { ", was not healthy" } else { "" }
            ),
        };
        let mut text = format!("installed   {}\n", release(&self.installed));
        if let Some(standing) = &self.installed {
            text.push_str(&format!("            {}\n", standing.release.digest));
        }
        text.push_str(&format!("previous    {}\n", release(&self.previous)));
        let target = match (self.pending, self.state.work()) {
            (Some(_), Some(work)) => format!(", update to {}", work.target().version),
            _ => String::new(),
        };
        text.push_str(&format!("journal     {} (record {}){target}\n", self.state.name(), self.generation));
        match &self.state {
            State::RolledBack { reason, .. }
            | State::RollingBack { reason, .. }
            | State::RollbackFailed { reason, .. } => {
                text.push_str(&format!("            {reason}\n"));
            }
            _ => {}
        }
        if let Some(todo) = self.pending {
            text.push_str(&format!("            {todo}\n"));
        }
        let schema = self.data_schema.map_or_else(|| "none yet".into(), |schema| schema.to_string());
        text.push_str(&format!("data schema {schema}\n"));
        text.push_str(&format!("floor       sequence {}, epoch {}\n", self.floor.sequence, self.floor.epoch));
        text.push_str(&format!("trust root  {}\n", self.trust_text));
        text
    }
}
