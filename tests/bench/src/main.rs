//! `bench`: what our programs take beside the plain tools that do the same, in one run.
//!
//! usage: bench [--runs N] [--mib N] [--seconds N] [bundle|preview]...
//!
//! Invariants: both sides run in turn (A B A B …) over the same bytes, after one warm-up each; what is quoted is the ratio
//! pair by pair, so that a machine whose speed drifts does not favour one side. Standard output is a Markdown table for
//! `docs/benchmarks.md`, everything else goes to standard error.

mod bundle;
mod preview;
mod rounds;

use anyhow::{Context, Result, bail};
use rounds::Row;

/// What the command line asks for.
struct Options {
    runs: usize,
    mib: usize,
    seconds: u32,
    rows: Vec<String>,
}

impl Options {
    fn read() -> Result<Self> {
        let mut options = Self { runs: 5, mib: 256, seconds: 20, rows: Vec::new() };
        let mut rest = std::env::args().skip(1);
        while let Some(word) = rest.next() {
            let mut number = || -> Result<usize> {
                let value = rest.next().with_context(|| format!("`{word}` needs a number"))?;
                value.parse().ok().filter(|number| *number > 0).with_context(|| format!("`{value}` is not a number"))
            };
            match word.as_str() {
                "--runs" => options.runs = number()?,
                "--mib" => options.mib = number()?,
                "--seconds" => options.seconds = u32::try_from(number()?)?,
                "bundle" | "preview" => options.rows.push(word),
                _ => {
                    bail!("`{word}` is not known; usage: bench [--runs N] [--mib N] [--seconds N] [bundle|preview]...")
                }
            }
        }
        Ok(options)
    }

    fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }
}

fn main() -> Result<()> {
    let options = Options::read()?;
    let place = tempfile::tempdir().context("a folder to work in")?;
    let mut rows: Vec<Row> = Vec::new();
    if options.wants("bundle") {
        rows.extend(bundle::rows(place.path(), options.mib, options.runs)?);
    }
    if options.wants("preview") {
        rows.extend(preview::rows(place.path(), options.seconds, options.runs)?);
    }
    println!("{}", rounds::table(&rows, options.runs));
    Ok(())
}
