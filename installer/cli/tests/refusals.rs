//! What the real installer refuses: with which words, which exit code, and with nothing written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

use support::{Random, Recipe, Site, Vendor, code, noise, standing, text, tree, untouched};

#[test]
fn a_downgrade_is_refused_with_21() {
    let site = Site::new();
    site.apply(&Recipe::new(2));
    let output = site.apply(&Recipe::new(1));
    assert_eq!(code(&output), 21);
    assert_eq!(
        text(&output.stderr),
        "error[plan.not-newer]: release `2026.4.1` (sequence 1) is not newer than the installed `2026.4.2` (sequence 2)\n  \
         remedy: to go back to the release before this one, use `strongroom-installer rollback`\n"
    );
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.2"));
}

#[test]
fn an_epoch_below_the_floor_is_refused_with_21_even_after_a_rollback() {
    let site = Site::new();
    let mut raised = Recipe::new(2);
    raised.epoch = 1;
    site.apply(&Recipe::new(1));
    assert_eq!(code(&site.apply(&raised)), 0);
    assert_eq!(code(&site.run("rollback", &["--yes"])), 21);
    let output = site.apply(&Recipe::new(3));
    assert_eq!(code(&output), 21);
    assert!(
        text(&output.stderr).starts_with(
            "error[plan.epoch-below-floor]: release `2026.4.3` has the epoch 0, this host accepts 1 or higher\n"
        ),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn data_that_the_older_release_cannot_read_close_the_way_back_with_50() {
    let site = Site::new();
    let mut second = Recipe::new(2);
    second.schema = (1, 2);
    site.apply(&Recipe::new(1));
    let output = site.apply(&second);
    assert_eq!(code(&output), 0);
    assert!(
        text(&output.stdout).replace("\n ", "").contains("caution: the new release brings the data from schema 1 to 2")
    );
    let back = site.run("rollback", &["--yes"]);
    assert_eq!(code(&back), 50);
    assert_eq!(
        text(&back.stderr),
        "error[plan.data-schema]: release `2026.4.1` reads data of schema 1 to 1, the data on this host have schema 2\n  remedy: \
         restore a backup from before schema 2, or install a release that reads schema 2\n"
    );
    let mut far = Recipe::new(9);
    far.schema = (5, 6);
    let output = site.apply(&far);
    assert_eq!(code(&output), 50);
    assert!(text(&output.stderr).contains("remedy: install a release first that brings schema 2 to 5 or higher"));
}

#[test]
fn another_platform_is_refused_with_50() {
    let site = Site::new();
    let mut recipe = Recipe::new(1);
    recipe.platform = "linux-riscv64".into();
    assert_eq!(code(&site.apply(&recipe)), 50);
    untouched(&site.root);
}

#[test]
fn releases_of_strangers_of_another_channel_or_with_too_few_signers_are_refused_with_20() {
    let mut site = Site::new();
    site.vendor = Vendor::with(99, 1, 1, "stable");
    let output = site.apply(&Recipe::new(1));
    assert_eq!(code(&output), 20);
    assert!(text(&output.stderr).starts_with("error[trust.unknown-signer]"), "{}", text(&output.stderr));
    untouched(&site.root);
    assert!(!site.root.join("etc").exists(), "a refused bundle pins nothing");

    let site = Site::new();
    let mut other = Recipe::new(1);
    other.channel = "nightly".into();
    let output = site.apply(&other);
    assert_eq!(code(&output), 20);
    assert!(text(&output.stderr).starts_with("error[trust.other-channel]"), "{}", text(&output.stderr));
    untouched(&site.root);

    let mut site = Site::new();
    site.vendor = Vendor::with(7, 3, 2, "stable");
    site.trust = site.vendor.root_file(site.folder.path());
    assert_eq!(code(&site.apply(&Recipe::new(1))), 20);
    let mut signed_twice = Recipe::new(1);
    signed_twice.signers = vec![0, 2];
    assert_eq!(code(&site.apply(&signed_twice)), 0);
}

#[test]
fn the_trust_root_is_needed_at_the_first_install_and_fixed_from_then_on() {
    let site = Site::new();
    let medium = site.medium(&Recipe::new(1));
    let output = site.run("apply", &["--yes", "--from", medium.to_str().unwrap()]);
    assert_eq!(code(&output), 22);
    assert!(text(&output.stderr).starts_with("error[trust.no-root]: this host holds on to no trust root yet\n"));
    site.apply(&Recipe::new(1));
    let strangers = tempfile::tempdir().unwrap();
    let other = Vendor::with(99, 1, 1, "stable").root_file(strangers.path());
    let output = site.run("apply", &["--yes", "--from", medium.to_str().unwrap(), "--trust", other.to_str().unwrap()]);
    assert_eq!(code(&output), 20);
    assert!(text(&output.stderr).starts_with("error[trust.other-root]"), "{}", text(&output.stderr));
    let shown = text(&site.run("trust", &["show"]).stdout);
    assert!(shown.contains("state        pinned\nchannel      stable\nneeds        1 of 1 keys\n"), "{shown}");
}

#[test]
fn a_flipped_byte_anywhere_in_the_bundle_is_refused_before_a_slot_is_written() {
    let site = Site::new();
    let mut recipe = Recipe::new(1);
    recipe.set("models/demo/model.bin", &noise(5, (4 << 20) + 99));
    let medium = site.medium(&recipe);
    let mut random = Random(42);
    let files: Vec<String> = tree(&medium).into_keys().collect();
    let mut flips = 0;
    for file in files {
        let path = medium.join(&file);
        let whole = std::fs::read(&path).unwrap();
        for round in 0..4 {
            let place = if round == 0 { whole.len() as u64 - 1 } else { random.below(whole.len() as u64) };
            let mut bytes = whole.clone();
            bytes[place as usize] ^= 1 << random.below(8);
            std::fs::write(&path, bytes).unwrap();
            let (from, trust) = (medium.to_str().unwrap(), site.trust.to_str().unwrap());
            // A host of its own: what an attempt before has verified would not be read again.
            let host = site.folder.path().join("host-of-one-attempt");
            for verb in ["verify", "apply"] {
                let mut arguments = vec![verb, "--root", host.to_str().unwrap(), "--from", from, "--trust", trust];
                arguments.extend((verb == "apply").then_some("--yes"));
                let output = support::installer(&arguments);
                let said = text(&output.stderr);
                assert!(
                    matches!(code(&output), 20 | 30 | 31),
                    "{verb} with {file} flipped at {place}: {} {said}",
                    code(&output)
                );
                assert!(said.contains("error[") && said.contains("\n  remedy: "), "{said}");
            }
            untouched(&host);
            drop(std::fs::remove_dir_all(&host));
            flips += 1;
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert!(flips >= 24);
    // The bundle was not harmed by being read.
    assert_eq!(code(&site.apply(&recipe)), 0);
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));
}

#[test]
fn blobs_verified_before_the_damage_are_kept_and_harm_nobody() {
    let site = Site::new();
    let mut recipe = Recipe::new(1);
    recipe.set("models/demo/model.bin", &noise(5, (4 << 20) + 99));
    let medium = site.medium(&recipe);
    let last = medium.join("UPDATE/2026.4.1/v0002.tar.zst");
    let whole = std::fs::read(&last).unwrap();
    std::fs::write(&last, &whole[..whole.len() - 1]).unwrap();
    let arguments = ["--yes", "--from", medium.to_str().unwrap(), "--trust", site.trust.to_str().unwrap()];
    let output = site.run("apply", &arguments);
    assert_eq!(code(&output), 31, "{}", text(&output.stderr));
    untouched(&site.root);
    assert!(!tree(&site.root.join("opt/strongroom/blobs/sha256")).is_empty());
    std::fs::write(&last, whole).unwrap();
    let output = site.run("apply", &arguments);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));
}

#[test]
fn a_missing_volume_is_named_and_refused_with_31() {
    let site = Site::new();
    let medium = site.medium(&Recipe::new(1));
    std::fs::remove_file(medium.join("UPDATE/2026.4.1/v0001.tar.zst")).unwrap();
    let output =
        site.run("apply", &["--yes", "--from", medium.to_str().unwrap(), "--trust", site.trust.to_str().unwrap()]);
    assert_eq!(code(&output), 31);
    assert_eq!(
        text(&output.stderr),
        "error[bundle.missing-file]: `2026.4.1/v0001.tar.zst` is not on the medium\n  remedy: copy `2026.4.1/v0001.tar.zst` \
         again from where the bundle was made\n"
    );
    untouched(&site.root);
}

#[test]
fn a_lost_journal_is_never_taken_for_an_empty_one() {
    let site = Site::new();
    site.apply(&Recipe::new(1));
    site.apply(&Recipe::new(2));
    let journal = |copy: usize| site.root.join(format!("var/lib/strongroom/installer/journal.{copy}.json"));
    let newest = std::fs::read(journal(0)).unwrap();
    // One copy torn: the other is used.
    std::fs::write(journal(0), &newest[..40]).unwrap();
    assert_eq!(code(&site.run("status", &[])), 0);
    // Both torn: nothing is installed until a person says so.
    std::fs::write(journal(1), b"").unwrap();
    let output = site.apply(&Recipe::new(3));
    assert_eq!(code(&output), 22);
    assert!(text(&output.stderr).starts_with("error[journal.torn]"), "{}", text(&output.stderr));
    std::fs::remove_file(journal(0)).unwrap();
    std::fs::remove_file(journal(1)).unwrap();
    assert_eq!(code(&site.apply(&Recipe::new(3))), 22);
    let recovered = site.run("trust", &["recover", "--yes"]);
    assert_eq!(code(&recovered), 0, "{}", text(&recovered.stderr));
    assert_eq!(code(&site.apply(&Recipe::new(1))), 21);
    assert_eq!(code(&site.apply(&Recipe::new(3))), 0);
}

#[test]
fn a_second_installer_is_told_who_is_at_work() {
    let site = Site::new();
    let layout = installer_cli::layout::Layout::new(&site.root);
    let lock = installer_cli::lock::Lock::take(&installer_cli::host_fs::RealFs, &layout).unwrap();
    let output = site.apply(&Recipe::new(1));
    assert_eq!(code(&output), 90);
    let error = format!("error[installer.busy]: another installer is at work: process {}\n", std::process::id());
    assert!(text(&output.stderr).starts_with(&error), "{}", text(&output.stderr));
    drop(lock);
    assert_eq!(code(&site.apply(&Recipe::new(1))), 0);
}

#[test]
fn nobody_at_the_terminal_and_no_yes_changes_nothing() {
    let site = Site::new();
    let medium = site.medium(&Recipe::new(1));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_strongroom-installer"))
        .args(["apply", "--root", site.root.to_str().unwrap(), "--from", medium.to_str().unwrap()])
        .args(["--trust", site.trust.to_str().unwrap()])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("error[installer.nobody-to-ask]"), "{}", text(&output.stderr));
    untouched(&site.root);
}
