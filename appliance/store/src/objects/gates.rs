//! Who may write to which upload: parts one at a time each, and nobody once the upload is sealed.
//!
//! Invariants: a seal waits for the writers under way and stays for as long as this process lives; a claim is given
//! back only when the last write for it has ended, also when whoever asked for it has gone away.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use appliance_app::ports::{StoreError, StoreErrorKind, StoreResult};
use appliance_domain::UploadId;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

/// `Open` holds whether it was sealed while somebody waited for it.
#[derive(Debug)]
enum Gate {
    Open(Arc<RwLock<bool>>),
    Sealed,
}

type Claims = Arc<Mutex<HashSet<(UploadId, u64)>>>;

/// The gates of all uploads that this process has seen.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<UploadId, Gate>>,
    claims: Claims,
}

/// The right to write one part.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Claims,
    key: (UploadId, u64),
    _open: OwnedRwLockReadGuard<bool>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.claims).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gates {
    /// The right to write part `number`; `Conflict` when it is taken or the upload sealed.
    pub(crate) async fn claim(&self, upload: UploadId, number: u64) -> StoreResult<Claim> {
        let sealed = || StoreError::new(StoreErrorKind::Conflict, format!("the upload `{upload}` is sealed"));
        let gate = self.gate(upload).ok_or_else(sealed)?;
        let open = gate.read_owned().await;
        if *open {
            return Err(sealed());
        }
        if !lock(&self.claims).insert((upload, number)) {
            let what = format!("part {number} of the upload `{upload}` is being written by someone else");
            return Err(StoreError::new(StoreErrorKind::Conflict, what));
        }
        Ok(Claim { claims: Arc::clone(&self.claims), key: (upload, number), _open: open })
    }

    /// Refuses further claims, once those that are held have been given back.
    pub(crate) async fn seal(&self, upload: UploadId) {
        if let Some(gate) = self.gate(upload) {
            *gate.write_owned().await = true;
            lock(&self.gates).insert(upload, Gate::Sealed);
        }
    }

    /// `None` when sealed.
    fn gate(&self, upload: UploadId) -> Option<Arc<RwLock<bool>>> {
        match lock(&self.gates).entry(upload).or_insert_with(|| Gate::Open(Arc::default())) {
            Gate::Open(gate) => Some(Arc::clone(gate)),
            Gate::Sealed => None,
        }
    }
}
