//! Progress that open browsers see at once and nobody keeps: what matters is in the jobs and the events.

use appliance_domain::transcript::Segment;
use appliance_domain::{AssetId, ProjectId, UploadId};
use tokio::sync::broadcast;

/// A moment of a running job.
#[derive(Clone, Debug)]
pub enum Moment {
    /// An upload is being verified.
    Upload {
        /// In which project.
        project: ProjectId,
        /// Which.
        upload: UploadId,
        /// 0 to 1.
        progress: f32,
    },
    /// A step of an asset moves on.
    Step {
        /// In which project.
        project: ProjectId,
        /// Which.
        asset: AssetId,
        /// Which step.
        step: &'static str,
        /// 0 to 1.
        progress: f32,
        /// What it does right now.
        note: String,
    },
    /// A transcript segment came out.
    Segment {
        /// In which project.
        project: ProjectId,
        /// Of which asset.
        asset: AssetId,
        /// The words.
        segment: Segment,
    },
}

impl Moment {
    /// In which project it happened.
    #[must_use]
    pub fn project(&self) -> ProjectId {
        match self {
            Self::Upload { project, .. } | Self::Step { project, .. } | Self::Segment { project, .. } => *project,
        }
    }
}

/// The channel. A slow receiver loses moments, never events.
#[derive(Clone, Debug)]
pub struct Live(broadcast::Sender<Moment>);

impl Live {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(256))
    }

    pub(crate) fn send(&self, moment: Moment) {
        // No receiver is no error: nobody looks.
        let _ = self.0.send(moment);
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Moment> {
        self.0.subscribe()
    }
}
