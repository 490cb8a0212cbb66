//! The databases: `control.sqlite` (people) and one file per tenant (everything else).
//!
//! Invariants: WAL with `synchronous=FULL`; all writes go through one thread per file, one IMMEDIATE transaction each;
//! reads see one snapshot each; events are appended in the transaction of the change and announced after its commit.
//! SQL lives in the module of the table it changes; `catalog.rs` and `queue.rs` only hand over to them.

mod accounts;
mod assets;
mod catalog;
mod columns;
mod db;
mod events;
mod jobs;
mod leases;
mod projects;
mod queue;
mod schema;
mod tenant;
mod transcripts;
mod uploads;

pub use accounts::SqliteAccounts;
pub use schema::{CONTROL_SCHEMA, TENANT_SCHEMA};
pub use tenant::SqliteTenant;
