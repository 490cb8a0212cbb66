//! The real installer, verb by verb: what it says, what it writes, how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

use bundler_format::Mode;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{Recipe, Site, code, noise, standing, text, tree, untouched};

#[test]
fn a_first_install_says_what_it_will_do_pins_the_trust_root_and_leads_to_a_healthy_release() {
    let site = Site::new();
    let output = site.apply(&Recipe::new(1));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for line in [
        "release     2026.4.1 (sequence 1, epoch 0), cut 2026-11-20T00:00:00Z",
        "installed   nothing",
        "  models  new: 1.0.1, 1 files, 2.9 KiB to copy",
        "  none at a first install: if it is not healthy, it is withdrawn and the host",
        "  stays without a release",
        "release 2026.4.1 is installed in slot `a` and healthy",
    ] {
        assert!(said.lines().any(|found| found == line), "{line:?} is not in\n{said}");
    }
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));
    assert_eq!(
        std::fs::read(site.root.join("etc/strongroom/trust/root.json")).unwrap(),
        std::fs::read(&site.trust).unwrap()
    );
    let program = site.root.join("opt/strongroom/current/bin/strongroom");
    assert_eq!(std::fs::metadata(program).unwrap().permissions().mode() & 0o777, 0o555);
    let status = text(&site.run("status", &[]).stdout);
    assert!(status.starts_with("installed   2026.4.1 (sequence 1, epoch 0), slot `a`\n"), "{status}");
    assert!(status.contains("journal     confirmed"), "{status}");
}

#[test]
fn a_second_apply_of_the_same_release_is_no_update_and_says_so() {
    let site = Site::new();
    site.apply(&Recipe::new(1));
    let before = tree(&site.root.join("opt"));
    let output = site.apply(&Recipe::new(1));
    assert_eq!(code(&output), 0);
    assert_eq!(text(&output.stdout), "release 2026.4.1 is installed already: there is nothing to do\n");
    assert_eq!(tree(&site.root.join("opt")), before);
}

#[test]
fn an_update_copies_only_what_is_missing_and_leaves_the_way_back() {
    let site = Site::new();
    site.apply(&Recipe::new(1));
    let output = site.apply(&Recipe::new(2));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("copy 3 of 5 blobs from the medium"), "{said}");
    assert!(said.contains("release 2026.4.1 stays in slot `a`"), "{said}");
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.2"));

    let back = site.run("rollback", &["--yes"]);
    assert_eq!(code(&back), 0, "{}", text(&back.stderr));
    assert!(
        text(&back.stdout).ends_with("release 2026.4.1 runs from slot `a` and is healthy\n"),
        "{}",
        text(&back.stdout)
    );
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));

    // After an operator's rollback the newer release may come back.
    assert_eq!(code(&site.apply(&Recipe::new(2))), 0);
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.2"));
}

#[test]
fn blobs_that_no_slot_needs_are_removed_after_the_confirmation() {
    let site = Site::new();
    for sequence in 1..=3 {
        assert_eq!(code(&site.apply(&Recipe::new(sequence))), 0);
    }
    // Two releases of five blobs each, two of them shared.
    assert_eq!(tree(&site.root.join("opt/strongroom/blobs/sha256")).len(), 8);
    assert_eq!(tree(&site.root.join("var/lib/strongroom/installer/pending")).len(), 0);
}

#[test]
fn an_unhealthy_update_goes_back_by_itself_and_ends_with_70() {
    let site = Site::new();
    site.apply(&Recipe::new(1));
    let output = site.apply(&Recipe::sick(2));
    assert_eq!(code(&output), 70);
    let said = text(&output.stderr);
    assert!(
        said.ends_with(
            "error[health.rolled-back]: release `2026.4.2` is not healthy; release `2026.4.1` runs again\n  cause: \
             `strongroom check` ended with exit code 3: the database cannot be opened\n  remedy: nothing has to be done to \
             keep working; repair the cause before you install it again\n"
        ),
        "{said}"
    );
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));

    let back = site.run("rollback", &["--yes"]);
    assert_eq!(code(&back), 50);
    assert_eq!(
        text(&back.stderr),
        "error[plan.failed-before]: the release `2026.4.2` in slot `b` was tried on this host and was not healthy\n  remedy: \
         stay on the release that runs, or install another one from its medium\n"
    );
}

#[test]
fn an_unhealthy_first_install_is_withdrawn_and_ends_with_60() {
    let site = Site::new();
    let output = site.apply(&Recipe::sick(1));
    assert_eq!(code(&output), 60);
    assert!(!site.root.join("opt/strongroom/current").exists());
    let said = text(&output.stderr);
    let error = "error[health.unhealthy]: release `2026.4.1` was installed but is not healthy; it was withdrawn, no release is active";
    assert!(said.contains(error), "{said}");
    assert_eq!(code(&site.apply(&Recipe::new(2))), 0);
}

#[test]
fn when_the_way_back_is_not_healthy_either_it_ends_with_80_and_says_so_plainly() {
    let site = Site::new();
    let flag = site.folder.path().join("old-is-well");
    std::fs::write(&flag, "").unwrap();
    let mut first = Recipe::new(1);
    first.set("bin/strongroom", format!("#!/bin/sh\ntest -e '{}'\n", flag.display()).as_bytes());
    assert_eq!(code(&site.apply(&first)), 0);
    let mut second = Recipe::new(2);
    let script = format!("#!/bin/sh\nrm -f '{}'\nexit 4\n", flag.display());
    second.set("bin/strongroom", script.as_bytes());
    let output = site.apply(&second);
    assert_eq!(code(&output), 80);
    let error = "release `2026.4.2` is not healthy, and going back to `2026.4.1` failed, too: `strongroom check` ended with exit code 1";
    assert!(text(&output.stderr).contains(error), "{}", text(&output.stderr));
    // Once the cause is repaired, `resume` finishes the way back.
    std::fs::write(&flag, "").unwrap();
    let resumed = site.run("resume", &[]);
    assert_eq!(code(&resumed), 70, "{}", text(&resumed.stderr));
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));
}

#[test]
fn a_release_that_hangs_is_ended_at_the_limit() {
    let site = Site::new();
    let mut recipe = Recipe::new(1);
    recipe.set("bin/strongroom", b"#!/bin/sh\nsleep 600\n");
    let medium = site.medium(&recipe);
    let arguments =
        ["--yes", "--health-limit", "1", "--from", medium.to_str().unwrap(), "--trust", site.trust.to_str().unwrap()];
    let output = site.run("apply", &arguments);
    assert_eq!(code(&output), 60);
    assert!(text(&output.stderr).contains("`strongroom check` did not end within 1 s"), "{}", text(&output.stderr));
}

#[test]
fn a_blob_that_rotted_in_the_store_is_found_before_the_switch_and_fetched_again() {
    let site = Site::new();
    site.apply(&Recipe::new(1));
    let shared = site.root.join("opt/strongroom/current/ffmpeg/lib/shared.so");
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&shared, b"the same in every releasE").unwrap();
    let output = site.apply(&Recipe::new(2));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("damaged in slot `b`: `ffmpeg/lib/shared.so`"), "{}", text(&output.stderr));
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.2"));
    // The slot before it shares the rotten file: the way back is closed, and says why.
    let back = site.run("rollback", &["--yes"]);
    assert_eq!(code(&back), 30);
    assert!(
        text(&back.stderr).contains(
            "error[host.damaged-slot]: 1 files of release `2026.4.1` in slot `a` are damaged: `ffmpeg/lib/shared.so`"
        ),
        "{}",
        text(&back.stderr)
    );
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.2"));
}

#[test]
fn a_link_that_leads_to_no_release_is_told_and_the_remedy_works() {
    let site = Site::new();
    site.apply(&Recipe::new(1));
    let current = site.root.join("opt/strongroom/current");
    std::fs::remove_file(site.root.join("opt/strongroom/slots/a/release.json")).unwrap();
    let output = site.apply(&Recipe::new(1));
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("error[host.broken-installation]"), "{}", text(&output.stderr));
    std::fs::remove_file(&current).unwrap();
    assert_eq!(code(&site.apply(&Recipe::new(1))), 0);
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));
}

#[test]
fn verify_and_plan_write_nothing_and_litter_is_no_harm() {
    let site = Site::new();
    let medium = site.medium(&Recipe::new(1));
    std::fs::write(medium.join("UPDATE/2026.4.1/._release.json"), b"\0").unwrap();
    std::fs::create_dir(medium.join("UPDATE/System Volume Information")).unwrap();
    std::fs::write(medium.join("UPDATE/System Volume Information/x"), b"\0").unwrap();
    let before = tree(&medium);
    for from in ["", "UPDATE", "UPDATE/2026.4.1"] {
        let from = medium.join(from);
        for verb in ["verify", "plan"] {
            let output = site.run(verb, &["--from", from.to_str().unwrap(), "--trust", site.trust.to_str().unwrap()]);
            assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        }
    }
    assert!(tree(&site.root).is_empty());
    assert_eq!(tree(&medium), before);
}

#[test]
fn json_is_one_object_a_line_with_a_kind_and_ends_with_the_result_or_the_error() {
    let site = Site::new();
    let medium = site.medium(&Recipe::new(1));
    let arguments = ["--json", "--yes", "--from", medium.to_str().unwrap(), "--trust", site.trust.to_str().unwrap()];
    let output = site.run("apply", &arguments);
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["kind"].is_string()));
    assert!(
        lines.iter().any(|line| line["kind"] == "progress" && line["phase"] == "copy" && line["done"] == line["total"])
    );
    let plan = lines.iter().find(|line| line["kind"] == "plan").unwrap();
    assert_eq!((&plan["action"], &plan["target"]["version"]), (&"first-install".into(), &"2026.4.1".into()));
    assert_eq!(lines.last().unwrap()["outcome"], "installed");
    let status: serde_json::Value = serde_json::from_str(&text(&site.run("status", &["--json"]).stdout)).unwrap();
    assert_eq!(status["installed"]["version"], "2026.4.1");
    assert_eq!(status["state"]["state"], "confirmed");
    std::fs::remove_file(medium.join("UPDATE/2026.4.1/release.json")).unwrap();
    let output = site.run("apply", &arguments);
    let last: serde_json::Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(last["kind"], "error");
    assert_eq!(last["code"], "medium.no-release");
    assert_eq!(last["exit"], code(&output));
}

#[test]
fn ctrl_c_stops_between_chunks_with_130_and_the_next_attempt_goes_on_from_there() {
    let site = Site::new();
    let mut recipe = Recipe::new(1);
    recipe.set("models/demo/model.bin", &noise(3, 48 << 20));
    recipe
        .files
        .iter_mut()
        .for_each(|file| file.1 = if file.0.starts_with("bin/") { Mode::Executable } else { Mode::Plain });
    let medium = site.medium(&recipe);
    let arguments = [
        "apply",
        "--yes",
        "--root",
        site.root.to_str().unwrap(),
        "--from",
        medium.to_str().unwrap(),
        "--trust",
        site.trust.to_str().unwrap(),
    ];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_strongroom-installer"))
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Once the first chunk is on the disk there are eleven more to come.
    let staging = site.root.join("opt/strongroom/blobs/.staging");
    while tree_sizes(&staging) < (4 << 20) {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", text(&output.stderr));
    assert!(
        text(&output.stderr)
            .contains("error[installer.interrupted]: stopped as asked; what was verified so far is kept")
    );
    untouched(&site.root);
    let plan = text(&site.run("plan", &["--from", medium.to_str().unwrap()]).stdout);
    assert!(plan.contains("bytes from the attempt before"), "{plan}");
    let status = text(&site.run("status", &[]).stdout);
    assert!(status.contains("journal     staging"), "{status}");
    let output = site.apply(&recipe);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("going on where the interrupted update stopped"));
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));
}

fn tree_sizes(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| meta.len())
        .sum()
}
