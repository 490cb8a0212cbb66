//! Under systemd: which units are written, what is asked of `systemctl` and in which order. `systemctl` is a script here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

use installer_cli::commands::{self, Bundle, Confirm, World};
use installer_cli::error::Failure;
use installer_cli::host_fs::RealFs;
use installer_cli::layout::Layout;
use installer_cli::service::Systemd;
use installer_cli::stop::Stop;
use installer_cli::teller::{Form, Teller};
use runtime_diag::{Diagnose, Exit};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{Recipe, Site, standing};

fn tools(site: &Site) -> PathBuf {
    let folder = site.folder.path().join("tools");
    std::fs::create_dir(&folder).unwrap();
    for tool in ["systemctl", "systemd-sysusers"] {
        let path = folder.join(tool);
        let log = site.folder.path().join("log");
        std::fs::write(&path, format!("#!/bin/sh\necho {tool} \"$@\" >> '{}'\n", log.display())).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn apply(site: &Site, recipe: &Recipe, tools: &Path) -> Result<(), Failure> {
    let bundle = Bundle { from: site.medium(recipe), version: None, trust: Some(site.trust.clone()) };
    let (layout, stop, mut teller) = (Layout::new(&site.root), Stop::default(), Teller::new(Form::Silent));
    let mut service = Systemd { limit: Duration::from_secs(1), tools: Some(tools.to_owned()) };
    let mut world = World { fs: &RealFs, layout: &layout, teller: &mut teller, stop: &stop };
    commands::apply(&mut world, &mut service, &bundle, Confirm::Beforehand).map(drop)
}

fn log(site: &Site) -> Vec<String> {
    let path = site.folder.path().join("log");
    let lines = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    std::fs::remove_file(path).unwrap();
    lines
}

#[test]
fn the_units_of_the_release_are_installed_and_the_service_is_restarted_then_asked() {
    let site = Site::new();
    let tools = tools(&site);
    apply(&site, &Recipe::new(1), &tools).unwrap();
    assert_eq!(
        log(&site),
        [
            "systemd-sysusers --inline u strongroom - \"Strongroom appliance\" /var/lib/strongroom -",
            "systemctl daemon-reload",
            "systemctl enable strongroom.service strongroom-resume.service",
            "systemctl restart strongroom.service",
            "systemctl is-active --quiet strongroom.service",
        ]
    );
    let unit = std::fs::read_to_string(site.root.join("etc/systemd/system/strongroom.service")).unwrap();
    assert_eq!(unit, "[Unit]\nDescription=1\n");
    let resume = std::fs::read_to_string(site.root.join("etc/systemd/system/strongroom-resume.service")).unwrap();
    assert!(resume.contains("ExecStart=/opt/strongroom/current/bin/strongroom-installer resume\n"));
}

#[test]
fn the_way_back_brings_the_older_units_back_too() {
    let site = Site::new();
    let tools = tools(&site);
    apply(&site, &Recipe::new(1), &tools).unwrap();
    log(&site);
    let error = apply(&site, &Recipe::sick(2), &tools).unwrap_err();
    assert_eq!(error.exit(), Exit::RolledBack);
    assert_eq!(standing(&site.root).as_deref(), Some("2026.4.1"));
    let restarts = log(&site).iter().filter(|line| line.starts_with("systemctl restart")).count();
    assert_eq!(restarts, 2);
    let unit = std::fs::read_to_string(site.root.join("etc/systemd/system/strongroom.service")).unwrap();
    assert_eq!(unit, "[Unit]\nDescription=1\n");
}

#[test]
fn a_first_install_that_is_not_healthy_is_stopped_and_withdrawn() {
    let site = Site::new();
    let tools = tools(&site);
    assert_eq!(apply(&site, &Recipe::sick(1), &tools).unwrap_err().exit(), Exit::Unhealthy);
    assert_eq!(log(&site).last().unwrap(), "systemctl disable --now strongroom.service");
    assert_eq!(standing(&site.root), None);
}
