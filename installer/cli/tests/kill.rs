//! The real installer is killed at random moments of fifty updates, and started again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Random, Recipe, Site, noise, standing};

/// Two contents in turn, each time as the next release: a large file that spans volumes, and a few small ones.
fn recipe(sequence: u64) -> Recipe {
    let mut recipe = Recipe::new(sequence);
    let large = noise(sequence % 2 + 1, (9 << 20) + 17);
    recipe
        .set("models/demo/model.bin", &large)
        .set("models/demo/pack.toml", format!("content = {}\n", sequence % 2).as_bytes());
    recipe
}

#[test]
fn fifty_updates_killed_at_random_moments_each_leave_the_old_or_the_new_release_and_can_be_finished() {
    let site = Site::new();
    let medium = site.medium(&recipe(1));
    let arguments = ["--yes", "--from", medium.to_str().unwrap(), "--trust", site.trust.to_str().unwrap()];
    let started = Instant::now();
    assert!(site.run("apply", &arguments).status.success());
    // Follows the speed of the machine: longer after each that was killed, shorter after each that came to its end.
    let mut window = u64::try_from(started.elapsed().as_millis()).unwrap().max(50);
    let mut random = Random(20_261_120);
    let (mut killed, mut old, mut new) = (0, 0, 0);
    for sequence in 2..52 {
        let next = recipe(sequence);
        let medium = site.medium(&next);
        let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom-installer"))
            .args(["apply", "--yes", "--root", site.root.to_str().unwrap(), "--from", medium.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.below(window)));
        child.kill().unwrap();
        let cut = !child.wait().unwrap().success();
        killed += usize::from(cut);
        window = (if cut { window * 9 / 8 } else { window * 7 / 8 }).max(20);

        let before = format!("2026.4.{}", sequence - 1);
        match standing(&site.root) {
            Some(version) if version == before => old += 1,
            Some(version) if version == next.version => new += 1,
            other => panic!("round {sequence}: {other:?} stands"),
        }
        let status = site.run("status", &[]);
        assert!(status.status.success(), "{}", support::text(&status.stderr));

        let output = site.run("apply", &["--yes", "--from", medium.to_str().unwrap()]);
        assert!(output.status.success(), "round {sequence}: {}", support::text(&output.stderr));
        assert_eq!(standing(&site.root).as_deref(), Some(next.version.as_str()), "round {sequence}");
        std::fs::remove_dir_all(medium).unwrap();
    }
    println!("killed {killed} of 50; the old release stood {old} times, the new one {new} times");
    assert!(killed >= 10, "only {killed} were killed before their end");
}
