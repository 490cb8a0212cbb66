//! How an engine process is started: without network, without environment, in its own process group, limited, and dying
//! with the appliance.
//!
//! A `pre_exec` hook could do all of this but needs unsafe code; so small system programs wrap the engine where they are
//! present and work (tried once): `unshare` for an empty network namespace, `setpriv` for the parent-death signal. Limits are
//! set from outside right after the start, while the child is still in its wrappers. The parent-death signal follows the
//! *thread* that started the child, so one thread that lives as long as the [`Launcher`] starts all of them.
//! Deliberately not here: file-system isolation.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;

use rustix::process::{Pid, Resource, Rlimit};
use tokio::process::{Child, Command};

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineCommand {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl EngineCommand {
    /// The speech engine inside the appliance's own executable.
    #[must_use]
    pub fn speech(executable: impl Into<PathBuf>) -> Self {
        Self { program: executable.into(), arguments: vec!["engine".into(), "speech".into()] }
    }
}

type Start = (Command, tokio::runtime::Handle, tokio::sync::oneshot::Sender<io::Result<Child>>);

/// Starts engine processes.
#[derive(Debug)]
pub struct Launcher {
    wrappers: Vec<OsString>,
    no_network: bool,
    dies_with_parent: bool,
    starter: mpsc::Sender<Start>,
}

impl Launcher {
    /// Tries each wrapper once with a harmless program and keeps those that work here. Blocks for some milliseconds.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn probe() -> io::Result<Self> {
        let root = rustix::process::geteuid().is_root();
        let with_user: &[&str] = &["--user", "--map-current-user", "--net", "--"];
        // As root, a user namespace would only take away the right to read other users' files.
        let ways: &[&[&str]] = if root { &[&["--net", "--"], with_user] } else { &[with_user] };
        let network = tool("unshare").and_then(|tool| ways.iter().map(|way| line(&tool, way)).find(|line| runs(line)));
        // After `unshare`: a change of credentials clears the parent-death signal.
        let death = tool("setpriv").map(|tool| line(&tool, &["--pdeathsig", "KILL", "--no-new-privs", "--"]));
        let death = death.filter(|line| runs(line));
        let (no_network, dies_with_parent) = (network.is_some(), death.is_some());
        if !no_network || !dies_with_parent {
            tracing::warn!(no_network, dies_with_parent, "engines run with less isolation here");
        }
        let wrappers = [network, death].into_iter().flatten().flatten().collect();
        Ok(Self { wrappers, no_network, dies_with_parent, starter: starter()? })
    }

    /// Engines have no network.
    #[must_use]
    pub const fn no_network(&self) -> bool {
        self.no_network
    }

    /// Engines end when the appliance is killed.
    #[must_use]
    pub const fn dies_with_parent(&self) -> bool {
        self.dies_with_parent
    }

    /// Starts an engine with piped standard streams and at most `address_space` bytes.
    pub(crate) async fn start(&self, engine: &EngineCommand, address_space: u64) -> io::Result<Child> {
        let own = std::iter::once(engine.program.as_os_str()).chain(engine.arguments.iter().map(OsString::as_os_str));
        let mut whole = self.wrappers.iter().map(OsString::as_os_str).chain(own);
        let mut command = Command::new(whole.next().ok_or(io::ErrorKind::InvalidInput)?);
        command
            .args(whole)
            .env_clear()
            .env("LC_ALL", "C")
            // Without it, the engine's own abort starts a debugger if one is installed, and hangs there.
            .env("GGML_NO_BACKTRACE", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let gone = || io::Error::other("the thread that starts engines has ended");
        let (answer, child) = tokio::sync::oneshot::channel();
        self.starter.send((command, tokio::runtime::Handle::current(), answer)).map_err(|_| gone())?;
        let child = child.await.map_err(|_| gone())??;
        limit(&child, address_space);
        Ok(child)
    }
}

/// The process group of a child: it is its leader.
pub(crate) fn group(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
}

/// An engine does nothing before it is greeted, and it is greeted after this. Best effort: a child that has already ended has no limits to set.
fn limit(child: &Child, address_space: u64) {
    let Some(pid) = group(child) else { return };
    let hard = |bytes: u64| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // An engine writes to its pipes only, and leaves no image of its memory behind.
    for (resource, bytes) in [(Resource::As, address_space), (Resource::Fsize, 0), (Resource::Core, 0)] {
        let _ = rustix::process::prlimit(Some(pid), resource, hard(bytes));
    }
    let _ = rustix::process::setpriority_pgrp(Some(pid), 10);
}

fn starter() -> io::Result<mpsc::Sender<Start>> {
    let (sender, receiver) = mpsc::channel::<Start>();
    std::thread::Builder::new().name("engine-starter".to_owned()).spawn(move || {
        while let Ok((mut command, runtime, answer)) = receiver.recv() {
            let _inside = runtime.enter();
            // A caller that has gone drops the child, which kills it.
            let _ = answer.send(command.spawn());
        }
    })?;
    Ok(sender)
}

fn line(program: &Path, options: &[&str]) -> Vec<OsString> {
    std::iter::once(program.as_os_str().to_owned()).chain(options.iter().map(OsString::from)).collect()
}

fn runs(line: &[OsString]) -> bool {
    let Some((program, options)) = line.split_first() else { return false };
    let mut command = std::process::Command::new(program);
    command.args(options).arg("/bin/true").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn tool(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}
