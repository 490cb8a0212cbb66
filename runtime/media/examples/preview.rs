//! Makes both generations of one file and prints how long each step took: `preview INPUT OUTDIR`.
#![allow(clippy::print_stdout, reason = "an executable for the terminal")]

use std::path::{Path, PathBuf};

use runtime_media::{Built, Cancel, MediaError, ProbeLimits, Profile, SNIFF_BYTES, Silent, Tools};

fn main() -> std::process::ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, out] = arguments.as_slice() else {
        eprintln!("usage: preview INPUT OUTDIR");
        return runtime_diag::Exit::Usage.into();
    };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return runtime_diag::Exit::Failure.into();
    };
    match runtime.block_on(preview(input, out)) {
        Ok(()) => runtime_diag::Exit::Done.into(),
        Err(error) => {
            eprintln!("{}{}", runtime_diag::render(&error), error.log().unwrap_or_default());
            runtime_diag::Diagnose::exit(&error).into()
        }
    }
}

async fn preview(input: &Path, out: &Path) -> Result<(), MediaError> {
    let since = std::time::Instant::now();
    let tools = Tools::on_path()?;
    println!("{} · {:?} · {} ms", tools.version().await?, tools.isolation(), since.elapsed().as_millis());
    let since = std::time::Instant::now();
    let mut head = std::fs::read(input).unwrap_or_default();
    head.truncate(SNIFF_BYTES);
    let container = runtime_media::sniff(&head)?;
    let probe = runtime_media::probe(&tools, input, container, ProbeLimits::default()).await?;
    println!("{probe:#?}\nprobe: {} ms", since.elapsed().as_millis());
    let (profile, cancel) = (Profile::default(), Cancel::new());
    let (fast, full) = (out.join("fast"), out.join("full"));
    let since = std::time::Instant::now();
    let built = runtime_media::build_fast(&tools, input, &probe, &profile, &fast, &Silent, &cancel).await?;
    report(&built, since.elapsed());
    let since = std::time::Instant::now();
    let built = runtime_media::build_full(&tools, input, &probe, &profile, &fast, &full, &Silent, &cancel).await?;
    report(&built, since.elapsed());
    Ok(())
}

fn report(built: &Built, wall: std::time::Duration) {
    println!("{}: {} ms", built.manifest.generation, wall.as_millis());
    for timing in &built.manifest.timings {
        println!("  {}: {} ms", timing.step, timing.wall_ms);
    }
    for rendition in &built.manifest.renditions {
        println!("  {rendition:?}");
    }
    println!("  {:?} {:?}", built.manifest.copy, built.manifest.fallbacks);
}
