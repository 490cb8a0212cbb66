//! One database file: its writer thread and its readers.
//!
//! Invariants: one thread owns the only writing connection and runs each write as one IMMEDIATE transaction; watchers
//! are told after the commit, by that thread, so that positions never go backwards; a write whose caller has gone away
//! still ends whole. A read runs in one deferred transaction on a connection that cannot write.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use appliance_app::ports::catalog::Change;
use appliance_app::ports::{StoreError, StoreErrorKind, StoreResult};
use appliance_domain::{EventSeq, ProjectId};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};
use tokio::sync::{Semaphore, oneshot, watch};

use crate::OpenError;
use crate::sqlite::schema::migrate;

const READERS: usize = 4;
const STATEMENTS_KEPT: usize = 128;
const BUSY: Duration = Duration::from_secs(10);

/// Why a piece of SQL did not do what it should: what people get is made of it at the edge, by [`Failure::told`].
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    Store(StoreError),
}

/// The result of a piece of SQL.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// A refusal with its kind.
pub(crate) fn refuse(kind: StoreErrorKind, what: impl Into<String>) -> Failure {
    Failure::Store(StoreError::new(kind, what))
}

impl Failure {
    /// The port's error for an act: a broken uniqueness is a conflict, a broken reference something missing.
    fn told(self, act: &'static str) -> StoreError {
        let error = match self {
            Self::Store(error) => return error,
            Self::Sql(error) => error,
        };
        let kind = match &error {
            rusqlite::Error::SqliteFailure(cause, _) => match (cause.code, cause.extended_code) {
                (ErrorCode::DiskFull, _) => StoreErrorKind::Full,
                (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => StoreErrorKind::Conflict,
                (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreErrorKind::NotFound,
                _ => StoreErrorKind::Internal,
            },
            rusqlite::Error::QueryReturnedNoRows => StoreErrorKind::NotFound,
            _ => StoreErrorKind::Internal,
        };
        StoreError::caused(kind, format!("cannot {act}"), error)
    }
}

/// A transaction under way, and what is to be announced after it.
pub(crate) struct Write<'c> {
    transaction: Transaction<'c>,
    told: RefCell<Vec<(ProjectId, Change)>>,
    seq: Cell<Option<EventSeq>>,
    ready: Cell<bool>,
}

impl Write<'_> {
    /// Whether this change is news in this transaction: the same one twice is told once.
    pub(crate) fn is_news(&self, project: ProjectId, change: Change) -> bool {
        let mut told = self.told.borrow_mut();
        let news = !told.contains(&(project, change));
        if news {
            told.push((project, change));
        }
        news
    }

    /// Announces an appended event after the commit.
    pub(crate) fn announce(&self, seq: EventSeq) {
        self.seq.set(Some(seq));
    }

    /// Announces after the commit that a job may have become ready.
    pub(crate) fn job_ready(&self) {
        self.ready.set(true);
    }
}

impl Deref for Write<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.transaction
    }
}

struct Watchers {
    events: watch::Sender<EventSeq>,
    ready: watch::Sender<u64>,
}

type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// One database file.
pub(crate) struct Database {
    path: PathBuf,
    tasks: Option<mpsc::Sender<Task>>,
    writer: Option<JoinHandle<()>>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Semaphore,
    watchers: Arc<Watchers>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens or makes the file and migrates it. `last_event` is asked once for the position to start watching from.
    pub(crate) fn open(
        path: &Path,
        migrations: &[&str],
        last_event: impl FnOnce(&Connection) -> rusqlite::Result<EventSeq>,
    ) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Database { path: path.to_owned(), source };
        let mut connection = open_writer(path).map_err(failed)?;
        migrate(&mut connection, path, migrations)?;
        let watchers = Arc::new(Watchers {
            events: watch::Sender::new(last_event(&connection).map_err(failed)?),
            ready: watch::Sender::new(0),
        });
        let (tasks, queue) = mpsc::channel::<Task>();
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                while let Ok(task) = queue.recv() {
                    // A panic in one task rolls its transaction back and drops its reply; the thread serves the next.
                    if catch_unwind(AssertUnwindSafe(|| task(&mut connection))).is_err() {
                        tracing::error!("a write to the database panicked");
                    }
                }
            })
            .map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            tasks: Some(tasks),
            writer: Some(writer),
            idle: Arc::default(),
            permits: Semaphore::new(READERS),
            watchers,
        })
    }

    /// Runs `act` as one durable transaction; `what` completes "cannot …".
    pub(crate) async fn write<T, F>(&self, what: &'static str, act: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Write<'_>) -> Outcome<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let watchers = Arc::clone(&self.watchers);
        let task: Task = Box::new(move |connection| {
            // The caller may be gone; the write stands all the same.
            let _ = reply.send(transact(connection, &watchers, act));
        });
        let stopped = || StoreError::new(StoreErrorKind::Internal, format!("cannot {what}: the writer has stopped"));
        self.tasks.as_ref().ok_or_else(stopped)?.send(task).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.map_err(|failure| failure.told(what))
    }

    /// Runs `act` on one snapshot; `what` completes "cannot …".
    pub(crate) async fn read<T, F>(&self, what: &'static str, act: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    {
        let broken = |cause: Box<dyn std::error::Error + Send + Sync>| {
            StoreError::caused(StoreErrorKind::Internal, format!("cannot {what}"), cause)
        };
        let _permit = self.permits.acquire().await.map_err(|e| broken(e.into()))?;
        let idle = Arc::clone(&self.idle);
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match kept {
                Some(connection) => connection,
                None => open_reader(&path)?,
            };
            let snapshot = connection.transaction()?;
            let result = act(&snapshot);
            snapshot.finish()?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        done.await.map_err(|e| broken(e.into()))?.map_err(|failure| failure.told(what))
    }

    /// Wakes with the newest event after each commit.
    pub(crate) fn watch_events(&self) -> watch::Receiver<EventSeq> {
        self.watchers.events.subscribe()
    }

    /// Wakes when a job may have become ready.
    pub(crate) fn watch_ready(&self) -> watch::Receiver<u64> {
        self.watchers.ready.subscribe()
    }
}

impl Drop for Database {
    /// Ends the writer after the writes that are already queued, so that the file is closed when this returns.
    fn drop(&mut self) {
        drop(self.tasks.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn transact<T>(
    connection: &mut Connection,
    watchers: &Watchers,
    act: impl FnOnce(&Write<'_>) -> Outcome<T>,
) -> Outcome<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let write = Write { transaction, told: RefCell::default(), seq: Cell::new(None), ready: Cell::new(false) };
    let value = act(&write)?;
    let (seq, ready) = (write.seq.get(), write.ready.get());
    write.transaction.commit()?;
    if let Some(seq) = seq {
        watchers.events.send_replace(seq);
    }
    if ready {
        watchers.ready.send_modify(|count| *count = count.wrapping_add(1));
    }
    Ok(value)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "foreign_keys", true)?;
    // The file is data from a disk: its schema may name no functions with side effects, and its pages are checked.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "memory")
}

fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // FULL: a commit is on disk when it returns, also through a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(connection)
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(folder: &tempfile::TempDir) -> Database {
        let schema = "CREATE TABLE t (a BLOB NOT NULL UNIQUE) STRICT;";
        Database::open(&folder.path().join("x.sqlite"), &[schema], |_| Ok(0)).unwrap()
    }

    async fn rows(db: &Database) -> i64 {
        db.read("count", |db| Ok(db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)).await.unwrap()
    }

    #[tokio::test]
    async fn a_write_that_fails_leaves_nothing_and_tells_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        let (events, ready) = (db.watch_events(), db.watch_ready());
        let failed = db.write("add", |tx| {
            tx.execute("INSERT INTO t VALUES (x'01')", [])?;
            tx.announce(7);
            tx.job_ready();
            tx.execute("INSERT INTO t VALUES (x'01')", [])?;
            Ok(())
        });
        let error = failed.await.unwrap_err();
        assert_eq!((error.kind, error.what.as_str()), (StoreErrorKind::Conflict, "cannot add"));
        assert_eq!(rows(&db).await, 0);
        assert!(!events.has_changed().unwrap() && !ready.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_full_disk_has_its_own_kind() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        let full = db.write("add", |tx| {
            tx.query_row("PRAGMA max_page_count = 4", [], |_| Ok(()))?;
            tx.execute("INSERT INTO t VALUES (zeroblob(1000000))", [])?;
            Ok(())
        });
        assert_eq!(full.await.unwrap_err().kind, StoreErrorKind::Full);
        assert_eq!(rows(&db).await, 0);
    }

    #[tokio::test]
    async fn a_write_that_panics_is_rolled_back_and_the_next_one_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        let broken = db.write("add", |tx| -> Outcome<()> {
            tx.execute("INSERT INTO t VALUES (x'01')", [])?;
            panic!("a fault on purpose")
        });
        assert_eq!(broken.await.unwrap_err().kind, StoreErrorKind::Internal);
        assert_eq!(rows(&db).await, 0);
        db.write("add", |tx| Ok(tx.execute("INSERT INTO t VALUES (x'01')", [])?)).await.unwrap();
        assert_eq!(rows(&db).await, 1);
    }

    #[tokio::test]
    async fn a_write_whose_caller_has_gone_still_ends_whole() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        let write = db.write("add", |tx| Ok(tx.execute("INSERT INTO t VALUES (x'01')", [])?));
        // Polled once: handed over, and then nobody waits for the answer.
        assert!(futures_util::FutureExt::now_or_never(write).is_none());
        db.write("wait", |_| Ok(())).await.unwrap();
        assert_eq!(rows(&db).await, 1);
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        let written = db.read("write", |db| Ok(db.execute("INSERT INTO t VALUES (x'01')", [])?));
        assert_eq!(written.await.unwrap_err().kind, StoreErrorKind::Internal);
    }
}
