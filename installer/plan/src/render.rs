//! The plan as a person reads it: what, what changes, space, steps, the way back, the time without service.
//!
//! Invariant: readable without colour and at 80 columns, apart from digests. The same numbers as in the JSON form.

use crate::machine::TRIES;
use crate::plan::{Change, Kind, Plan};
use crate::slot::ReleaseRef;

/// `1536` → `1.5 KiB`. For reading only; exact bytes stand beside it where they decide.
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Integers, in tenths of the unit, so that every platform prints the same.
    let mut shift = 10u32;
    for unit in UNITS {
        let tenths = (u128::from(bytes) * 10) >> shift;
        if tenths < 10_240 || unit == "PiB" {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        shift += 10;
    }
    format!("{bytes} B")
}

/// `33654321` → `33,654,321`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The whole plan. Ends with a line break.
#[must_use]
pub fn render(plan: &Plan) -> String {
    let mut lines = vec![
        format!("release     {}, cut {}", name(plan.target()), plan.created()),
        format!("            {}", plan.target().digest),
        format!("channel     {}", plan.channel()),
    ];
    for (index, signer) in plan.signers().iter().enumerate() {
        lines.push(format!("{}{signer}", if index == 0 { "signed by   " } else { "            " }));
    }
    lines.push(match plan.installed() {
        Some(installed) => format!("installed   {}, slot `{}`", name(installed), plan.slot().other()),
        None => "installed   nothing".into(),
    });
    if plan.kind() == Kind::AlreadyInstalled {
        lines.push(String::new());
        lines.push("This release is installed already: there is nothing to do.".into());
        return finish(&lines);
    }
    lines.push(String::new());
    lines.push("what changes".into());
    let width = plan.changes().iter().map(|change| change.component.len()).max().unwrap_or(0);
    lines.extend(plan.changes().iter().map(|change| change_line(change, width)));
    lines.push(String::new());
    if plan.kind() != Kind::Rollback {
        lines.extend(space(plan));
        lines.push(String::new());
    }
    lines.push("steps".into());
    lines.extend(steps(plan).into_iter().enumerate().map(|(index, step)| format!("  {}. {step}", index + 1)));
    lines.push(String::new());
    lines.push("way back".into());
    lines.extend(wrapped(&way_back(plan)));
    lines.push(String::new());
    lines.push("time without service".into());
    lines.extend(wrapped(&downtime(plan)));
    finish(&lines)
}

/// The steps, one line each, in the order they run.
#[must_use]
pub fn steps(plan: &Plan) -> Vec<String> {
    let slot = plan.slot();
    let mut steps = Vec::new();
    match plan.kind() {
        Kind::AlreadyInstalled => return steps,
        Kind::FirstInstall | Kind::Update => {
            steps.push(format!(
                "copy {} of {} blobs from the medium, each chunk after its digest matched",
                plan.missing().len(),
                plan.blobs()
            ));
            steps.push(format!("build slot `{slot}` beside what runs, by links into the blob store"));
            steps.push(format!("read slot `{slot}` again and compare every file with the manifest"));
        }
        Kind::Rollback => steps.push(format!("read slot `{slot}` and compare every file with its manifest")),
    }
    steps.push(format!("switch `current` to slot `{slot}`, in one rename"));
    steps.push("start it and check its health".into());
    steps.push("confirm it and remove the blobs that no slot needs".into());
    steps
}

fn name(release: &ReleaseRef) -> String {
    format!("{} (sequence {}, epoch {})", release.version, release.sequence, release.epoch)
}

fn change_line(change: &Change, width: usize) -> String {
    let what = match (&change.from, &change.to) {
        (Some(from), Some(to)) if change.files_changed == 0 && from == to => format!("{to}, unchanged"),
        (Some(from), Some(to)) if from == to => format!("{to}, {} files differ", change.files_changed),
        (Some(from), Some(to)) => format!("{from} -> {to}, {} files differ", change.files_changed),
        (None, Some(to)) => format!("new: {to}, {} files", change.files_changed),
        (Some(from), None) => format!("removed: {from}"),
        (None, None) => "unchanged".into(),
    };
    let copy = if change.bytes_to_copy == 0 {
        String::new()
    } else {
        format!(", {} to copy", human_bytes(change.bytes_to_copy))
    };
    format!("  {:width$}  {what}{copy}", change.component)
}

fn space(plan: &Plan) -> Vec<String> {
    let begun: u64 = plan.missing().iter().map(|blob| blob.begun).sum();
    let mut lines = vec![
        "space".into(),
        format!("  to copy   {} bytes ({})", grouped(plan.bytes_to_copy()), human_bytes(plan.bytes_to_copy())),
    ];
    if begun > 0 {
        lines.push(format!("  begun     {} bytes from the attempt before", grouped(begun)));
    }
    lines.push(format!("  needed    {} bytes with the reserve", grouped(plan.bytes_needed())));
    lines.push(format!("  free      {} bytes", grouped(plan.bytes_free())));
    lines
}

fn way_back(plan: &Plan) -> String {
    match plan.installed() {
        None => {
            "none at a first install: if it is not healthy, it is withdrawn and the host stays without a release".into()
        }
        Some(installed) => {
            let back = format!(
                "release {} stays in slot `{}`; it runs again by itself if the new one is not healthy \
                 (at most {TRIES} starts), or later by `strongroom-installer rollback`",
                installed.version,
                plan.slot().other()
            );
            let (now, then) = (installed.data_schema.writes, plan.target().data_schema.writes);
            if then > now {
                format!(
                    "{back}; caution: the new release brings the data from schema {now} to {then}, which release {} \
                     does not read: make a backup first",
                    installed.version
                )
            } else {
                back
            }
        }
    }
}

fn downtime(plan: &Plan) -> String {
    match plan.kind() {
        Kind::FirstInstall => "none: nothing runs yet".into(),
        Kind::AlreadyInstalled => "none".into(),
        Kind::Update | Kind::Rollback => {
            "one restart at the switch; copying and checking before it leave the running release alone".into()
        }
    }
}

/// Lines of at most 80 columns, indented by two.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::from(" ");
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > 80 {
            lines.push(std::mem::replace(&mut line, String::from(" ")));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn finish(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_one_unit_with_one_decimal() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (4 << 20, "4.0 MiB"),
            (u64::from(u32::MAX), "3.9 GiB"),
            (u64::MAX, "16383.9 PiB"),
        ] {
            assert_eq!(human_bytes(bytes), text);
        }
    }

    #[test]
    fn long_numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (33_654_321, "33,654,321")] {
            assert_eq!(grouped(number), text);
        }
    }
}
