//! Starting a release and asking whether it is healthy.
//!
//! Two ways, because hosts differ: [`Systemd`] at `/`, where the installer writes the release's units and restarts the
//! service; [`SelfCheck`] under any other root, where the service is somebody else's and only the release's own check
//! runs. In both the release itself answers: `strongroom check` for what it needs to run, `strongroom check --ready` for
//! what runs. So the installer holds no network client. Every child has a time limit and its own process group, so that
//! Ctrl-C in a terminal does not reach it and nothing of it outlives the limit.

use crate::host_fs::{HostFs, make_folders, write_whole};
use crate::layout::Layout;
use installer_plan::SlotName;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a release may take to become healthy.
pub const HEALTH_LIMIT: Duration = Duration::from_secs(120);

/// The unit of the appliance.
pub const UNIT: &str = "strongroom.service";

/// Finishes a trial that a power cut interrupted. The installer's own business, so it carries the unit itself; one that a
/// release ships comes first.
const RESUME_UNIT: (&str, &str) =
    ("strongroom-resume.service", include_str!("../../systemd/strongroom-resume.service"));

/// Makes the service's user if it is not there; the same line that `sysusers.d` files have.
const USER: &str = "u strongroom - \"Strongroom appliance\" /var/lib/strongroom -";

/// Bytes of a child's output that are kept to say why it failed.
const OUTPUT_MAX: u64 = 64 << 10;

/// Starts what `current` points to and asks for its health. Reasons are for people.
pub trait Service {
    /// Starts the release in the slot, which `current` points to.
    fn start(&mut self, fs: &dyn HostFs, layout: &Layout, slot: SlotName) -> Result<(), String>;
    /// Stops it.
    fn stop(&mut self, layout: &Layout) -> Result<(), String>;
    /// Waits until it is healthy, or until the limit.
    fn healthy(&mut self, layout: &Layout) -> Result<(), String>;
}

/// No service is managed: the release checks itself.
#[derive(Clone, Copy, Debug)]
pub struct SelfCheck {
    /// How long the check may take.
    pub limit: Duration,
}

impl Service for SelfCheck {
    fn start(&mut self, _fs: &dyn HostFs, _layout: &Layout, _slot: SlotName) -> Result<(), String> {
        Ok(())
    }

    fn stop(&mut self, _layout: &Layout) -> Result<(), String> {
        Ok(())
    }

    fn healthy(&mut self, layout: &Layout) -> Result<(), String> {
        let mut command = check(layout);
        command.arg("--root").arg(layout.root()).arg("--json");
        run(command, "strongroom check", self.limit)
    }
}

fn check(layout: &Layout) -> Command {
    let mut command = Command::new(layout.current().join("bin/strongroom"));
    command.arg("check");
    command
}

/// The service runs under systemd.
#[derive(Clone, Debug)]
pub struct Systemd {
    /// How long it may take to become healthy.
    pub limit: Duration,
    /// The folder of `systemctl` and `systemd-sysusers`; tests put their own there.
    pub tools: Option<PathBuf>,
}

impl Systemd {
    fn tool(&self, name: &str) -> Command {
        match &self.tools {
            Some(folder) => Command::new(folder.join(name)),
            None => Command::new(name),
        }
    }

    fn systemctl(&self, arguments: &[&str]) -> Result<(), String> {
        let mut command = self.tool("systemctl");
        command.args(arguments);
        run(command, &format!("systemctl {}", arguments.join(" ")), self.limit)
    }

    /// The units that the release ships, written where systemd finds them. Returns their names.
    fn install_units(&self, fs: &dyn HostFs, layout: &Layout, slot: SlotName) -> Result<Vec<String>, String> {
        let from = layout.slot(slot).join("share/systemd");
        let said = |error: &dyn std::error::Error| format!("its units could not be installed: {error}");
        make_folders(fs, &layout.units()).map_err(|error| said(&error))?;
        let mut units = Vec::new();
        for name in fs.list(&from).map_err(|error| said(&error))? {
            let Some(name) = name.to_str().filter(|name| name.starts_with("strongroom") && name.ends_with(".service"))
            else {
                continue;
            };
            let bytes = crate::host_fs::read_whole(fs, &from.join(name), OUTPUT_MAX).map_err(|error| said(&error))?;
            write_whole(fs, &layout.units().join(name), &bytes.unwrap_or_default(), 0o644)
                .map_err(|error| said(&error))?;
            units.push(name.to_owned());
        }
        if !units.iter().any(|unit| unit == RESUME_UNIT.0) {
            write_whole(fs, &layout.units().join(RESUME_UNIT.0), RESUME_UNIT.1.as_bytes(), 0o644)
                .map_err(|error| said(&error))?;
            units.push(RESUME_UNIT.0.to_owned());
        }
        if units.iter().any(|unit| unit == UNIT) {
            Ok(units)
        } else {
            Err(format!("it ships no `share/systemd/{UNIT}`"))
        }
    }
}

impl Service for Systemd {
    fn start(&mut self, fs: &dyn HostFs, layout: &Layout, slot: SlotName) -> Result<(), String> {
        let units = self.install_units(fs, layout, slot)?;
        let mut users = self.tool("systemd-sysusers");
        users.arg("--inline").arg(USER);
        run(users, "systemd-sysusers", self.limit)?;
        self.systemctl(&["daemon-reload"])?;
        let mut enable = vec!["enable"];
        enable.extend(units.iter().map(String::as_str));
        self.systemctl(&enable)?;
        self.systemctl(&["restart", UNIT])
    }

    fn stop(&mut self, _layout: &Layout) -> Result<(), String> {
        self.systemctl(&["disable", "--now", UNIT])
    }

    fn healthy(&mut self, layout: &Layout) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let left = self.limit.saturating_sub(begun.elapsed()).max(Duration::from_secs(1));
            let mut ready = check(layout);
            ready.args(["--ready", "--json"]);
            let seen = self
                .systemctl(&["is-active", "--quiet", UNIT])
                .and_then(|()| run(ready, "strongroom check --ready", left));
            match seen {
                Ok(()) => return Ok(()),
                Err(reason) if begun.elapsed() >= self.limit => return Err(reason),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}

/// Runs a child to its end or to the limit. `Err` says how it ended and the last line it wrote.
fn run(mut command: Command, name: &str, limit: Duration) -> Result<(), String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|error| format!("`{name}` cannot be started: {error}"))?;
    let output = child.stdout.take().map(drain);
    let errors = child.stderr.take().map(drain);
    let status = wait(&mut child, limit);
    let read = |thread: Option<std::thread::JoinHandle<Vec<u8>>>| {
        thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
    };
    let (errors, output) = (read(errors), read(output));
    let said = failed_checks(&output).or_else(|| last_line(&errors)).or_else(|| last_line(&output));
    let said = said.map(|line| format!(": {line}")).unwrap_or_default();
    match status {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(format!("`{name}` ended with {}{said}", how(status))),
        Ok(None) => Err(format!("`{name}` did not end within {} s{said}", limit.as_secs())),
        Err(error) => Err(format!("`{name}` was lost: {error}")),
    }
}

fn how(status: std::process::ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => "a signal".into(),
    }
}

/// Waits for the end or the limit, then ends what the child may have left behind in its group; without that the pipes
/// could stay open for ever. The group is ended before the child is waited for: until then its number is nobody else's.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<std::process::ExitStatus>> {
    let pid = Pid::from_child(child);
    let begun = Instant::now();
    let ended = loop {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if waitid(WaitId::Pid(pid), look)?.is_some() {
            break true;
        }
        if begun.elapsed() >= limit {
            break false;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    kill_process_group(pid, Signal::KILL)?;
    let status = child.wait()?;
    Ok(ended.then_some(status))
}

fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = (&mut pipe).take(OUTPUT_MAX).read_to_end(&mut kept);
        // Read on, so that a talkative child does not wait for us.
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        kept
    })
}

/// One line of `strongroom check --json`.
#[derive(serde::Deserialize)]
struct Finding {
    check: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

/// What `strongroom check --json` found wrong.
fn failed_checks(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let findings = text.lines().filter_map(|line| serde_json::from_str::<Finding>(line).ok());
    let failed: Vec<String> =
        findings.filter(|found| !found.ok).map(|found| format!("{}: {}", found.check, found.detail)).collect();
    (!failed.is_empty()).then(|| plain(&failed.join("; ")))
}

fn last_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().find(|line| !line.trim().is_empty()).map(plain)
}

/// What a child says is shown and kept in the journal: without control characters, and not without end.
fn plain(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Is systemd the init of this host?
#[must_use]
pub fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_check_that_fails_is_told_with_its_last_line() {
        assert_eq!(run(shell("exit 0"), "check", HEALTH_LIMIT), Ok(()));
        let failed = run(shell("echo begun; echo the database is locked >&2; exit 7"), "check", HEALTH_LIMIT);
        assert_eq!(failed.unwrap_err(), "`check` ended with exit code 7: the database is locked");
    }

    #[test]
    fn the_checks_that_failed_are_named() {
        let script = r#"echo '{"check":"media","ok":true,"detail":"7.1"}'; echo '{"check":"data","ok":false,"detail":"no file"}'
            echo '{"check":"speech","ok":true,"detail":"x"}'; echo noise >&2; exit 60"#;
        let failed = run(shell(script), "check", HEALTH_LIMIT);
        assert_eq!(failed.unwrap_err(), "`check` ended with exit code 60: data: no file");
    }

    #[test]
    fn a_check_that_does_not_end_is_ended_with_all_it_started() {
        let begun = Instant::now();
        let failed = run(shell("sleep 60 & sleep 60"), "check", Duration::from_millis(200));
        assert_eq!(failed.unwrap_err(), "`check` did not end within 0 s");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
