//! The state machine of an update: `advance(state, event) -> (state, actions)`.
//!
//! Invariants:
//! - total: every event is answered in every state; one that does not belong there changes nothing;
//! - each new state is made durable as one journal record *before* its actions run;
//! - [`Event::Resume`] in any state gives the actions that state still owes, and each action may run twice;
//! - until the first [`Action::Switch`] nothing that runs is touched; after it, only `Confirmed`, `RolledBack` and
//!   `RollbackFailed` end the update, so a crash leads to the old or to the new release and to nothing else.
//!
//! Deliberately not here: files, clocks, processes. The executable does the actions and feeds the events back.

use crate::slot::{Installed, ReleaseRef, SlotName};
use serde::{Deserialize, Serialize};

/// How often a new release may be started before it must have been healthy (a start may end in a power cut).
pub const TRIES: u8 = 3;

/// How often damaged blobs are fetched again from the medium in one update.
pub const REFETCHES: u8 = 2;

/// Who asked for the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// A release from a medium.
    Install,
    /// A person goes back to the release in the other slot.
    Rollback,
}

/// A release that stood before the update, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it stands.
    pub slot: SlotName,
    /// Which one it is.
    pub release: ReleaseRef,
}

/// What an update is about; the same in all its states. Made only by a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub(crate) act: Act,
    pub(crate) target: ReleaseRef,
    pub(crate) slot: SlotName,
    pub(crate) previous: Option<Standing>,
}

impl Work {
    /// What a host at rest has behind it: the release that is active.
    pub(crate) fn standing(installed: &Installed) -> Self {
        Self { act: Act::Install, target: installed.reference.clone(), slot: installed.slot, previous: None }
    }

    /// Who asked for it.
    #[must_use]
    pub fn act(&self) -> Act {
        self.act
    }

    /// The release that is to run.
    #[must_use]
    pub fn target(&self) -> &ReleaseRef {
        &self.target
    }

    /// The slot it goes into: never the active one.
    #[must_use]
    pub fn slot(&self) -> SlotName {
        self.slot
    }

    /// The release that runs now, and that is the way back; `None` at a first install.
    #[must_use]
    pub fn previous(&self) -> Option<&Standing> {
        self.previous.as_ref()
    }
}

/// Where an update stands. One journal record each.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Nothing was ever installed.
    #[default]
    Idle,
    /// Verified chunks are copied from the medium to the blob store.
    Staging {
        /// The update.
        work: Work,
        /// How often damaged blobs may still be fetched again.
        refetches_left: u8,
    },
    /// Every blob of the release is in the store.
    Verified {
        /// The update.
        work: Work,
        /// How often damaged blobs may still be fetched again.
        refetches_left: u8,
    },
    /// The release stands in its slot; its files are read once more before the switch.
    Assembled {
        /// The update.
        work: Work,
        /// How often damaged blobs may still be fetched again.
        refetches_left: u8,
    },
    /// `current` points to the new release, or is about to: the trial.
    Switched {
        /// The update.
        work: Work,
        /// Starts left; counted down, durably, before each start.
        tries_left: u8,
    },
    /// The new release is healthy.
    Confirmed {
        /// The update.
        work: Work,
    },
    /// The new release is not healthy: `current` goes back.
    RollingBack {
        /// The update.
        work: Work,
        /// Why it is not healthy.
        reason: String,
    },
    /// The release before it runs again (or none, where there was none).
    RolledBack {
        /// The update.
        work: Work,
        /// Why the new release was not healthy.
        reason: String,
    },
    /// Neither release is healthy.
    RollbackFailed {
        /// The update.
        work: Work,
        /// Why the new release was not healthy.
        reason: String,
        /// Why the release before it is not healthy.
        back: String,
    },
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A person wants what the plan says.
    Begin(Work),
    /// The installer starts again, after a crash or by hand.
    Resume,
    /// Every blob is in the store.
    Staged,
    /// The slot stands.
    SlotStands,
    /// The files of the slot have the right digests.
    Proven,
    /// Files of the slot have other digests; their blobs have been removed from the store.
    Damaged,
    /// `current` points to the slot.
    SwitchDone,
    /// The release that was started is healthy, or (first install) the unhealthy one was withdrawn.
    Healthy,
    /// The release that was started is not healthy.
    Unhealthy(String),
    /// The operator gives up the update before the switch.
    Abandon,
}

/// What the executable is to do, in order. Each can be repeated after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Copy the missing blobs from the medium. Answers `Staged`.
    Stage,
    /// Build the slot from the blob store. Answers `SlotStands`.
    Assemble(SlotName),
    /// Read the slot's files again. Answers `Proven` or `Damaged`.
    Prove(SlotName),
    /// Point `current` to the slot. Answers `SwitchDone`.
    Switch(SlotName),
    /// Start what `current` points to and ask whether it is healthy. Answers `Healthy` or `Unhealthy`.
    Trial(SlotName),
    /// Switch to the slot, start it, ask whether it is healthy. Answers `Healthy` or `Unhealthy`.
    Return(SlotName),
    /// Stop the service and remove `current`: a first install that is not healthy. Answers `Healthy`.
    Withdraw,
    /// Remove blobs that no slot refers to, and left-overs. Answers nothing.
    Collect,
}

impl State {
    /// The name of the state, as journals and `status` spell it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Staging { .. } => "staging",
            Self::Verified { .. } => "verified",
            Self::Assembled { .. } => "assembled",
            Self::Switched { .. } => "switched",
            Self::Confirmed { .. } => "confirmed",
            Self::RollingBack { .. } => "rolling-back",
            Self::RolledBack { .. } => "rolled-back",
            Self::RollbackFailed { .. } => "rollback-failed",
        }
    }

    /// The update it is about.
    #[must_use]
    pub fn work(&self) -> Option<&Work> {
        match self {
            Self::Idle => None,
            Self::Staging { work, .. }
            | Self::Verified { work, .. }
            | Self::Assembled { work, .. }
            | Self::Switched { work, .. }
            | Self::Confirmed { work }
            | Self::RollingBack { work, .. }
            | Self::RolledBack { work, .. }
            | Self::RollbackFailed { work, .. } => Some(work),
        }
    }

    /// What is left to do, if anything.
    #[must_use]
    pub fn pending(&self) -> Pending {
        match self {
            Self::Idle | Self::Confirmed { .. } | Self::RolledBack { .. } => Pending::Nothing,
            Self::Staging { .. } => Pending::NeedsMedium,
            Self::Verified { .. } | Self::Assembled { .. } => Pending::BeforeSwitch,
            Self::Switched { .. } | Self::RollingBack { .. } => Pending::AfterSwitch,
            Self::RollbackFailed { .. } => Pending::NeedsHands,
        }
    }
}

/// What an update still owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Nothing: the host is at rest.
    Nothing,
    /// Goes on when the medium is there; can be given up.
    NeedsMedium,
    /// Goes on without the medium; can be given up.
    BeforeSwitch,
    /// Must be finished before anything else.
    AfterSwitch,
    /// A person must look; `resume` tries the way back once more.
    NeedsHands,
}

/// One step. Total, pure: the same state and event always give the same answer.
#[must_use]
pub fn advance(state: State, event: Event) -> (State, Vec<Action>) {
    match (state, event) {
        (state, Event::Begin(work)) => begin(state, work),
        (state, Event::Resume) => resume(state),
        (state, Event::Abandon) => match state.pending() {
            Pending::NeedsMedium | Pending::BeforeSwitch => (settled(state), vec![Action::Collect]),
            Pending::Nothing | Pending::AfterSwitch | Pending::NeedsHands => (state, Vec::new()),
        },
        (State::Staging { work, refetches_left }, Event::Staged) => {
            let slot = work.slot;
            (State::Verified { work, refetches_left }, vec![Action::Assemble(slot)])
        }
        (State::Verified { work, refetches_left }, Event::SlotStands) => {
            let slot = work.slot;
            (State::Assembled { work, refetches_left }, vec![Action::Prove(slot)])
        }
        (State::Verified { work, refetches_left } | State::Assembled { work, refetches_left }, Event::Damaged) => {
            damaged(work, refetches_left)
        }
        (State::Assembled { work, .. }, Event::Proven) => {
            let slot = work.slot;
            (State::Switched { work, tries_left: TRIES }, vec![Action::Switch(slot)])
        }
        (State::Switched { work, tries_left }, Event::SwitchDone) => try_once(work, tries_left),
        (State::Switched { work, .. }, Event::Healthy) => (State::Confirmed { work }, vec![Action::Collect]),
        (State::Switched { work, .. }, Event::Unhealthy(reason)) => go_back(work, reason),
        (State::RollingBack { work, reason }, Event::Healthy) => (State::RolledBack { work, reason }, Vec::new()),
        (State::RollingBack { work, reason }, Event::Unhealthy(back)) => {
            (State::RollbackFailed { work, reason, back }, Vec::new())
        }
        (state, _) => (state, Vec::new()),
    }
}

fn begin(state: State, work: Work) -> (State, Vec<Action>) {
    match state.pending() {
        // The trial and the way back are never interrupted by another wish.
        Pending::AfterSwitch => (state, Vec::new()),
        Pending::Nothing | Pending::NeedsMedium | Pending::BeforeSwitch | Pending::NeedsHands => match work.act {
            Act::Install => (State::Staging { work, refetches_left: REFETCHES }, vec![Action::Stage]),
            // The slot stands already: it only has to be proven.
            Act::Rollback => {
                let slot = work.slot;
                (State::Assembled { work, refetches_left: 0 }, vec![Action::Prove(slot)])
            }
        },
    }
}

fn resume(state: State) -> (State, Vec<Action>) {
    let actions = match &state {
        State::Idle | State::RolledBack { .. } => Vec::new(),
        State::Staging { .. } => vec![Action::Stage],
        State::Verified { work, .. } => vec![Action::Assemble(work.slot)],
        State::Assembled { work, .. } => vec![Action::Prove(work.slot)],
        State::Switched { work, .. } => vec![Action::Switch(work.slot)],
        State::Confirmed { .. } => vec![Action::Collect],
        State::RollingBack { work, .. } => way_back(work),
        State::RollbackFailed { work, reason, .. } => return go_back(work.clone(), reason.clone()),
    };
    (state, actions)
}

/// Where an update that was given up before its switch leaves the host.
fn settled(state: State) -> State {
    match state.work().cloned() {
        Some(Work { previous: Some(standing), act, .. }) => {
            State::Confirmed { work: Work { act, target: standing.release, slot: standing.slot, previous: None } }
        }
        Some(Work { previous: None, .. }) | None => State::Idle,
    }
}

/// A blob that was in the store before this update turned out damaged: back to the medium, but not for ever. A rollback
/// has no medium, so it is given up and what runs stays.
fn damaged(work: Work, refetches_left: u8) -> (State, Vec<Action>) {
    match (work.act, refetches_left) {
        (Act::Rollback, left) => (settled(State::Assembled { work, refetches_left: left }), Vec::new()),
        (Act::Install, 0) => (State::Staging { work, refetches_left: 0 }, Vec::new()),
        (Act::Install, left) => (State::Staging { work, refetches_left: left - 1 }, vec![Action::Stage]),
    }
}

/// Counts the try down first: the record with fewer tries is durable before the release is started.
fn try_once(work: Work, tries_left: u8) -> (State, Vec<Action>) {
    if tries_left == 0 {
        return go_back(work, format!("it was started {TRIES} times and was never found healthy"));
    }
    let slot = work.slot;
    (State::Switched { work, tries_left: tries_left - 1 }, vec![Action::Trial(slot)])
}

fn go_back(work: Work, reason: String) -> (State, Vec<Action>) {
    let actions = way_back(&work);
    (State::RollingBack { work, reason }, actions)
}

fn way_back(work: &Work) -> Vec<Action> {
    match &work.previous {
        Some(standing) => vec![Action::Return(standing.slot)],
        None => vec![Action::Withdraw],
    }
}
