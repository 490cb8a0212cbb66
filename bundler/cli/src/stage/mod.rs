//! `stage`: collects what a release ships into one folder, laid out as a slot, with an SBOM per component.
//!
//! Invariants: equal inputs give an equal folder; nothing is fetched; what is missing ends the command before a release
//! can be cut without it. Deliberately not here: building, and anything about versions of releases.

mod debian;
mod elf;
mod ffmpeg;
mod list;
mod packs;

pub(crate) use list::{STAGE_LIST, STAGE_SBOMS, STAGE_SCHEMA, StageComponent, StageList};

use std::path::{Path, PathBuf};
use std::process::Command;

use bundler_format::{Created, Name, RelPath};
use sbom::{Bom, BomKind, Component, Dependency};

use crate::args::StageArgs;
use crate::error::Failure;
use crate::{folder, say};

/// The most bytes of a lock file or of what `cargo metadata` prints.
const TEXT_MAX: u64 = 64 << 20;

/// The folder being made.
#[derive(Debug)]
pub(crate) struct Stage {
    top: PathBuf,
    components: Vec<StageComponent>,
}

impl Stage {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.top.join(name)
    }

    /// Copies a file, following links, with mode 644 or 755.
    fn copy(&self, from: &Path, to: &RelPath, executable: bool) -> Result<(), Failure> {
        use std::os::unix::fs::PermissionsExt as _;
        let to = self.path(to.as_str());
        if let Some(folder) = to.parent() {
            folder::make_folder(folder)?;
        }
        std::fs::copy(from, &to).map_err(Failure::io("copied", from))?;
        let mode = if executable { 0o755 } else { 0o644 };
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(mode)).map_err(Failure::io("given its mode", &to))
    }

    /// Adds a component with a bill of what it is made of.
    fn add(
        &mut self,
        component: StageComponent,
        kind: BomKind,
        parts: Vec<Component>,
        edges: Vec<Dependency>,
    ) -> Result<(), Failure> {
        let mut subject = Component::new(kind, component.name.as_str())
            .version(component.version.as_str())
            .licence(component.licence.as_str());
        subject.bom_ref = Some(format!("component:{}", component.name));
        // `cut` writes the document again with the instant of the release; here no clock is needed.
        let epoch = Created::from_unix(0).ok_or_else(|| Failure::stage(&self.top, "no instant"))?;
        let bom = Bom::new(epoch, subject, parts, edges)?;
        let file = RelPath::parse(&format!("{STAGE_SBOMS}/{}.cdx.json", component.name))?;
        folder::write_new(&self.path(file.as_str()), &bom.to_bytes()?, 0o644)?;
        say::line(&format!(
            "staged {} {}: {} parts in its SBOM",
            component.name,
            component.version,
            bom.components.len()
        ));
        self.components.push(StageComponent { sbom: Some(file), ..component });
        Ok(())
    }
}

/// Runs the command.
pub(crate) fn run(args: &StageArgs) -> Result<(), Failure> {
    if args.out.exists() {
        return Err(Failure::Exists { path: args.out.clone() });
    }
    // Beside it first: a stage that is there is whole.
    let mut beside = args.out.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(Failure::io("removed", &beside))?;
    }
    folder::make_folder(&beside)?;
    let mut stage = Stage { top: beside.clone(), components: Vec::new() };
    programs(&mut stage, args)?;
    ffmpeg::stage(&mut stage, &args.ffmpeg)?;
    for models in &args.models {
        packs::stage(&mut stage, models)?;
    }
    let list = StageList { schema: STAGE_SCHEMA.to_owned(), components: stage.components };
    let text = toml::to_string_pretty(&list).map_err(|e| Failure::stage(&args.out, e.to_string()))?;
    folder::write_new(&beside.join(STAGE_LIST), text.as_bytes(), 0o644)?;
    std::fs::rename(&beside, &args.out).map_err(Failure::io("put in place", &args.out))?;
    say::data(&args.out.display().to_string()).map_err(Failure::Stdout)
}

/// Our own executables and the unit that starts them.
fn programs(stage: &mut Stage, args: &StageArgs) -> Result<(), Failure> {
    let lock = folder::read_text(&args.lock, TEXT_MAX)?;
    let metadata = match &args.cargo_metadata {
        Some(file) => Some(folder::read_text(file, TEXT_MAX)?),
        None => ask_cargo(&args.lock),
    };
    let path = |text: &str| RelPath::parse(text);
    let (appliance, installer, unit) =
        (path("bin/strongroom")?, path("bin/strongroom-installer")?, path("share/systemd/strongroom.service")?);
    for program in [&appliance, &installer] {
        let from = args.bin.join(program.file_name());
        elf::check(&from)?;
        stage.copy(&from, program, true)?;
    }
    stage.copy(&args.systemd, &unit, false)?;

    let crates = |root: &str| sbom::cargo_components(&lock, metadata.as_deref(), &[root]);
    let (mut parts, edges) = crates("appliance-server")?;
    let version = version_of(&parts, "appliance-server");
    if let Some(npm) = &args.npm_lock {
        parts.extend(sbom::npm_components(&folder::read_text(npm, TEXT_MAX)?)?);
    }
    let component = |name: &str, version: &str, paths| -> Result<StageComponent, Failure> {
        Ok(StageComponent {
            name: Name::parse(name)?,
            version: list::label(version)?,
            licence: list::label("Apache-2.0")?,
            paths,
            sbom: None,
        })
    };
    stage.add(component("appliance", &version, vec![appliance, unit])?, BomKind::Application, parts, edges)?;
    let (parts, edges) = crates("installer-cli")?;
    let version = version_of(&parts, "installer-cli");
    stage.add(component("installer", &version, vec![installer])?, BomKind::Application, parts, edges)
}

fn version_of(parts: &[Component], name: &str) -> String {
    parts.iter().find(|part| part.name == name).and_then(|part| part.version.clone()).unwrap_or_else(|| "0".to_owned())
}

/// Licences and the real dependency graph, from `cargo` beside the lock file. Without it the SBOM has no licences and
/// lists what tests use, so that is said.
fn ask_cargo(lock: &Path) -> Option<String> {
    let manifest = lock.with_file_name("Cargo.toml");
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .arg("--manifest-path")
        .arg(&manifest)
        .output();
    let problem = match output {
        Ok(output) if output.status.success() => return String::from_utf8(output.stdout).ok(),
        Ok(output) => String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("it failed").to_owned(),
        Err(error) => error.to_string(),
    };
    say::line(&format!(
        "warning: `cargo metadata` gives nothing ({problem}); the SBOM will know no licences of crates"
    ));
    None
}

/// Runs a program that reports on files, in the plain locale, and gives its stdout whatever its status.
pub(crate) fn report(program: &str, args: &[&std::ffi::OsStr]) -> Result<(bool, String, String), Failure> {
    let output = Command::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .output()
        .map_err(|e| Failure::Program { program: program.to_owned(), problem: e.to_string() })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.success(), text(&output.stdout), text(&output.stderr)))
}
