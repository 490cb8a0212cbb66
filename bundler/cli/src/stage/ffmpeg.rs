//! ffmpeg and ffprobe of this host, with every shared library they need, the loader included, and the terms of each.
//!
//! Invariant: what is staged starts with nothing but itself; a build that must not be passed on is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bundler_format::{Name, RelPath};
use sbom::{BomKind, DebianPackage, debian_component};

use super::{Stage, StageComponent, debian, elf, list, report};
use crate::error::Failure;
use crate::say;

const COMMON_LICENCES: &str = "/usr/share/common-licenses";

pub(super) fn stage(stage: &mut Stage, ffmpeg: &Path) -> Result<(), Failure> {
    let programs = [ffmpeg.to_owned(), ffmpeg.with_file_name("ffprobe")];
    let mut libraries: BTreeMap<String, PathBuf> = BTreeMap::new();
    for program in &programs {
        elf::check(program)?;
        libraries.extend(elf::libraries(program)?);
    }
    let (version, licence) = terms(ffmpeg)?;

    for (program, name) in programs.iter().zip(["ffmpeg", "ffprobe"]) {
        stage.copy(program, &RelPath::parse(&format!("ffmpeg/bin/{name}"))?, true)?;
    }
    for (name, file) in &libraries {
        let loader = name.starts_with("ld-linux");
        stage.copy(file, &RelPath::parse(&format!("ffmpeg/lib/{name}"))?, loader)?;
    }
    if let Some(loader) = elf::read_loader(&libraries) {
        let folder = stage.path("ffmpeg/lib");
        for program in ["ffmpeg/bin/ffmpeg", "ffmpeg/bin/ffprobe"] {
            elf::check_closure(&folder.join(loader), &folder, &stage.path(program))?;
        }
    }

    let files: Vec<PathBuf> = programs.iter().chain(libraries.values()).cloned().collect();
    let (packages, orphans) = debian::owners(&files);
    for orphan in &orphans {
        say::line(&format!("warning: no Debian package owns `{}`; the SBOM lists it as a file only", orphan.display()));
    }
    let mut paths = vec![RelPath::parse("ffmpeg")?];
    if copy_terms(stage, packages.iter().map(|package| package.name.as_str()))? {
        paths.push(RelPath::parse("share/licences/ffmpeg")?);
    }
    let version =
        packages.iter().find(|package| package.name == "ffmpeg").map_or(version, |package| package.version.clone());
    let component = StageComponent {
        name: Name::parse("ffmpeg")?,
        version: list::label(&version)?,
        licence: list::label(licence)?,
        paths,
        sbom: None,
    };
    let part = |package: &DebianPackage| {
        let terms = format!("share/licences/ffmpeg/{}.txt", package.name);
        let part = debian_component(package);
        if stage.path(&terms).is_file() { part.property("licence-text", terms) } else { part }
    };
    let parts = packages.iter().map(part).collect();
    stage.add(component, BomKind::Application, parts, Vec::new())
}

/// Version and licence as the program itself reports them.
fn terms(ffmpeg: &Path) -> Result<(String, &'static str), Failure> {
    let program = ffmpeg.display().to_string();
    let (good, stdout, stderr) = report(&program, &["-hide_banner".as_ref(), "-version".as_ref()])?;
    if !good {
        return Err(Failure::Program { program, problem: stderr.lines().next().unwrap_or_default().to_owned() });
    }
    let version = stdout.lines().next().and_then(|line| line.split(' ').nth(2)).unwrap_or("unknown").to_owned();
    let has = |flag: &str| stdout.split_whitespace().any(|word| word == flag);
    if has("--enable-nonfree") {
        return Err(Failure::stage(ffmpeg, "it was built with `--enable-nonfree` and must not be passed on"));
    }
    let licence = match (has("--enable-gpl"), has("--enable-version3")) {
        (true, true) => "GPL-3.0-or-later",
        (true, false) => "GPL-2.0-or-later",
        (false, true) => "LGPL-3.0-or-later",
        (false, false) => "LGPL-2.1-or-later",
    };
    Ok((version, licence))
}

/// The terms of every package, and the common licence texts that they refer to. Says whether there was any.
fn copy_terms<'a>(stage: &Stage, packages: impl Iterator<Item = &'a str>) -> Result<bool, Failure> {
    let mut any = false;
    for package in packages {
        let from = debian::copyright_file(package);
        if from.is_file() {
            stage.copy(&from, &RelPath::parse(&format!("share/licences/ffmpeg/{package}.txt"))?, false)?;
            any = true;
        } else {
            say::line(&format!("warning: package `{package}` has no copyright file on this host"));
        }
    }
    let common =
        std::fs::read_dir(COMMON_LICENCES).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    for entry in common.iter().filter(|_| any) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Ok(to) = RelPath::parse(&format!("share/licences/ffmpeg/common/{name}")) {
            stage.copy(&entry.path(), &to, false)?;
        }
    }
    Ok(any)
}
