//! How a child process is wrapped before it starts: its own network (none), death with its parent, limits.
//!
//! `setpriv --pdeathsig KILL` ends the child when the appliance is killed; a `pre_exec` hook would do the same but needs
//! unsafe code. The signal follows the *thread* that started the child, so all children are started by one thread that
//! lives as long as [`Launcher`] does. Memory, file-size and core limits and the nice value are set from outside right
//! after the start, while the child is still in its wrappers and single-threaded.
//! Deliberately not here yet: mount and pid namespaces, seccomp; they are further wrappers in the same list.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::sync::mpsc;

use rustix::process::{Resource, Rlimit};
use tokio::process::{Child, Command};

/// Drivers of cards reserve address space without measure: for them this limit is none.
pub(crate) const DRIVER_MEMORY: u64 = 1 << 46;

/// Limits that the kernel enforces on one child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelLimits {
    /// Bytes of address space.
    pub(crate) memory: u64,
    /// Bytes of the largest file it may write.
    pub(crate) file_size: u64,
}

type Start = (Command, tokio::runtime::Handle, tokio::sync::oneshot::Sender<std::io::Result<Child>>);

/// Builds the wrapper argv and starts children.
#[derive(Debug)]
pub(crate) struct Launcher {
    wrappers: Vec<OsString>,
    pub(crate) no_network: bool,
    pub(crate) dies_with_parent: bool,
    starter: mpsc::Sender<Start>,
}

impl Launcher {
    /// Tries each wrapper once with a harmless program and keeps those that work here.
    pub(crate) fn probe() -> std::io::Result<Self> {
        let root = rustix::process::geteuid().is_root();
        let user_and_net: &[&str] = &["--user", "--map-current-user", "--net", "--"];
        // As root a user namespace would only take away the right to read other users' files.
        let candidates: &[&[&str]] = if root { &[&["--net", "--"], user_and_net] } else { &[user_and_net] };
        let net = system_tool("unshare")
            .and_then(|unshare| candidates.iter().map(|options| argv(&unshare, options)).find(|wrapper| runs(wrapper)));
        // After `unshare`: a change of credentials clears the parent-death signal.
        let death = system_tool("setpriv")
            .map(|setpriv| argv(&setpriv, &["--pdeathsig", "KILL", "--no-new-privs", "--"]))
            .filter(|wrapper| runs(wrapper));
        let (no_network, dies_with_parent) = (net.is_some(), death.is_some());
        let wrappers = [net, death].into_iter().flatten().flatten().collect();
        Ok(Self { wrappers, no_network, dies_with_parent, starter: starter_thread()? })
    }

    /// Starts `program` in its own process group with an empty environment.
    pub(crate) async fn start(
        &self,
        program: &[OsString],
        arguments: &[OsString],
        folder: Option<&Path>,
        limits: KernelLimits,
    ) -> std::io::Result<Child> {
        let whole: Vec<&OsString> = self.wrappers.iter().chain(program).chain(arguments).collect();
        let (first, rest) = whole.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(first);
        command
            .args(rest)
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let (answer, child) = tokio::sync::oneshot::channel();
        let gone = |_| std::io::Error::other("the thread that starts children has ended");
        self.starter.send((command, tokio::runtime::Handle::current(), answer)).map_err(|_| gone(()))?;
        let child = child.await.map_err(|_| gone(()))??;
        limit(&child, limits);
        Ok(child)
    }
}

/// Best effort: a child that has already ended has no limits to set.
fn limit(child: &Child, limits: KernelLimits) {
    let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) else { return };
    let hard = |bytes: u64| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    for (resource, bytes) in [(Resource::As, limits.memory), (Resource::Fsize, limits.file_size), (Resource::Core, 0)] {
        let _ = rustix::process::prlimit(Some(pid), resource, hard(bytes));
    }
    let _ = rustix::process::setpriority_pgrp(Some(pid), 10);
}

fn starter_thread() -> std::io::Result<mpsc::Sender<Start>> {
    let (sender, receiver) = mpsc::channel::<Start>();
    std::thread::Builder::new().name("media-starter".to_owned()).spawn(move || {
        while let Ok((mut command, runtime, answer)) = receiver.recv() {
            let _inside = runtime.enter();
            // A caller that has gone drops the child, which kills it.
            let _ = answer.send(command.spawn());
        }
    })?;
    Ok(sender)
}

fn argv(program: &Path, options: &[&str]) -> Vec<OsString> {
    std::iter::once(program.as_os_str().to_owned())
        .chain(options.iter().map(|word| OsStr::new(word).to_owned()))
        .collect()
}

fn runs(wrapper: &[OsString]) -> bool {
    let Some((program, options)) = wrapper.split_first() else { return false };
    let status = Blocking::new(program)
        .args(options)
        .arg("/bin/true")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn system_tool(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}
