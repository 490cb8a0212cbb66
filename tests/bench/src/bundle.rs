//! Verifying a bundle: one pass that checks the signature, decompresses, and compares every byte, beside the stock tools
//! that each do a part of it. The tools get the same volume bytes.

use crate::rounds::{Row, compare};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests_kit::bundle::{Keys, Stage, files_below, noise};
use tests_kit::{executables, process};

const LIMIT: Duration = Duration::from_secs(600);

/// A release of about `mib` MiB: half weights, which do not compress, half executables, which do.
pub(crate) fn rows(place: &Path, mib: usize, runs: usize) -> Result<Vec<Row>> {
    eprintln!("cutting a release of about {mib} MiB");
    let keys = Keys::make(&place.join("keys"))?;
    let stage = Stage::small(&place.join("stage"), 1)?;
    std::fs::write(stage.folder.join("models/weights"), noise(2, mib * 1024 * 1024 / 2))?;
    let program = std::fs::read(executables::find("strongroom-bundler")?)?;
    let mut programs = Vec::new();
    while programs.len() < mib * 1024 * 1024 / 2 {
        // A counter before each copy, so that no two chunks are the same blob.
        programs.extend_from_slice(&(programs.len() as u64).to_le_bytes());
        programs.extend_from_slice(&program);
    }
    std::fs::write(stage.folder.join("share/programs"), programs)?;
    let medium = stage.cut(&keys, &place.join("medium"), 1)?;
    let volumes: Vec<_> = files_below(&medium.release())?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "zst"))
        .collect();
    let bytes: u64 =
        volumes.iter().map(|path| std::fs::metadata(path).map(|kind| kind.len())).sum::<std::io::Result<u64>>()?;
    eprintln!("{} volumes of {} MiB in all", volumes.len(), bytes >> 20);

    let ours = || medium.check(&keys)?.ok().map(drop);
    let tool = |program: &str, arguments: &[&str]| {
        process::run(Command::new(program).args(arguments).args(&volumes), LIMIT)?.ok().map(drop)
    };
    let both = || {
        let mut command = Command::new("sh");
        command.args(["-c", "zstd -dqc \"$@\" | sha256sum", "sh"]).args(&volumes);
        process::run(&mut command, LIMIT)?.ok().map(drop)
    };
    let verify = "`strongroom-installer verify`";
    Ok(vec![
        compare(verify, "`sha256sum` of the volumes", runs, ours, || tool("sha256sum", &[]))?,
        compare(verify, "`zstd -t` of the volumes", runs, ours, || tool("zstd", &["-tq"]))?,
        compare(verify, "`zstd -dc … \\| sha256sum` (two processes)", runs, ours, both).context("both")?,
    ])
}
