//! A running appliance under a root of its own, on a loopback port of its own, over its real command line.

use crate::client::Client;
use crate::process::Guard;
use anyhow::{Context, Result, bail};
use reqwest::Method;
use rustix::process::Signal;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long an orderly stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// One `strongroom serve`; it ends, whole group, when this value drops.
#[derive(Debug)]
pub struct Appliance {
    guard: Guard,
    root: PathBuf,
    base: String,
}

/// What a first start says on standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStart {
    /// The first administrator's name.
    pub user: String,
    /// Good for one sign-in, which must change it.
    pub one_time_password: String,
}

impl Appliance {
    /// Starts the release that is installed under `root` and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready within a minute; shows what it said.
    pub async fn start_installed(root: &Path, listen: Option<&str>) -> Result<Self> {
        Self::start(&root.join("opt/strongroom/current/bin/strongroom"), root, listen).await
    }

    /// Starts any executable; `listen` is a free loopback port unless given.
    ///
    /// # Errors
    /// As [`Appliance::start_installed`].
    pub async fn start(executable: &Path, root: &Path, listen: Option<&str>) -> Result<Self> {
        let mut appliance = Self::spawn(executable, root, listen, Stdio::piped())?;
        appliance.ready(START_LIMIT).await?;
        Ok(appliance)
    }

    /// Starts without waiting; its log goes to `log`.
    ///
    /// # Errors
    /// When it cannot be started at all.
    pub fn spawn(executable: &Path, root: &Path, listen: Option<&str>, log: Stdio) -> Result<Self> {
        let listen = match listen {
            Some(listen) => listen.to_owned(),
            None => format!("127.0.0.1:{}", free_port()?),
        };
        let mut command = Command::new("setpriv");
        // Should the caller die by SIGKILL, the appliance still gets its orderly end.
        command.args(["--pdeathsig", "TERM", "--"]);
        command.arg(executable).arg("serve").arg("--root").arg(root).arg("--listen").arg(&listen);
        let guard = Guard::start_with(&mut command, log)?;
        Ok(Self { guard, root: root.to_owned(), base: format!("https://{listen}") })
    }

    /// Waits until `/readyz` answers well.
    ///
    /// # Errors
    /// When the process ends first, or `limit` has passed.
    pub async fn ready(&mut self, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.guard.ended()? {
                bail!("the appliance ended with {status} before it was ready\n{}", self.guard.text());
            }
            if let Ok(client) = self.client()
                && let Ok(answer) = client.call(Method::GET, "/readyz", None).await
                && answer.status.is_success()
            {
                // Another appliance under the same root would answer as well, while this one is about to give up.
                tokio::time::sleep(Duration::from_millis(50)).await;
                if self.guard.ended()?.is_none() {
                    return Ok(());
                }
                continue;
            }
            if Instant::now() >= until {
                bail!("the appliance is not ready within {limit:?}\n{}", self.guard.text());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A fresh client (no cookies) that trusts this appliance's CA.
    ///
    /// # Errors
    /// When the appliance has not made its CA yet.
    pub fn client(&self) -> Result<Client> {
        let path = ca_path(&self.root);
        let ca = std::fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
        Client::new(&self.base, &ca)
    }

    /// Where it answers, `https://127.0.0.1:port`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The folder it lives under.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything it said so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.guard.text()
    }

    /// What the first start over an empty root says; none on a later start.
    #[must_use]
    pub fn first_start(&self) -> Option<FirstStart> {
        first_start(&self.guard.stdout())
    }

    /// Signs in as the first administrator with the one-time password and sets `password`.
    ///
    /// # Errors
    /// When this is not a first start, or the appliance refuses.
    pub async fn admin(&self, password: &str) -> Result<Client> {
        let first = self.first_start().with_context(|| format!("no one-time password in\n{}", self.text()))?;
        let client = self.client()?;
        client.sign_in(&first.user, &first.one_time_password).await?;
        client.change_password(&first.one_time_password, password).await?;
        // The appliance may have ended the session with the old password.
        client.sign_in(&first.user, password).await?;
        Ok(client)
    }

    /// Has the process ended?
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        self.guard.ended()
    }

    /// Cuts the power: SIGKILL, nothing is said goodbye to.
    pub fn kill(mut self) {
        self.guard.kill();
    }

    /// Asks it to stop and waits for its exit code.
    ///
    /// # Errors
    /// When it does not stop in time or ends with anything but 0.
    pub fn stop(mut self) -> Result<()> {
        self.halt()
    }

    /// As [`Appliance::stop`], keeping the value, for a caller that starts another in its place.
    ///
    /// # Errors
    /// As [`Appliance::stop`].
    pub fn halt(&mut self) -> Result<()> {
        self.guard.signal(Signal::TERM);
        match self.guard.wait(STOP_LIMIT)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("the appliance ended with {status}\n{}", self.guard.text()),
            None => bail!("the appliance did not stop within {STOP_LIMIT:?}\n{}", self.guard.text()),
        }
    }
}

/// The CA certificate that the appliance under `root` made for itself.
#[must_use]
pub fn ca_path(root: &Path) -> PathBuf {
    root.join("var/lib/strongroom/keys/ca.crt")
}

/// Reads the lines `user:` and `one-time password:`.
#[must_use]
pub fn first_start(text: &str) -> Option<FirstStart> {
    let field =
        |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(|rest| rest.trim().to_owned());
    Some(FirstStart { user: field("user:")?, one_time_password: field("one-time password:")? })
}

/// A port that was free a moment ago.
///
/// # Errors
/// When the loopback interface gives none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("ask for a free loopback port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_first_start_are_read_and_a_later_start_has_none() {
        let text =
            "user: admin\none-time password: AB12-CD34\nCA fingerprint (SHA-256): AA:BB\nurl: https://127.0.0.1:1\n";
        let first = first_start(text).unwrap();
        assert_eq!((first.user.as_str(), first.one_time_password.as_str()), ("admin", "AB12-CD34"));
        assert_eq!(first_start("url: https://127.0.0.1:1\n"), None);
    }
}
