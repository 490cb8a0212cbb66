//! What must happen now and then so that nothing piles up: unfinished uploads are given up, staging is emptied.

use crate::{App, AppError};

impl App {
    /// Once, before any worker starts: drops what a killed process left half-built.
    pub async fn tidy_at_start(&self) -> Result<(), AppError> {
        self.ports.objects.sweep_work().await?;
        self.tidy().await
    }

    /// Every few minutes.
    pub async fn tidy(&self) -> Result<(), AppError> {
        let now = self.ports.clock.now();
        for id in self.ports.catalog.expired_uploads(now).await? {
            tracing::info!(upload = %id, "unfinished upload given up");
            self.ports.catalog.abort_upload(id, now).await?;
        }
        for id in self.ports.catalog.uploads_with_staging().await? {
            self.ports.objects.discard_staged(id).await?;
        }
        Ok(())
    }
}
