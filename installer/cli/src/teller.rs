//! Telling what happens: bars on a terminal, plain lines elsewhere, NDJSON for programs.
//!
//! Invariants: data goes to standard output, everything else to standard error; with `--json` standard output holds one
//! JSON object a line, each with a `kind`. No clock: lines are told by progress, not by time.

use crate::error::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use runtime_diag::{Diagnose, Report};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// The form in which things are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Bars and text.
    Terminal,
    /// Text, a line for every tenth.
    Lines,
    /// NDJSON, a line for every hundredth.
    Json,
    /// Nothing.
    Silent,
}

/// Tells what happens.
#[derive(Debug)]
pub struct Teller {
    form: Form,
    bar: ProgressBar,
    phase: &'static str,
    item: String,
    done: u64,
    total: u64,
    told: u64,
}

#[derive(Serialize)]
struct ProgressLine<'a> {
    kind: &'static str,
    phase: &'a str,
    done: u64,
    total: u64,
    item: &'a str,
}

#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    kind: &'a str,
    #[serde(flatten)]
    value: &'a T,
}

#[derive(Serialize)]
struct ErrorLine {
    kind: &'static str,
    #[serde(flatten)]
    report: Report,
    exit: u8,
}

impl Teller {
    /// In this form.
    #[must_use]
    pub fn new(form: Form) -> Self {
        Self { form, bar: ProgressBar::hidden(), phase: "", item: String::new(), done: 0, total: 0, told: 0 }
    }

    /// The form that fits: JSON if asked for, bars if standard error is a terminal, lines otherwise.
    #[must_use]
    pub fn fitting(json: bool) -> Self {
        let form = match json {
            true => Form::Json,
            false if std::io::stderr().is_terminal() => Form::Terminal,
            false => Form::Lines,
        };
        Self::new(form)
    }

    /// The form.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Begins a phase of `total` bytes.
    pub fn begin(&mut self, phase: &'static str, total: u64) {
        (self.phase, self.done, self.total, self.told) = (phase, 0, total, 0);
        self.item.clear();
        if self.form == Form::Terminal && total > 0 {
            let style =
                ProgressStyle::with_template("{prefix:9} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style);
            self.bar.set_prefix(phase);
        }
        self.tell_progress();
    }

    /// What is worked on now.
    pub fn item(&mut self, item: &str) {
        if self.item != item {
            item.clone_into(&mut self.item);
            self.bar.set_message(item.to_owned());
        }
    }

    /// More bytes are done.
    pub fn advance(&mut self, bytes: u64) {
        self.done = self.done.saturating_add(bytes);
        self.bar.set_position(self.done);
        let parts = if self.form == Form::Json { 100 } else { 10 };
        let part = |done: u64| u128::from(done) * parts / u128::from(self.total.max(1));
        if part(self.done) > part(self.told) {
            self.tell_progress();
        }
    }

    /// The phase is over.
    pub fn end(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }

    fn tell_progress(&mut self) {
        self.told = self.done;
        let (phase, done, total) = (self.phase, self.done, self.total);
        match self.form {
            Form::Json => {
                let line = ProgressLine { kind: "progress", phase, done, total, item: &self.item };
                // Progress that nobody reads any more is no reason to stop an update.
                let _ = self.json(&line);
            }
            Form::Lines if total > 0 => {
                let _ = writeln!(std::io::stderr(), "{phase}: {done} of {total} bytes");
            }
            Form::Lines | Form::Terminal | Form::Silent => {}
        }
    }

    /// A sentence on standard error.
    pub fn note(&mut self, text: &str) {
        match self.form {
            Form::Silent => {}
            Form::Terminal => self.bar.suspend(|| {
                let _ = writeln!(std::io::stderr(), "{text}");
            }),
            Form::Lines | Form::Json => {
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        }
    }

    /// Data on standard output: `text` for people, `value` for programs.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn data<T: Serialize>(&self, kind: &str, text: &str, value: &T) -> Result<(), Failure> {
        match self.form {
            Form::Silent => Ok(()),
            Form::Json => self.json(&Line { kind, value }),
            Form::Terminal | Form::Lines => std::io::stdout().write_all(text.as_bytes()).map_err(Failure::Output),
        }
    }

    /// An error, for people on standard error, for programs also on standard output.
    pub fn error(&mut self, error: &dyn Diagnose) {
        self.end();
        let text = runtime_diag::render(error);
        self.note(text.trim_end());
        if self.form == Form::Json {
            let _ = self.json(&ErrorLine { kind: "error", report: Report::of(error), exit: error.exit().code() });
        }
    }

    fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(value).map_err(|error| Failure::Output(error.into()))?;
        line.push(b'\n');
        std::io::stdout().write_all(&line).map_err(Failure::Output)
    }
}
