//! The power is cut after every single file operation, with four kinds of loss, and the installer starts again: the old
//! release or the new one stands complete, never neither, and the end is the same as without the cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

use installer_cli::commands::{self, Bundle, Confirm, Outcome, World};
use installer_cli::error::Failure;
use installer_cli::host_fs::HostFs;
use installer_cli::journal_store;
use installer_cli::layout::Layout;
use installer_cli::stop::Stop;
use installer_cli::teller::{Form, Teller};
use installer_plan::State;
use runtime_diag::{Diagnose, Exit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use support::faulty::{FaultyFs, Forget, Loss};
use support::{ReadsTheScript, Recipe, Site, standing};

const LOSSES: [Loss; 4] = [Loss::Nothing, Loss::Data, Loss::NamesAndData, Loss::NamesOfSomeFolders(1)];

struct Scene {
    site: Site,
    bundle: Bundle,
}

/// What a person does with the host.
#[derive(Clone, Copy)]
enum Act {
    Apply,
    Resume,
    Rollback,
}

fn act(fs: &dyn HostFs, root: &Path, bundle: &Bundle, act: Act) -> Result<(), Failure> {
    let (layout, stop) = (Layout::new(root), Stop::default());
    let mut teller = Teller::new(Form::Silent);
    let mut world = World { fs, layout: &layout, teller: &mut teller, stop: &stop };
    match act {
        Act::Apply => commands::apply(&mut world, &mut ReadsTheScript, bundle, Confirm::Beforehand).map(drop),
        Act::Resume => commands::resume(&mut world, &mut ReadsTheScript, Some(bundle)).map(drop),
        Act::Rollback => commands::rollback(&mut world, &mut ReadsTheScript, Confirm::Beforehand),
    }
}

impl Scene {
    /// A host with these releases installed one after the other, and a medium with the next.
    fn new(installed: &[Recipe], next: &Recipe) -> Self {
        let site = Site::in_memory();
        for recipe in installed {
            let bundle = Self::bundle(&site, recipe);
            act(&installer_cli::host_fs::RealFs, &site.root, &bundle, Act::Apply).unwrap();
        }
        let bundle = Self::bundle(&site, next);
        Self { site, bundle }
    }

    fn bundle(site: &Site, recipe: &Recipe) -> Bundle {
        Bundle { from: site.medium(recipe), version: None, trust: Some(site.trust.clone()) }
    }

    /// A copy of the host, with its hard links.
    fn copy(&self) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir_in(self.site.folder.path()).unwrap();
        let root = folder.path().join("host");
        support::copy(&self.site.root, &root);
        (folder, root)
    }
}

fn state(root: &Path) -> State {
    journal_store::read(&installer_cli::host_fs::RealFs, &Layout::new(root), false).unwrap().record.state
}

/// Cuts the power after operation `k` of `first` for every k, then does `then` and checks the end. Returns how many
/// operations there were.
fn every_cut(scene: &Scene, forget: Forget, losses: &[Loss], first: Act, check: &dyn Fn(&Path, u64, Loss)) -> u64 {
    let mut operations = 0;
    for loss in losses {
        for k in 1.. {
            let (_folder, root) = scene.copy();
            let fs = FaultyFs::new(&root, Some(k), *loss, forget);
            let result = act(&fs, &root, &scene.bundle, first);
            if fs.count() < k {
                assert!(
                    result.is_ok() || result.as_ref().is_err_and(|error| error.exit() != Exit::Failure),
                    "{result:?}"
                );
                operations = fs.count();
                break;
            }
            assert!(result.is_err(), "the power was cut at {k}, but all went well");
            check(&root, k, *loss);
        }
    }
    operations
}

fn again(root: &Path, bundle: &Bundle, k: u64, wanted: Act) -> Result<(), Failure> {
    let fs = FaultyFs::new(root, None, Loss::Nothing, Forget::Nothing);
    // After every second cut by `resume` first: both ways must lead to the end.
    if k.is_multiple_of(2) {
        match act(&fs, root, bundle, Act::Resume) {
            // Cut before the trust root was pinned or the first record was written: there is nothing to resume.
            Ok(()) | Err(Failure::NoTrustRoot) => {}
            Err(error) if matches!(error.exit(), Exit::RolledBack | Exit::Unhealthy) => {}
            Err(error) => return Err(error),
        }
    }
    act(&fs, root, bundle, wanted)
}

#[test]
fn a_first_install_that_is_cut_off_anywhere_leads_to_no_release_or_to_the_whole_release() {
    let scene = Scene::new(&[], &Recipe::new(1));
    let operations = every_cut(&scene, Forget::Nothing, &LOSSES, Act::Apply, &|root, k, loss| {
        assert!(matches!(standing(root).as_deref(), None | Some("2026.4.1")), "cut {k} {loss:?}");
        again(root, &scene.bundle, k, Act::Apply).unwrap_or_else(|error| panic!("cut {k} {loss:?}: {error:?}"));
        assert_eq!(standing(root).as_deref(), Some("2026.4.1"), "cut {k} {loss:?}");
        assert_eq!(state(root).name(), "confirmed", "cut {k} {loss:?}");
    });
    assert!(operations > 80, "{operations} operations");
    println!("first install: {operations} operations, cut after each, with {} kinds of loss", LOSSES.len());
}

#[test]
fn an_update_that_is_cut_off_anywhere_leads_to_the_old_or_to_the_new_release() {
    let scene = Scene::new(&[Recipe::new(1), Recipe::new(2)], &Recipe::new(3));
    let operations = every_cut(&scene, Forget::Nothing, &LOSSES, Act::Apply, &|root, k, loss| {
        assert!(matches!(standing(root).as_deref(), Some("2026.4.2" | "2026.4.3")), "cut {k} {loss:?}");
        again(root, &scene.bundle, k, Act::Apply).unwrap_or_else(|error| panic!("cut {k} {loss:?}: {error:?}"));
        assert_eq!(standing(root).as_deref(), Some("2026.4.3"), "cut {k} {loss:?}");
        assert_eq!(state(root).name(), "confirmed", "cut {k} {loss:?}");
        // Nothing of the release before the last is left, and nothing half done.
        let layout = Layout::new(root);
        assert!(support::tree(&layout.staging()).is_empty(), "cut {k} {loss:?}");
        assert_eq!(std::fs::read_dir(layout.slots()).unwrap().count(), 2, "cut {k} {loss:?}");
    });
    assert!(operations > 80, "{operations} operations");
    println!("update: {operations} operations, cut after each, with {} kinds of loss", LOSSES.len());
}

#[test]
fn an_unhealthy_update_that_is_cut_off_anywhere_ends_with_the_old_release() {
    let scene = Scene::new(&[Recipe::new(1)], &Recipe::sick(2));
    let operations = every_cut(&scene, Forget::Nothing, &LOSSES, Act::Apply, &|root, k, loss| {
        assert!(matches!(standing(root).as_deref(), Some("2026.4.1" | "2026.4.2")), "cut {k} {loss:?}");
        let error = again(root, &scene.bundle, k, Act::Apply).expect_err("it is sick");
        assert_eq!(error.exit(), Exit::RolledBack, "cut {k} {loss:?}: {error:?}");
        assert_eq!(standing(root).as_deref(), Some("2026.4.1"), "cut {k} {loss:?}");
        assert_eq!(state(root).name(), "rolled-back", "cut {k} {loss:?}");
    });
    println!("unhealthy update: {operations} operations, cut after each, with {} kinds of loss", LOSSES.len());
}

#[test]
fn an_operators_rollback_that_is_cut_off_anywhere_leads_to_the_older_release() {
    let scene = Scene::new(&[Recipe::new(1), Recipe::new(2)], &Recipe::new(2));
    let operations = every_cut(&scene, Forget::Nothing, &LOSSES, Act::Rollback, &|root, k, loss| {
        assert!(matches!(standing(root).as_deref(), Some("2026.4.1" | "2026.4.2")), "cut {k} {loss:?}");
        let fs = FaultyFs::new(root, None, Loss::Nothing, Forget::Nothing);
        act(&fs, root, &scene.bundle, Act::Resume).unwrap_or_else(|error| panic!("cut {k} {loss:?}: {error:?}"));
        if standing(root).as_deref() == Some("2026.4.2") {
            act(&fs, root, &scene.bundle, Act::Rollback).unwrap_or_else(|error| panic!("cut {k} {loss:?}: {error:?}"));
        }
        assert_eq!(standing(root).as_deref(), Some("2026.4.1"), "cut {k} {loss:?}");
        assert_eq!(state(root).name(), "confirmed", "cut {k} {loss:?}");
    });
    println!("rollback: {operations} operations, cut after each, with {} kinds of loss", LOSSES.len());
}

#[test]
fn a_power_cut_during_the_resume_is_no_different() {
    let scene = Scene::new(&[Recipe::new(1)], &Recipe::new(2));
    // Cut the update in the middle of the switch, then cut the resume after each of its own operations.
    let (_folder, root) = scene.copy();
    let fs = FaultyFs::new(&root, None, Loss::NamesAndData, Forget::Nothing);
    act(&fs, &root, &scene.bundle, Act::Apply).unwrap();
    let switch =
        u64::try_from(fs.touched(&root).iter().position(|line| line.starts_with("symlink")).unwrap()).unwrap() + 1;
    let (_folder, cut_root) = scene.copy();
    let fs = FaultyFs::new(&cut_root, Some(switch), Loss::NamesAndData, Forget::Nothing);
    act(&fs, &cut_root, &scene.bundle, Act::Apply).unwrap_err();
    let Site { folder, vendor, trust, .. } = scene.site;
    let scene = Scene { site: Site { folder, vendor, trust, root: cut_root }, bundle: scene.bundle };
    every_cut(&scene, Forget::Nothing, &LOSSES, Act::Resume, &|root, k, loss| {
        assert!(matches!(standing(root).as_deref(), Some("2026.4.1" | "2026.4.2")), "cut {k} {loss:?}");
        again(root, &scene.bundle, k, Act::Apply).unwrap_or_else(|error| panic!("cut {k} {loss:?}: {error:?}"));
        assert_eq!(standing(root).as_deref(), Some("2026.4.2"), "cut {k} {loss:?}");
    });
}

#[test]
fn the_cuts_find_an_installer_that_forgets_to_sync() {
    let scene = Scene::new(&[Recipe::new(1)], &Recipe::new(2));
    for forget in [Forget::Files, Forget::Folders] {
        let found = catch_unwind(AssertUnwindSafe(|| {
            let losses = [Loss::Data, Loss::NamesOfSomeFolders(1), Loss::NamesOfSomeFolders(2)];
            every_cut(&scene, forget, &losses, Act::Apply, &|root, k, loss| {
                assert!(matches!(standing(root).as_deref(), Some("2026.4.1" | "2026.4.2")), "cut {k} {loss:?}");
                again(root, &scene.bundle, k, Act::Apply).unwrap();
                assert_eq!(standing(root).as_deref(), Some("2026.4.2"), "cut {k} {loss:?}");
            });
        }));
        assert!(found.is_err(), "nothing was found without {forget:?}");
    }
}

#[test]
fn a_second_apply_of_the_same_release_changes_nothing_and_says_so() {
    let scene = Scene::new(&[], &Recipe::new(1));
    let fs = FaultyFs::new(&scene.site.root, None, Loss::Nothing, Forget::Nothing);
    act(&fs, &scene.site.root, &scene.bundle, Act::Apply).unwrap();
    let before = support::tree(&scene.site.root.join("opt"));
    let again = FaultyFs::new(&scene.site.root, None, Loss::Nothing, Forget::Nothing);
    let (layout, stop, mut teller) = (Layout::new(&scene.site.root), Stop::default(), Teller::new(Form::Silent));
    let mut world = World { fs: &again, layout: &layout, teller: &mut teller, stop: &stop };
    let outcome = commands::apply(&mut world, &mut ReadsTheScript, &scene.bundle, Confirm::Beforehand).unwrap();
    assert_eq!(outcome, Outcome::Nothing);
    assert_eq!(again.count(), 0, "{:?}", again.touched(&scene.site.root));
    assert_eq!(support::tree(&scene.site.root.join("opt")), before);
}

#[test]
fn without_the_space_nothing_is_written_and_the_bytes_are_told() {
    let scene = Scene::new(&[Recipe::new(1)], &Recipe::new(2));
    let fs = FaultyFs::new(&scene.site.root, None, Loss::Nothing, Forget::Nothing);
    fs.free.set(Some(1000));
    let error = act(&fs, &scene.site.root, &scene.bundle, Act::Apply).unwrap_err();
    assert_eq!(error.exit(), Exit::NoSpace);
    // Three blobs of the release are new, each below one block; then the reserve.
    let needed = 3 * 4096 + (16 << 20);
    assert_eq!(
        runtime_diag::render(&error),
        format!(
            "error[plan.no-space]: {needed} bytes are needed, 1000 bytes are free\n  remedy: free at least {} bytes on the \
             file system of `opt/strongroom`\n",
            needed - 1000
        )
    );
    assert!(fs.touched(&scene.site.root.join("opt")).is_empty());
}
