//! Processes that never outlive the test: each leads a group of its own, and the group is killed when the guard drops.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Text of one process is kept up to this many bytes; the rest is read and thrown away.
const TEXT_MAX: usize = 8 * 1024 * 1024;

/// How a finished command ended and what it said.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Turns anything but exit code 0 into an error that shows what was said.
    ///
    /// # Errors
    /// When the code is not 0.
    pub fn ok(self) -> Result<Self> {
        if self.code != Some(0) {
            bail!("it ended with {:?}\n{}{}", self.code, self.stdout, self.stderr);
        }
        Ok(self)
    }
}

/// Runs a command to its end, or kills its whole group at the limit.
///
/// # Errors
/// When it cannot be started, or is not done within `limit`.
pub fn run(command: &mut Command, limit: Duration) -> Result<Finished> {
    let what = format!("{command:?}");
    let mut guard = Guard::start(command)?;
    let Some(status) = guard.wait(limit)? else {
        bail!("not done within {limit:?}: {what}\n{}", guard.text());
    };
    let (stdout, stderr) = guard.finish();
    Ok(Finished { code: status.code(), stdout, stderr })
}

/// A running process whose group ends with this value.
pub struct Guard {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("pid", &self.child.id()).finish_non_exhaustive()
    }
}

impl Guard {
    /// Starts the command in a process group of its own and collects what it says.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        Self::start_with(command, Stdio::piped())
    }

    /// As [`Guard::start`], with standard error going elsewhere: a file, for what runs for hours.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with(command: &mut Command, stderr: Stdio) -> Result<Self> {
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            readers.push(collect(pipe, Arc::clone(&stdout)));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.push(collect(pipe, Arc::clone(&stderr)));
        }
        Ok(Self { child, stdout, stderr, readers })
    }

    /// What it wrote to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.lock().map(|text| text.clone()).unwrap_or_default()
    }

    /// Standard output, then standard error, so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.stdout() + &self.stderr.lock().map(|text| text.clone()).unwrap_or_default()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("ask whether the process has ended")
    }

    /// Waits for its end, at most `limit`; none when it goes on.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal to the process alone, as a person or the init system would.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            // Gone already: nothing to tell.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Kills the process alone with SIGKILL, as a power cut would, then whatever is left of its group.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
        self.kill_group();
    }

    fn kill_group(&self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }

    fn finish(mut self) -> (String, String) {
        // A grandchild that kept a pipe open would keep the readers: end the group first.
        self.kill_group();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        let take = |text: &Arc<Mutex<String>>| text.lock().map(|text| text.clone()).unwrap_or_default();
        (take(&self.stdout), take(&self.stderr))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.kill_group();
        let _ = self.child.wait();
    }
}

fn collect(pipe: impl Read + Send + 'static, text: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(1024 * 1024).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let Ok(mut text) = text.lock() else { return };
                    if text.len() < TEXT_MAX {
                        text.push_str(&String::from_utf8_lossy(&line));
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_says_and_its_code_are_kept() {
        let finished =
            run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), Duration::from_secs(10)).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str(), finished.stderr.as_str()), (Some(3), "out\n", "err\n"));
        assert!(finished.ok().unwrap_err().to_string().contains("err"));
    }

    #[test]
    fn a_child_of_a_command_that_is_too_slow_ends_with_it() {
        let error =
            run(Command::new("sh").args(["-c", "sleep 60 & echo $!; wait"]), Duration::from_millis(300)).unwrap_err();
        let text = error.to_string();
        let child: i32 = text.lines().last().unwrap().parse().unwrap();
        let gone = || rustix::process::test_kill_process(Pid::from_raw(child).unwrap()).is_err() || is_zombie(child);
        let until = Instant::now() + Duration::from_secs(5);
        while !gone() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(gone(), "process {child} goes on");
    }

    fn is_zombie(pid: i32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    }
}
