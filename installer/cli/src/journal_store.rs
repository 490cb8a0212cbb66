//! The journal on the disk: two copies, written in turn, each put in place whole.

use crate::error::Failure;
use crate::host_fs::{HostFs, make_folders, read_whole, write_whole};
use crate::layout::Layout;
use installer_plan::{JOURNAL_MAX_BYTES, Journal, Record};

/// Reads the newest record.
///
/// # Errors
/// [`Failure::Journal`] when the copies are torn, gone or newer; [`Failure::Disk`].
pub fn read(fs: &dyn HostFs, layout: &Layout, installed: bool) -> Result<Journal, Failure> {
    let limit = u64::try_from(JOURNAL_MAX_BYTES).unwrap_or(u64::MAX);
    let first = read_whole(fs, &layout.journal(0), limit)?;
    let second = read_whole(fs, &layout.journal(1), limit)?;
    Ok(Journal::read([first.as_deref(), second.as_deref()], installed)?)
}

/// Writes the next record over the older copy and returns the journal that now stands.
///
/// # Errors
/// [`Failure::Disk`]; the record before then still stands.
pub fn write(fs: &dyn HostFs, layout: &Layout, journal: &Journal, record: Record) -> Result<Journal, Failure> {
    let next = journal.next(record);
    make_folders(fs, &layout.installer())?;
    write_whole(fs, &layout.journal(next.copy_index()), &next.encode()?, 0o644)?;
    Ok(next)
}
