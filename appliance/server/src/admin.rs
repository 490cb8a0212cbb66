//! Acts on people from the host's console.

use crate::cli::ResetArgs;
use crate::config::Config;
use crate::error::ServerError;
use crate::layout::{Layout, Slot};
use crate::{system, wire};

/// Gives a person a new one-time password. Only while the appliance is stopped: its store has one owner at a time.
pub(crate) async fn reset_password(args: &ResetArgs) -> Result<(), ServerError> {
    let layout = Layout::new(&args.root.root);
    let slot = slot()?;
    let config = Config::load(&layout.config())?;
    let app = wire::app(&layout, &slot, &config)?;
    let invited = app.reset_password(&args.user).await?;
    system::print(&format!("user: {}", invited.user.username));
    system::print(&format!("one-time password: {}", invited.one_time_password));
    Ok(())
}

/// Finds the release that this process belongs to.
pub(crate) fn slot() -> Result<Slot, ServerError> {
    Slot::of_this_process().map_err(|source| ServerError::Start { what: "the executable's own folder", source })
}
