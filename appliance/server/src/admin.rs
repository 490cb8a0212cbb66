//! Acts on people from the host's console.

use appliance_app::accounts;
use appliance_store::SqliteAccounts;

use crate::cli::ResetArgs;
use crate::error::ServerError;
use crate::layout::{Layout, Slot};
use crate::system::{self, SystemIds};

/// Gives a person a new one-time password, also beside a running appliance.
pub(crate) async fn reset_password(args: &ResetArgs) -> Result<(), ServerError> {
    let path = Layout::new(&args.root.root).data().join("db/control.sqlite");
    // Opening would make an empty database where there is none.
    std::fs::metadata(&path).map_err(|source| ServerError::File { path: path.clone(), source })?;
    let people = SqliteAccounts::open(&path)?;
    let invited = accounts::reset_password(&people, &SystemIds, &args.user).await?;
    system::print(&format!("user: {}", invited.user.username));
    system::print(&format!("one-time password: {}", invited.one_time_password));
    Ok(())
}

/// Finds the release that this process belongs to.
pub(crate) fn slot() -> Result<Slot, ServerError> {
    Slot::of_this_process().map_err(|source| ServerError::Start { what: "the executable's own folder", source })
}
