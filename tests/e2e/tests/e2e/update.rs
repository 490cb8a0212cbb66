//! Updates and the way back, over the installer's own command line; and power cuts at any moment of one.

use crate::setup::{Small, built, kills, seed};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use tests_kit::bundle::{Random, Stage, status};
use tests_kit::process::Guard;
use tests_kit::sha256_of;

#[test]
fn an_update_is_applied_once_and_the_way_back_works() {
    built();
    let small = Small::cut();
    let (root, next) = (small.path("root"), small.next(2));
    small.medium.apply(&small.keys, &root).unwrap().ok().unwrap();
    assert_eq!(installed(&root), "2026.4.1");
    let again = small.medium.apply(&small.keys, &root).unwrap().ok().unwrap();
    assert!(again.stdout.contains("nothing-to-do"), "{}", again.stdout);

    next.apply(&small.keys, &root).unwrap().ok().unwrap();
    assert_eq!(installed(&root), "2026.4.2");
    slot_is_as_signed(&root);
    let mut back = std::process::Command::new(tests_kit::executables::find("strongroom-installer").unwrap());
    back.args(["rollback", "--yes", "--root"]).arg(&root);
    tests_kit::process::run(&mut back, Duration::from_secs(60)).unwrap().ok().unwrap();
    assert_eq!(installed(&root), "2026.4.1");
    slot_is_as_signed(&root);
}

#[test]
fn a_release_that_is_not_healthy_takes_itself_back() {
    built();
    let small = Small::cut();
    let root = small.path("root");
    small.medium.apply(&small.keys, &root).unwrap().ok().unwrap();
    let sick = Stage::small(&small.path("sick"), 2).unwrap();
    std::fs::write(sick.folder.join("bin/strongroom"), "#!/bin/sh\necho 'the database is upside down' >&2\nexit 7\n")
        .unwrap();
    let medium = sick.cut(&small.keys, &small.path("medium-sick"), 2).unwrap();
    let said = medium.apply(&small.keys, &root).unwrap();
    assert_eq!(said.code, Some(70), "{}", said.stderr);
    assert!(said.stderr.contains("the database is upside down"), "{}", said.stderr);
    assert_eq!(installed(&root), "2026.4.1");
    slot_is_as_signed(&root);
}

#[test]
fn an_older_release_is_refused() {
    built();
    let small = Small::cut();
    let (root, next) = (small.path("root"), small.next(2));
    next.apply(&small.keys, &root).unwrap().ok().unwrap();
    let said = small.medium.apply(&small.keys, &root).unwrap();
    assert_eq!(said.code, Some(21), "{}", said.stderr);
    assert_eq!(installed(&root), "2026.4.2");
}

#[test]
fn fifty_power_cuts_during_an_update_leave_the_old_release_or_the_new_one_and_it_goes_on() {
    built();
    let small = Small::cut();
    let (base, next) = (small.path("base"), small.next(2));
    small.medium.apply(&small.keys, &base).unwrap().ok().unwrap();
    let timed = copy(&base, &small.path("timed"));
    let started = Instant::now();
    next.apply(&small.keys, &timed).unwrap().ok().unwrap();
    let whole = started.elapsed();

    let mut random = Random::new(seed());
    let (mut old, mut new, mut finished) = (0, 0, 0);
    for cut in 0..kills(50) {
        let root = copy(&base, &small.path(&format!("cut-{cut}")));
        let mut guard = Guard::start(&mut next.apply_command(&small.keys, &root).unwrap()).unwrap();
        let after = Duration::from_micros(random.below(u64::try_from(whole.as_micros()).unwrap()));
        if guard.wait(after).unwrap().is_some() {
            finished += 1;
        }
        guard.kill();
        match installed(&root).as_str() {
            "2026.4.1" => old += 1,
            "2026.4.2" => new += 1,
            other => panic!("after a cut at {after:?} release `{other}` is installed"),
        }
        slot_is_as_signed(&root);
        let again = next.apply(&small.keys, &root).unwrap();
        assert_eq!(again.code, Some(0), "after a cut at {after:?} it does not go on\n{}", again.stderr);
        assert_eq!(installed(&root), "2026.4.2");
        slot_is_as_signed(&root);
        std::fs::remove_dir_all(&root).unwrap();
    }
    eprintln!("cuts: {old} left the old release, {new} the new one; {finished} came after the end");
    assert!(old > 0, "no cut came before the switch");
}

fn installed(root: &Path) -> String {
    let status = status(root).unwrap();
    status["installed"]["version"].as_str().unwrap_or("none").to_owned()
}

/// Every file of the release that `current` points to has the bytes that its manifest names.
fn slot_is_as_signed(root: &Path) {
    let slot = root.join("opt/strongroom/current");
    let manifest: Value = serde_json::from_slice(&std::fs::read(slot.join("release.json")).unwrap()).unwrap();
    let mut files = 0;
    for component in manifest["components"].as_array().unwrap() {
        for file in component["files"].as_array().unwrap() {
            let path = slot.join(file["path"].as_str().unwrap());
            assert_eq!(
                format!("sha256:{}", sha256_of(&path).unwrap()),
                file["blob"].as_str().unwrap(),
                "{}",
                path.display()
            );
            files += 1;
        }
    }
    assert!(files > 0);
}

/// A root as it was: links stay links, names of one file stay names of one file.
fn copy(from: &Path, to: &Path) -> std::path::PathBuf {
    let mut command = std::process::Command::new("cp");
    command.arg("-a").arg(from).arg(to);
    tests_kit::process::run(&mut command, Duration::from_secs(60)).unwrap().ok().unwrap();
    to.to_owned()
}
