//! The checks run on this checkout, and each is shown to fail on something broken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use tests_tidy::{Dependency, Finding, Kind, Package, Tree, Workspace, report};

fn package(name: &str, level: u64, folder: &str, dependencies: &[&str]) -> Package {
    let dependencies =
        dependencies.iter().map(|name| Dependency { name: (*name).to_owned(), kind: Kind::Normal }).collect();
    Package { name: name.to_owned(), level: Some(level), folder: folder.to_owned(), dependencies }
}

/// Three crates that keep every rule; each test breaks one thing.
fn valid() -> Workspace {
    Workspace {
        packages: vec![
            package("runtime-diag", 0, "runtime/diag", &[]),
            package("appliance-domain", 2, "appliance/domain", &["runtime-diag", "serde"]),
            package("appliance-http", 4, "appliance/http", &["appliance-domain", "axum"]),
        ],
    }
}

fn clean(findings: Vec<Finding>) {
    assert!(findings.is_empty(), "\n{}", report(&findings));
}

#[test]
fn arrows_of_this_workspace_point_strictly_down() {
    clean(tests_tidy::arrows(&Workspace::read(&Tree::here()).unwrap()));
}

#[test]
fn heavy_dependencies_of_this_workspace_stay_behind_their_fence() {
    clean(tests_tidy::fences(&Workspace::read(&Tree::here()).unwrap()));
}

#[test]
fn the_lower_levels_do_no_io_and_know_no_clock() {
    let here = Tree::here();
    clean(tests_tidy::pure(&Workspace::read(&here).unwrap(), &Tree::read(&here).unwrap()));
}

#[test]
fn every_rust_file_opens_by_saying_what_it_is() {
    clean(tests_tidy::openings(&Tree::read(&Tree::here()).unwrap()));
}

#[test]
fn no_source_file_is_too_long_to_read_in_one_go() {
    clean(tests_tidy::lengths(&Tree::read(&Tree::here()).unwrap()));
}

#[test]
fn no_committed_file_holds_a_machine_path_a_registry_host_or_a_private_key() {
    clean(tests_tidy::forbidden_words(&Tree::read(&Tree::here()).unwrap()));
}

#[test]
fn the_guide_lists_exactly_the_exit_codes_of_the_code() {
    let here = Tree::here();
    let source = std::fs::read_to_string(here.join("runtime/diag/src/exit.rs")).unwrap();
    let page = std::fs::read_to_string(here.join("docs/guides/exit-codes.md")).unwrap();
    clean(tests_tidy::exit_codes(&source, &page));
}

#[test]
fn the_architecture_page_draws_every_crate_at_its_level() {
    let here = Tree::here();
    let page = std::fs::read_to_string(here.join("ARCHITECTURE.md")).unwrap();
    clean(tests_tidy::map(&Workspace::read(&here).unwrap(), &page));
}

#[test]
fn the_valid_example_has_no_finding() {
    clean(tests_tidy::arrows(&valid()));
    clean(tests_tidy::fences(&valid()));
}

#[test]
fn an_arrow_that_points_sideways_is_refused() {
    let mut workspace = valid();
    workspace.packages.push(package("appliance-store", 4, "appliance/store", &["appliance-http"]));
    let findings = report(&tests_tidy::arrows(&workspace));
    assert_eq!(
        findings,
        "appliance-store: the arrow to `appliance-http` points sideways (level 4 to 4); arrows point strictly down, so move what is shared into a lower crate\n"
    );
}

#[test]
fn an_arrow_that_points_upward_is_refused() {
    let mut workspace = valid();
    workspace.packages[0] = package("runtime-diag", 0, "runtime/diag", &["appliance-domain"]);
    let findings = report(&tests_tidy::arrows(&workspace));
    assert!(findings.contains("the arrow to `appliance-domain` points upward (level 0 to 2)"), "{findings}");
}

#[test]
fn a_crate_without_a_level_or_with_another_name_than_its_folder_is_refused() {
    let mut workspace = valid();
    workspace.packages[1].level = None;
    workspace.packages[2].name = "web".to_owned();
    let findings = report(&tests_tidy::arrows(&workspace));
    assert!(findings.contains("appliance-domain: has no level"), "{findings}");
    assert!(findings.contains("web: lies in `appliance/http`, so its name must be `appliance-http`"), "{findings}");
}

#[test]
fn axum_in_the_domain_is_refused_twice_over() {
    let mut workspace = valid();
    workspace.packages[1] = package("appliance-domain", 2, "appliance/domain", &["runtime-diag", "axum"]);
    let findings = report(&tests_tidy::fences(&workspace));
    assert!(findings.contains("appliance-domain: depends on `axum`, but levels 0 to 2 do no IO"), "{findings}");
    assert!(
        findings.contains("allowed in appliance-http, appliance-server: only the HTTP edge knows HTTP"),
        "{findings}"
    );
}

#[test]
fn a_test_dependency_may_cross_a_fence_but_a_build_dependency_may_not() {
    let mut workspace = valid();
    workspace.packages[1].dependencies.push(Dependency { name: "tokio".to_owned(), kind: Kind::Dev });
    clean(tests_tidy::fences(&workspace));
    workspace.packages[1].dependencies.push(Dependency { name: "tokio".to_owned(), kind: Kind::Build });
    assert_eq!(tests_tidy::fences(&workspace).len(), 1);
}

#[test]
fn a_forbidden_line_added_to_a_copy_of_our_own_manifests_is_refused() {
    let copy = tempfile::tempdir().unwrap();
    copy_manifests(&Tree::here(), copy.path());
    let before = Workspace::read(copy.path()).unwrap();
    clean(tests_tidy::arrows(&before));
    clean(tests_tidy::fences(&before));

    for (manifest, line) in [
        ("appliance/domain/Cargo.toml", "axum.workspace = true"),
        ("runtime/diag/Cargo.toml", "bundler-format.workspace = true"),
        ("runtime/media/Cargo.toml", "runtime-speech.workspace = true"),
        ("appliance/app/Cargo.toml", "rusqlite.workspace = true"),
    ] {
        let path = copy.path().join(manifest);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("[dependencies]\n", &format!("[dependencies]\n{line}\n"), 1)).unwrap();
    }
    let after = Workspace::read(copy.path()).unwrap();
    let findings = report(&tests_tidy::arrows(&after)) + &report(&tests_tidy::fences(&after));
    for expected in [
        "appliance-domain: depends on `axum`",
        "runtime-diag: the arrow to `bundler-format` points upward (level 0 to 1)",
        "runtime-media: the arrow to `runtime-speech` points sideways (level 4 to 4)",
        "appliance-app: depends on `rusqlite`, which is allowed in appliance-store",
    ] {
        assert!(findings.contains(expected), "no finding `{expected}` in\n{findings}");
    }
}

/// The manifests with an empty file for each target, so that cargo accepts them.
fn copy_manifests(from: &Path, to: &Path) {
    let workspace = Workspace::read(from).unwrap();
    std::fs::copy(from.join("Cargo.toml"), to.join("Cargo.toml")).unwrap();
    for package in &workspace.packages {
        let (from, to) = (from.join(&package.folder), to.join(&package.folder));
        std::fs::create_dir_all(to.join("src")).unwrap();
        std::fs::copy(from.join("Cargo.toml"), to.join("Cargo.toml")).unwrap();
        for target in ["src/lib.rs", "src/main.rs", "build.rs"] {
            if from.join(target).exists() {
                std::fs::write(to.join(target), "").unwrap();
            }
        }
        let manifest = std::fs::read_to_string(from.join("Cargo.toml")).unwrap();
        for line in manifest.lines().filter_map(|line| line.trim().strip_prefix("path = \"")) {
            let target = to.join(line.trim_end_matches('"'));
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, "").unwrap();
        }
    }
}

#[test]
fn an_exit_code_that_only_one_side_knows_is_refused() {
    let source = "    Done = 0,\n    Busy = 90,\n";
    clean(tests_tidy::exit_codes(source, "| 0 | `Done` | done |\n| 90 | `Busy` | locked |\n"));
    let findings = report(&tests_tidy::exit_codes(source, "| 0 | `Fine` | done |\n| 7 | `Odd` | odd |\n"));
    assert!(findings.contains("calls 0 `Fine`, but the code calls it `Done`"), "{findings}");
    assert!(findings.contains("has no row for 90 `Busy`"), "{findings}");
    assert!(findings.contains("has a row for 7 `Odd`, which no executable uses"), "{findings}");
}

#[test]
fn a_crate_that_the_map_leaves_out_or_draws_elsewhere_is_refused() {
    let page = "| `runtime/diag` | L0 | errors |\n| `appliance/domain` | L3 | entities |\n";
    let findings = report(&tests_tidy::map(&valid(), page));
    assert!(findings.contains("draws `appliance/domain` at L3, but its manifest says level 2"), "{findings}");
    assert!(findings.contains("has no row for `appliance/http`"), "{findings}");
    assert!(!findings.contains("runtime/diag"), "{findings}");
}
