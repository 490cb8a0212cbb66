//! A TOML document read key by key, so that every mistake in it is found in one pass and has a line.
//!
//! Invariants: a key is taken once; what nobody took is reported as unknown; a missing or mistyped key is reported and
//! answered with `None`, and reading goes on. Deliberately not here: what the keys mean.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::problem::Problem;

/// All problems found so far, and the text they are found in.
pub(crate) struct Findings<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, problems: Vec::new() }
    }

    pub(crate) fn add(&mut self, at: usize, key: &str, what: impl Into<String>) {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        self.problems.push(Problem { line, key: key.to_owned(), what: what.into() });
    }

    /// All problems in order of their place, or `None`.
    pub(crate) fn into_problems(mut self) -> Option<Vec<Problem>> {
        self.problems.sort_by_key(|problem| problem.line);
        (!self.problems.is_empty()).then_some(self.problems)
    }
}

/// One table of the document. Take its keys, then call [`Table::finish`].
pub(crate) struct Table<'d> {
    path: String,
    at: usize,
    entries: DeTable<'d>,
}

/// A value with its place.
pub(crate) struct At<T> {
    pub(crate) at: usize,
    pub(crate) key: String,
    pub(crate) value: T,
}

impl<'d> Table<'d> {
    pub(crate) fn root(entries: DeTable<'d>) -> Self {
        Self { path: String::new(), at: 0, entries }
    }

    fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn take(&mut self, name: &str) -> Option<At<DeValue<'d>>> {
        let key = self.key(name);
        let spanned: Spanned<DeValue<'d>> = self.entries.remove(name)?;
        Some(At { at: spanned.span().start, key, value: spanned.into_inner() })
    }

    /// The value if it is there and `convert` takes it; `kind` names what it has to be.
    fn optional<T>(
        &mut self,
        findings: &mut Findings<'_>,
        name: &str,
        kind: &str,
        convert: impl FnOnce(DeValue<'d>) -> Option<T>,
    ) -> Option<At<T>> {
        let At { at, key, value } = self.take(name)?;
        match convert(value) {
            Some(value) => Some(At { at, key, value }),
            None => {
                findings.add(at, &key, format!("is not {kind}"));
                None
            }
        }
    }

    fn required<T>(&self, findings: &mut Findings<'_>, name: &str, present: bool, value: Option<T>) -> Option<T> {
        if !present {
            findings.add(self.at, &self.key(name), "is missing");
        }
        value
    }

    fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    pub(crate) fn string(&mut self, findings: &mut Findings<'_>, name: &str) -> Option<At<String>> {
        let present = self.has(name);
        let value = self.optional(findings, name, "a text", text_of);
        self.required(findings, name, present, value)
    }

    pub(crate) fn integer(&mut self, findings: &mut Findings<'_>, name: &str) -> Option<At<u64>> {
        let present = self.has(name);
        let value = self.optional(findings, name, "a whole number of at least 0", |value| match value {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        });
        self.required(findings, name, present, value)
    }

    pub(crate) fn strings(&mut self, findings: &mut Findings<'_>, name: &str) -> Option<At<Vec<String>>> {
        let present = self.has(name);
        let value = self.optional_strings(findings, name);
        self.required(findings, name, present, value)
    }

    pub(crate) fn optional_strings(&mut self, findings: &mut Findings<'_>, name: &str) -> Option<At<Vec<String>>> {
        self.optional(findings, name, "a list of texts", |value| {
            list_of(value)?.into_iter().map(|item| text_of(item.into_inner())).collect()
        })
    }

    pub(crate) fn table(&mut self, findings: &mut Findings<'_>, name: &str) -> Option<Table<'d>> {
        let present = self.has(name);
        let value = self.optional(findings, name, "a table", table_of);
        let At { at, key, value } = self.required(findings, name, present, value)?;
        Some(Table { path: key, at, entries: value })
    }

    pub(crate) fn tables(&mut self, findings: &mut Findings<'_>, name: &str) -> Option<(usize, Vec<Table<'d>>)> {
        let present = self.has(name);
        let value = self.optional(findings, name, "a list of tables", |value| {
            list_of(value)?
                .into_iter()
                .map(|item| (item.span().start, table_of(item.into_inner())))
                .map(|(at, table)| Some((at, table?)))
                .collect::<Option<Vec<_>>>()
        });
        let At { at, key, value } = self.required(findings, name, present, value)?;
        let table = |(i, (at, entries))| Table { path: format!("{key}[{i}]"), at, entries };
        Some((at, value.into_iter().enumerate().map(table).collect()))
    }

    /// Reports every key that was not taken.
    pub(crate) fn finish(self, findings: &mut Findings<'_>) {
        for name in self.entries.keys() {
            findings.add(name.span().start, &self.key(name.get_ref()), "is not a key of this document");
        }
    }
}

fn text_of(value: DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.into_owned()),
        _ => None,
    }
}

fn list_of(value: DeValue<'_>) -> Option<DeArray<'_>> {
    match value {
        DeValue::Array(list) => Some(list),
        _ => None,
    }
}

fn table_of(value: DeValue<'_>) -> Option<DeTable<'_>> {
    match value {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}
