//! The journal: what survives a crash, as bytes. Two copies, each with a generation and a checksum; the newest copy that
//! holds wins.
//!
//! Invariants: a torn copy is never read; two torn copies are an error, never an empty journal; the floors only rise.
//! Deliberately not here: where the copies lie and how they are written (temporary file, sync, rename, sync of the
//! folder): the executable's business.

use crate::machine::{State, Work};
use crate::slot::Installed;
use bundler_format::Digest;
use runtime_diag::{Diagnose, Exit};
use serde::{Deserialize, Serialize};

/// Schema of a journal copy.
pub const SCHEMA: &str = "strongroom.journal/1";

/// Largest copy that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// What was accepted so far, and what therefore may not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Floor {
    /// The highest sequence that was ever confirmed here.
    pub sequence: u64,
    /// The lowest epoch that may be installed. Raised only when a release is confirmed.
    pub epoch: u64,
}

/// One journal record.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The state of the update.
    pub state: State,
    /// What may not come back.
    pub floor: Floor,
    /// The schema of the data in use; `None` before the first release was confirmed.
    pub data_schema: Option<u32>,
    /// The last release that was installed and not healthy: `rollback` does not go there.
    pub failed: Option<Digest>,
}

impl Record {
    /// A record for a host whose journal is lost, from what stands in its slots: the floors are as high as those
    /// releases prove, and no update is under way.
    #[must_use]
    pub fn rebuilt(active: Option<&Installed>, other: Option<&Installed>) -> Self {
        let standing = || active.into_iter().chain(other).map(|installed| &installed.reference);
        Self {
            state: active.map_or(State::Idle, |installed| State::Confirmed { work: Work::standing(installed) }),
            floor: Floor {
                sequence: standing().map(|release| release.sequence).max().unwrap_or(0),
                // Of the active one only: the other may be a release that was never confirmed.
                epoch: active.map_or(0, |installed| installed.reference.epoch),
            },
            data_schema: active.map(|installed| installed.reference.data_schema.writes),
            failed: None,
        }
    }

    /// The record of the next state, with everything that follows from it.
    #[must_use]
    pub fn enter(mut self, state: State) -> Self {
        match &state {
            // The floor rises only after the new release was found healthy, so that the way back stays open until then.
            State::Confirmed { work } => {
                let target = work.target();
                self.floor.sequence = self.floor.sequence.max(target.sequence);
                self.floor.epoch = self.floor.epoch.max(target.epoch);
                self.data_schema = Some(self.data_schema.unwrap_or(0).max(target.data_schema.writes));
                if self.failed == Some(target.digest) {
                    self.failed = None;
                }
            }
            State::RollingBack { work, .. } => self.failed = Some(work.target().digest),
            State::Idle
            | State::Staging { .. }
            | State::Verified { .. }
            | State::Assembled { .. }
            | State::Switched { .. }
            | State::RolledBack { .. }
            | State::RollbackFailed { .. } => {}
        }
        self.state = state;
        self
    }
}

/// A record and its generation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Journal {
    /// Counts the records of this host from 1; 0 = nothing was written yet.
    pub generation: u64,
    /// The newest record.
    pub record: Record,
}

#[derive(Serialize, Deserialize)]
struct Copy {
    schema: String,
    generation: u64,
    checksum: Digest,
    record: serde_json::Value,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Every copy that is there is torn.
    #[error("no copy of the installer's journal can be read")]
    Torn {
        /// What is wrong with each, in order.
        copies: Vec<String>,
    },
    /// A copy holds but is of a newer installer.
    #[error("the installer's journal has the format `{schema}`, this installer reads `{SCHEMA}`")]
    Newer {
        /// The format it names.
        schema: String,
    },
    /// There is no copy although a release is installed.
    #[error("the installer's journal is gone although a release is installed")]
    Gone,
    /// A record that cannot be written as JSON.
    #[error("the journal record cannot be encoded")]
    Encode(#[source] serde_json::Error),
}

impl Diagnose for JournalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Torn { .. } => "journal.torn",
            Self::Newer { .. } => "journal.newer-format",
            Self::Gone => "journal.gone",
            Self::Encode(_) => "journal.encode",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Torn { .. } | Self::Gone => {
                "check the disk, then rebuild the journal from the installed releases with \
                 `strongroom-installer trust recover`; what runs is not touched"
                    .into()
            }
            Self::Newer { .. } => "use the `strongroom-installer` of the newest release that was on this host".into(),
            Self::Encode(_) => "report this with the output of `strongroom-installer status --json`".into(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Torn { .. } | Self::Gone => Exit::TrustStore,
            Self::Newer { .. } => Exit::Schema,
            Self::Encode(_) => Exit::Failure,
        }
    }
}

impl Journal {
    /// The journal after one more record.
    #[must_use]
    pub fn next(&self, record: Record) -> Self {
        Self { generation: self.generation + 1, record }
    }

    /// Which of the two copies this generation is written to: the older one, so that the newest complete one stays.
    #[must_use]
    pub fn copy_index(&self) -> usize {
        usize::from(self.generation % 2 == 1)
    }

    /// The bytes of a copy.
    ///
    /// # Errors
    /// [`JournalError::Encode`].
    pub fn encode(&self) -> Result<Vec<u8>, JournalError> {
        let record = serde_json::to_value(&self.record).map_err(JournalError::Encode)?;
        let checksum = checksum(self.generation, &record);
        let copy = Copy { schema: SCHEMA.into(), generation: self.generation, checksum, record };
        let mut bytes = serde_json::to_vec_pretty(&copy).map_err(JournalError::Encode)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The newest copy that holds. `None` = that copy is not there; no copy at all is a new host, which is an error
    /// when `installed` says that a release is there.
    ///
    /// # Errors
    /// [`JournalError::Torn`], [`JournalError::Newer`], [`JournalError::Gone`].
    pub fn read(copies: [Option<&[u8]>; 2], installed: bool) -> Result<Self, JournalError> {
        let mut newest: Option<Self> = None;
        let mut torn = Vec::new();
        for bytes in copies.into_iter().flatten() {
            match decode(bytes)? {
                Ok(journal) => {
                    if newest.as_ref().is_none_or(|other| other.generation < journal.generation) {
                        newest = Some(journal);
                    }
                }
                Err(why) => torn.push(why),
            }
        }
        match newest {
            Some(journal) => Ok(journal),
            None if !torn.is_empty() => Err(JournalError::Torn { copies: torn }),
            None if installed => Err(JournalError::Gone),
            None => Ok(Self::default()),
        }
    }
}

/// The checksum is over the JSON value, not over its spelling, so that a record with fields of a newer installer holds.
fn checksum(generation: u64, record: &serde_json::Value) -> Digest {
    Digest::of(format!("{SCHEMA}\n{generation}\n{record}").as_bytes())
}

fn decode(bytes: &[u8]) -> Result<Result<Journal, String>, JournalError> {
    if bytes.len() > MAX_BYTES {
        return Ok(Err(format!("longer than {MAX_BYTES} bytes")));
    }
    let copy: Copy = match serde_json::from_slice(bytes) {
        Ok(copy) => copy,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if copy.schema != SCHEMA {
        return Err(JournalError::Newer { schema: copy.schema });
    }
    if checksum(copy.generation, &copy.record) != copy.checksum {
        return Ok(Err("the checksum does not hold".into()));
    }
    // A copy whose checksum holds was written whole: what cannot be understood then is newer, not torn.
    match serde_json::from_value(copy.record) {
        Ok(record) => Ok(Ok(Journal { generation: copy.generation, record })),
        Err(_) => Err(JournalError::Newer { schema: format!("{} with unknown fields", copy.schema) }),
    }
}
