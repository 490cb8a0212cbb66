//! The end of `make run`: starts the installed appliance, signs in, uploads the sample clips through the public API,
//! says where everything is, and stops the appliance in order on Ctrl-C.
//!
//! It knows nothing that a person with the API's description does not know. What it keeps: the credentials file, mode
//! 0600, written before the password is changed, so that an end between the two costs a reset and nothing else.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use tests_kit::appliance::{Appliance, ca_path, first_start};
use tests_kit::client::{Client, is_playable, text};
use tests_kit::{process, upload};
use tokio::signal::unix::{SignalKind, signal};

const PROJECT: &str = "Sample project";
const USER: &str = "admin";
const READY_LIMIT: Duration = Duration::from_secs(120);
/// The sample clips are seconds long; two slow cores need a while for all of them.
const PLAYABLE_LIMIT: Duration = Duration::from_secs(600);

/// The command line: `--root DIR --listen ADDR --clips DIR --state DIR`.
struct Arguments {
    root: PathBuf,
    listen: String,
    clips: PathBuf,
    state: PathBuf,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut values = std::collections::BTreeMap::new();
        let mut rest = std::env::args().skip(1);
        while let Some(name) = rest.next() {
            let value = rest.next().with_context(|| format!("`{name}` needs a value"))?;
            values.insert(name, value);
        }
        let mut take = |name: &str| values.remove(name).with_context(|| format!("`{name}` is missing"));
        let arguments = Self {
            root: take("--root")?.into(),
            listen: take("--listen")?,
            clips: take("--clips")?.into(),
            state: take("--state")?.into(),
        };
        if let Some(name) = values.keys().next() {
            bail!("`{name}` is not known");
        }
        Ok(arguments)
    }

    fn executable(&self) -> PathBuf {
        self.root.join("opt/strongroom/current/bin/strongroom")
    }

    fn log(&self) -> PathBuf {
        self.state.join("logs/appliance.log")
    }
}

fn main() -> ExitCode {
    let done = Arguments::read().and_then(|arguments| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run(&arguments))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let mut appliance = start(arguments)?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let outcome = tokio::select! {
        outcome = serve(&mut appliance, arguments) => outcome,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    };
    if let Err(error) = outcome {
        let _ = appliance.stop();
        return Err(error.context(format!("the appliance's own words are in `{}`", arguments.log().display())));
    }
    eprintln!("\n==> stopping");
    appliance.stop()?;
    eprintln!("==> stopped; everything uploaded stays, `make run` starts it again");
    Ok(())
}

fn start(arguments: &Arguments) -> Result<Appliance> {
    let log =
        std::fs::OpenOptions::new().create(true).append(true).open(arguments.log()).context("open the log file")?;
    Appliance::spawn(&arguments.executable(), &arguments.root, Some(&arguments.listen), Stdio::from(log))
}

/// Gets the appliance into the state that the last lines describe, then watches it. Returns only with an error.
async fn serve(appliance: &mut Appliance, arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    appliance.ready(READY_LIMIT).await?;
    let (client, password) = sign_in(appliance, arguments).await?;
    let project = client.project(PROJECT).await?;
    upload_clips(&client, &project, &arguments.clips).await?;

    println!();
    println!("  Strongroom is ready ({:.1} s)", started.elapsed().as_secs_f32());
    println!("  address      {}", appliance.base());
    println!("  user         {USER}");
    println!("  password     {password}");
    println!("  certificate  {}", fingerprint(&arguments.root)?);
    println!();
    println!("  The browser asks about the certificate once: compare the SHA-256 fingerprint above, or trust");
    println!("  {}", ca_path(&arguments.root).display());
    println!("  Ctrl-C stops it.");
    println!();
    std::io::stdout().flush()?;

    loop {
        if let Some(status) = appliance.ended()? {
            bail!("the appliance ended by itself with {status}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Signs in with the kept password, or with a one-time password that is changed into a new kept one.
async fn sign_in(appliance: &mut Appliance, arguments: &Arguments) -> Result<(Client, String)> {
    let credentials = arguments.state.join("credentials");
    let client = appliance.client()?;
    if let Some(password) = kept(&credentials)?
        && client.sign_in(USER, &password).await.is_ok_and(|session| session["must_change_password"] == false)
    {
        return Ok((client, password));
    }
    let one_time = match appliance.first_start() {
        Some(first) => first.one_time_password,
        None => {
            // The store has one owner at a time: the reset comes while the appliance is stopped.
            appliance.halt()?;
            let one_time = reset(arguments)?;
            *appliance = start(arguments)?;
            appliance.ready(READY_LIMIT).await?;
            one_time
        }
    };
    let client = appliance.client()?;
    let password = tests_kit::random_word()?;
    keep(&credentials, &password)?;
    client.sign_in(USER, &one_time).await.context("sign in with the one-time password")?;
    client.change_password(&one_time, &password).await?;
    client.sign_in(USER, &password).await?;
    Ok((client, password))
}

/// A new one-time password from the appliance's own command: the kept one is gone or no longer good.
fn reset(arguments: &Arguments) -> Result<String> {
    let mut command = Command::new(arguments.executable());
    command.args(["admin", "reset-password", "--user", USER, "--root"]).arg(&arguments.root);
    let said = process::run(&mut command, Duration::from_secs(30))?.ok()?.stdout;
    Ok(first_start(&said).context("no one-time password")?.one_time_password)
}

fn kept(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().find_map(|line| line.strip_prefix("password: ")).map(str::to_owned)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read `{}`", path.display())),
    }
}

fn keep(path: &Path, password: &str) -> Result<()> {
    // Written beside and renamed: the mode is right from the first byte, and half a file never counts.
    let beside = path.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(format!("user: {USER}\npassword: {password}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path).with_context(|| format!("write `{}`", path.display()))
}

async fn upload_clips(client: &Client, project: &str, folder: &Path) -> Result<()> {
    let mut clips: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("read the folder of clips `{}`", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file() && !name_of(path).starts_with('.'))
        .collect();
    clips.sort();
    let there = client.assets(project).await?;
    let mut waiting = Vec::new();
    for clip in &clips {
        let name = name_of(clip);
        if let Some(asset) = there.iter().find(|asset| asset["version"]["file_name"] == name.as_str()) {
            waiting.push((name, text(asset, "id")?));
            continue;
        }
        eprintln!("==> uploading {name}");
        let asset = upload::asset_of(client, project, clip).await.with_context(|| format!("upload `{name}`"))?;
        waiting.push((name, asset));
    }
    for (name, asset) in waiting {
        let asset: Value =
            client.asset_until(&asset, PLAYABLE_LIMIT, is_playable).await.with_context(|| format!("clip `{name}`"))?;
        eprintln!("==> {name}: {}", asset["state"].as_str().unwrap_or("there"));
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// SHA-256 over the certificate's DER bytes, as browsers show it.
fn fingerprint(root: &Path) -> Result<String> {
    use base64::Engine as _;
    use sha2::Digest as _;
    let path = ca_path(root);
    let pem = std::fs::read_to_string(&path).with_context(|| format!("read `{}`", path.display()))?;
    let body: String = pem
        .lines()
        .skip_while(|line| !line.contains("BEGIN CERTIFICATE"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----"))
        .collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body.trim()).context("the CA certificate is not PEM")?;
    Ok(sha2::Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}
