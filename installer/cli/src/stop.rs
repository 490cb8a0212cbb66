//! Ctrl-C: a flag that work between two chunks looks at. A second Ctrl-C ends the process at once, which is safe, too.
//!
//! Nothing listens until there is work to stop: at a question, and before anything was written, Ctrl-C just ends the
//! process.

use crate::error::Failure;
use runtime_diag::Exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when somebody wants the installer to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// Still to be connected with the signals of the process.
    deaf: Arc<AtomicBool>,
}

impl Stop {
    /// For an executable: hears SIGINT and SIGTERM from [`Stop::listen`] on. [`Stop::default`] never hears them.
    #[must_use]
    pub fn of_this_process() -> Self {
        let stop = Self::default();
        stop.deaf.store(true, Ordering::SeqCst);
        stop
    }

    /// From now on a signal is a wish to stop.
    ///
    /// # Errors
    /// [`Failure::Signals`]: the handler cannot be set.
    pub fn listen(&self) -> Result<(), Failure> {
        if !self.deaf.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let status = i32::from(Exit::Interrupted.code());
            signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(&self.asked))
                .map_err(Failure::Signals)?;
            signal_hook::flag::register(signal, Arc::clone(&self.asked)).map_err(Failure::Signals)?;
        }
        Ok(())
    }

    /// Asks for a stop.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Was a stop asked for?
    #[must_use]
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}
