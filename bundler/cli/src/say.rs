//! What is said on stderr and stdout: lines, and a progress bar where a person looks.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line on stderr. A closed stderr is nobody's loss.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A line of data on stdout.
pub(crate) fn data(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

/// Progress over bytes: a bar on a terminal, one line per item else.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    what: &'static str,
    item: String,
}

impl Bar {
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(what);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, what, item: String::new() }
    }

    /// Sets how far it is, and at which item.
    pub(crate) fn at(&mut self, done: u64, item: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                if item != self.item {
                    bar.set_message(item.to_owned());
                }
            }
            None if item != self.item => line(&format!("{}: {item}", self.what)),
            None => {}
        }
        if item != self.item {
            item.clone_into(&mut self.item);
        }
    }

    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Bytes for people: `1.5 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}
