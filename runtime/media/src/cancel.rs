//! How a caller follows and stops work: a cheap cancel signal and an observer of progress.

use std::sync::Arc;

use tokio::sync::watch;

/// A signal that stops work. Clones share it; it cannot be taken back.
#[derive(Clone, Debug)]
pub struct Cancel {
    sender: Arc<watch::Sender<bool>>,
}

impl Cancel {
    /// A signal that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        Self { sender: Arc::new(watch::Sender::new(false)) }
    }

    /// Stops the work. Children get SIGTERM, and SIGKILL after five seconds.
    pub fn cancel(&self) {
        self.sender.send_replace(true);
    }

    /// Whether the signal has been given.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.sender.borrow()
    }

    /// Waits for the signal.
    pub async fn cancelled(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = receiver.wait_for(|given| *given).await;
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

/// Told how far the work is, at most twice a second and once at the end of each step.
pub trait Observer: Send + Sync {
    /// `fraction` is 0 to 1 over the whole build and never falls; `note` is a short word for people. The note
    /// `playable` marks the moment when the HLS part of a fast build is complete.
    fn progress(&self, fraction: f32, note: &str);
}

/// An observer that does not look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _fraction: f32, _note: &str) {}
}
