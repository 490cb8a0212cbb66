//! Columns to values of the domain and back. A column that does not parse is an error, never a default.

use std::error::Error;
use std::str::FromStr;

use appliance_domain::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

type Cause = Box<dyn Error + Send + Sync>;

fn unreadable(row: &Row<'_>, column: &str, cause: Cause) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or(usize::MAX);
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, cause)
}

/// A nullable text column through its parser.
pub(crate) fn maybe<T, E: Into<Cause>>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|e| unreadable(row, column, e.into()))?;
    text.map(parse).transpose().map_err(|e| unreadable(row, column, e.into()))
}

/// A text column through its parser.
pub(crate) fn parsed<T, E: Into<Cause>>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    maybe(row, column, parse)?.ok_or_else(|| unreadable(row, column, "the column is empty".into()))
}

/// An id.
pub(crate) fn id<T: FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T::Err: Into<Cause>,
{
    parsed(row, column, T::from_str)
}

/// An id that may be absent.
pub(crate) fn maybe_id<T: FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T::Err: Into<Cause>,
{
    maybe(row, column, T::from_str)
}

/// A word of a closed set, e.g. a state.
pub(crate) fn word<T>(row: &Row<'_>, column: &str, read: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    parsed(row, column, |text| read(text).ok_or_else(|| format!("`{text}` is not a word of this column")))
}

/// A JSON column.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    parsed(row, column, |text| serde_json::from_str(text))
}

/// A JSON column that may be absent.
pub(crate) fn maybe_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    maybe(row, column, |text| serde_json::from_str(text))
}

/// A count or a size.
pub(crate) fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|e| unreadable(row, column, e.into()))
}

/// A small count.
pub(crate) fn small(row: &Row<'_>, column: &str) -> rusqlite::Result<u32> {
    let value: i64 = row.get(column)?;
    u32::try_from(value).map_err(|e| unreadable(row, column, e.into()))
}

/// A point in time.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp)
}

/// SQLite's integers are signed; sizes and counts here end far below its limit (5 TiB).
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}
