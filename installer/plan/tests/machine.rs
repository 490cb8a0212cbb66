//! The state machine and the journal under every order of events and crashes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bundler_format::Digest;
use installer_plan::{Action, Event, Journal, JournalError, Pending, Record, SlotName, State, TRIES, advance};
use proptest::prelude::*;
use runtime_diag::{Diagnose, Exit};

/// A `Work` as a journal holds it: there is no public constructor, a plan makes it.
fn work(first: bool, act: &str) -> installer_plan::Work {
    let release = |version: &str, sequence: u64, epoch: u64| {
        serde_json::json!({
            "version": version, "digest": Digest::of(version.as_bytes()), "sequence": sequence, "epoch": epoch,
            "data_schema": { "reads_from": 1, "writes": sequence },
        })
    };
    let previous = if first {
        serde_json::Value::Null
    } else {
        serde_json::json!({ "slot": "a", "release": release("2026.4.1", 1, 0) })
    };
    serde_json::from_value(serde_json::json!({
        "act": act, "target": release("2026.4.2", 2, 5), "slot": "b", "previous": previous,
    }))
    .unwrap()
}

/// A host in numbers: what the actions would have done to it.
#[derive(Debug)]
struct Host {
    current: Option<SlotName>,
    slot_b: &'static str,
    tries: u8,
}

/// What the world does to the actions.
#[derive(Clone, Debug)]
struct Fate {
    damages: u8,
    new_is_healthy: bool,
    old_is_healthy: bool,
    /// Actions after which the power is cut, each told whether before or after the action had its effect.
    cuts: Vec<(usize, bool)>,
}

fn fate() -> impl Strategy<Value = Fate> {
    (0..4u8, any::<bool>(), any::<bool>(), prop::collection::vec((0..30usize, any::<bool>()), 0..6)).prop_map(
        |(damages, new_is_healthy, old_is_healthy, cuts)| Fate { damages, new_is_healthy, old_is_healthy, cuts },
    )
}

fn perform(action: &Action, host: &mut Host, fate: &mut Fate) -> Option<Event> {
    let health = |healthy: bool| if healthy { Event::Healthy } else { Event::Unhealthy("sick".into()) };
    match action {
        Action::Stage => Some(Event::Staged),
        Action::Assemble(slot) => {
            assert_ne!(host.current, Some(*slot), "the active slot was built anew");
            host.slot_b = "built";
            Some(Event::SlotStands)
        }
        Action::Prove(_) if fate.damages > 0 => {
            fate.damages -= 1;
            Some(Event::Damaged)
        }
        Action::Prove(_) => {
            host.slot_b = "proven";
            Some(Event::Proven)
        }
        Action::Switch(slot) => {
            assert!(host.slot_b == "proven" || host.current == Some(*slot), "switched to what was not proven");
            host.current = Some(*slot);
            Some(Event::SwitchDone)
        }
        Action::Trial(slot) => {
            assert_eq!(host.current, Some(*slot));
            host.tries += 1;
            assert!(host.tries <= TRIES, "started more often than allowed");
            Some(health(fate.new_is_healthy))
        }
        Action::Return(slot) => {
            host.current = Some(*slot);
            Some(health(fate.old_is_healthy))
        }
        Action::Withdraw => {
            host.current = None;
            Some(Event::Healthy)
        }
        Action::Collect => None,
    }
}

/// Runs an update to its end, starting again after each cut. Returns the host and the last state.
fn run(first: bool, mut fate: Fate) -> (Host, State) {
    let work = work(first, "install");
    let mut host = Host { current: (!first).then_some(SlotName::A), slot_b: "empty", tries: 0 };
    let mut state = State::Idle;
    let mut event = Some(Event::Begin(work));
    let mut count = 0;
    while let Some(now) = event.take() {
        let (next, actions) = advance(state, now);
        state = next;
        for action in actions {
            count += 1;
            assert!(count < 200, "it does not end");
            let cut = fate.cuts.iter().position(|(at, _)| *at == count).map(|index| fate.cuts.swap_remove(index).1);
            event = match cut {
                Some(false) => Some(Event::Resume),
                Some(true) => {
                    perform(&action, &mut host, &mut fate);
                    Some(Event::Resume)
                }
                None => perform(&action, &mut host, &mut fate),
            };
        }
    }
    (host, state)
}

proptest! {
    #[test]
    fn whatever_happens_the_end_is_the_old_or_the_new_release(first: bool, fate in fate()) {
        let (host, state) = run(first, fate.clone());
        match &state {
            State::Confirmed { .. } => {
                prop_assert!(fate.new_is_healthy);
                prop_assert_eq!(host.current, Some(SlotName::B));
            }
            State::RolledBack { .. } => prop_assert_eq!(host.current, (!first).then_some(SlotName::A)),
            State::RollbackFailed { .. } => {
                prop_assert!(!fate.old_is_healthy && !first);
                prop_assert_eq!(host.current, Some(SlotName::A));
            }
            // Damaged more often than blobs are fetched again: nothing was switched.
            State::Staging { .. } => prop_assert_eq!(host.current, (!first).then_some(SlotName::A)),
            other => prop_assert!(false, "ended {}", other.name()),
        }
    }

    #[test]
    fn events_that_do_not_belong_to_a_state_change_nothing_and_give_no_action(fate in fate(), wrong in 0..6usize) {
        let (_, state) = run(false, fate);
        prop_assume!(state.pending() == Pending::Nothing);
        let event = [Event::Staged, Event::SlotStands, Event::Proven, Event::SwitchDone, Event::Healthy, Event::Abandon][wrong].clone();
        prop_assert_eq!(advance(state.clone(), event), (state, Vec::new()));
    }

    #[test]
    fn a_journal_survives_its_text_and_a_changed_byte_is_noticed(generation in 1..u64::MAX, place: prop::sample::Index, bit in 0..8u8) {
        let record = Record::default().enter(State::Confirmed { work: work(false, "install") });
        let journal = Journal { generation, record };
        let bytes = journal.encode().unwrap();
        prop_assert_eq!(&Journal::read([Some(&bytes), None], true).unwrap(), &journal);
        let mut changed = bytes.clone();
        let at = place.index(changed.len());
        changed[at] ^= 1 << bit;
        // White space may differ; what it says may not.
        match Journal::read([Some(&changed), None], true) {
            Ok(read) => prop_assert_eq!(read, journal),
            Err(error) => prop_assert!(matches!(error.exit(), Exit::TrustStore | Exit::Schema)),
        }
    }
}

#[test]
fn the_trial_and_the_way_back_are_not_interrupted_by_another_wish() {
    let switched = State::Switched { work: work(false, "install"), tries_left: 1 };
    assert_eq!(advance(switched.clone(), Event::Begin(work(false, "rollback"))), (switched.clone(), Vec::new()));
    assert_eq!(advance(switched.clone(), Event::Abandon), (switched, Vec::new()));
}

#[test]
fn a_release_that_never_answers_is_started_three_times_and_then_goes_back() {
    let mut state = State::Switched { work: work(false, "install"), tries_left: TRIES };
    for left in (0..TRIES).rev() {
        let (next, actions) = advance(state, Event::SwitchDone);
        assert_eq!(actions, [Action::Trial(SlotName::B)]);
        assert!(matches!(next, State::Switched { tries_left, .. } if tries_left == left));
        // The power is cut during the trial.
        let (next, actions) = advance(next, Event::Resume);
        assert_eq!(actions, [Action::Switch(SlotName::B)]);
        state = next;
    }
    let (state, actions) = advance(state, Event::SwitchDone);
    assert_eq!(actions, [Action::Return(SlotName::A)]);
    assert!(
        matches!(state, State::RollingBack { reason, .. } if reason == "it was started 3 times and was never found healthy")
    );
}

#[test]
fn an_update_given_up_before_the_switch_leaves_what_runs() {
    let (staging, _) = advance(State::Idle, Event::Begin(work(false, "install")));
    let (state, actions) = advance(staging, Event::Abandon);
    assert_eq!(actions, [Action::Collect]);
    assert!(
        matches!(&state, State::Confirmed { work } if work.target().version == "2026.4.1" && work.slot() == SlotName::A)
    );
}

#[test]
fn a_rollback_to_a_damaged_slot_is_given_up_and_leaves_what_runs() {
    let (state, actions) = advance(State::Idle, Event::Begin(work(false, "rollback")));
    assert_eq!(actions, [Action::Prove(SlotName::B)]);
    let (state, actions) = advance(state, Event::Damaged);
    assert!(actions.is_empty());
    assert!(matches!(&state, State::Confirmed { work } if work.target().version == "2026.4.1"));
}

#[test]
fn the_floors_rise_only_when_a_release_is_confirmed_and_never_fall() {
    let mut record = Record::default();
    for event in
        [Event::Begin(work(false, "install")), Event::Staged, Event::SlotStands, Event::Proven, Event::SwitchDone]
    {
        let state = advance(record.state.clone(), event).0;
        record = record.enter(state);
        assert_eq!((record.floor.sequence, record.floor.epoch, record.data_schema), (0, 0, None));
    }
    let state = advance(record.state.clone(), Event::Healthy).0;
    record = record.enter(state);
    assert_eq!((record.floor.sequence, record.floor.epoch, record.data_schema), (2, 5, Some(2)));
    let (staging, _) = advance(State::Idle, Event::Begin(work(false, "install")));
    let settled = advance(staging, Event::Abandon).0;
    record = record.enter(settled);
    assert_eq!((record.floor.sequence, record.floor.epoch, record.data_schema), (2, 5, Some(2)));
}

#[test]
fn the_newest_copy_that_holds_wins_and_two_torn_ones_are_never_an_empty_journal() {
    let older = Journal { generation: 4, record: Record::default() };
    let newer = older.next(Record { data_schema: Some(9), ..Record::default() });
    assert_eq!((older.copy_index(), newer.copy_index()), (0, 1));
    let (old, new) = (older.encode().unwrap(), newer.encode().unwrap());
    assert_eq!(Journal::read([Some(&old), Some(&new)], true).unwrap(), newer);
    assert_eq!(Journal::read([Some(&old), Some(&new[..30])], true).unwrap(), older);
    assert_eq!(Journal::read([None, None], false).unwrap(), Journal::default());
    assert!(
        matches!(Journal::read([Some(b"{"), Some(&new[..30])], false), Err(JournalError::Torn { copies }) if copies.len() == 2)
    );
    assert!(matches!(Journal::read([None, None], true), Err(JournalError::Gone)));
    let text = String::from_utf8(new).unwrap().replace("strongroom.journal/1", "strongroom.journal/2");
    assert_eq!(Journal::read([Some(&old), Some(text.as_bytes())], true).unwrap_err().exit(), Exit::Schema);
}
