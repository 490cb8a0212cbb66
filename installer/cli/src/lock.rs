//! One installer at a time: an exclusive lock on a file, given back by the kernel when the process ends, however it ends.
//!
//! Deliberately not here: waiting. A second installer says who is at work and ends.

use crate::error::Failure;
use crate::host_fs::{Doing, HostFs, make_folders};
use crate::layout::Layout;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not left to the closing of the file: a child that is just being started holds a copy of it for a moment.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`Failure::Busy`] with the process that holds it; [`Failure::Disk`].
    pub fn take(fs: &dyn HostFs, layout: &Layout) -> Result<Self, Failure> {
        make_folders(fs, &layout.installer())?;
        let path = layout.lock();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .doing("open the lock", &path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // Who it is is only said, never used: a pid that cannot be read is no reason for another error.
                let _ = (&mut file).take(32).read_to_string(&mut holder);
                return Err(Failure::Busy { pid: holder.trim().parse().ok(), path });
            }
            Err(error) => return Err(std::io::Error::from(error)).doing("lock", &path).map_err(Failure::from),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).doing("write the process id to", &path)?;
        Ok(Self { file })
    }
}
