//! `pack.toml`, schema `strongroom.model-pack/1`. Written down in `models/README.md`.

use std::fmt;

use bundler_format::Digest;
use runtime_diag::{Diagnose, Exit};
use toml::de::DeTable;

use crate::document::{At, Findings, Table};
use crate::problem::{InvalidPack, Problem};

/// The one schema that [`Pack::parse`] reads.
pub const SCHEMA: &str = "strongroom.model-pack/1";
/// The largest `pack.toml` that is looked at, in bytes.
pub const PACK_MAX: usize = 256 * 1024;

const FILES_MAX: usize = 64;
const FILE_SIZE_MAX: u64 = 64 << 30;
const TEXT_MAX: usize = 4096;
const WORDS_MAX: usize = 20_000;

/// What a pack is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Audio in, words with times out.
    SpeechToText,
}

/// Which engine loads the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// whisper.cpp, its own ggml file.
    WhisperGgml,
}

/// What a file of a pack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What the engine loads; exactly one file.
    Weights,
    /// Licence text.
    Licence,
    /// For people.
    Readme,
}

impl Task {
    /// As written in `pack.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpeechToText => "speech-to-text",
        }
    }
}

impl Engine {
    /// As written in `pack.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WhisperGgml => "whisper-ggml",
        }
    }
}

impl Role {
    /// As written in `pack.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Licence => "licence",
            Self::Readme => "readme",
        }
    }
}

/// The name of a file in the pack's own folder: 1 to 100 of `a-z A-Z 0-9 . _ -`, not starting with a dot or a dash.
/// Never a path, so it cannot leave the folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Accepts a plain file name.
    ///
    /// # Errors
    /// [`InvalidFileName`] for anything else, paths included.
    pub fn parse(text: &str) -> Result<Self, InvalidFileName> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let holds = (1..=100).contains(&text.len()) && text.bytes().all(legal) && !text.starts_with(['.', '-']);
        if holds { Ok(Self(text.to_owned())) } else { Err(InvalidFileName(text.chars().take(80).collect())) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not the name of a file in a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a plain file name")]
pub struct InvalidFileName(String);

impl Diagnose for InvalidFileName {
    fn code(&self) -> &'static str {
        "models.invalid-file-name"
    }
    fn remedy(&self) -> String {
        "use letters, digits, `.`, `_` and `-`, not starting with a dot or a dash".into()
    }
    fn exit(&self) -> Exit {
        Exit::Schema
    }
}

/// Under which terms a pack is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// SPDX expression.
    pub spdx: String,
    /// Whom to name, as the licence asks.
    pub attribution: String,
}

/// Whether a pack uses a graphics processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// It does not.
    None,
    /// It is faster with one.
    Optional,
    /// It does not run without one.
    Required,
}

impl Gpu {
    /// As written in `pack.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// What a pack needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// Working memory of the engine process with this pack, in bytes.
    pub memory_bytes: u64,
    /// Whether it uses a graphics processor.
    pub gpu: Gpu,
}

/// One file of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackFile {
    /// In the pack's folder.
    pub path: FileName,
    /// What it is.
    pub role: Role,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// What a model pack says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Stable id, the name of its folder.
    pub id: String,
    /// Version of the pack.
    pub version: String,
    /// What it is for.
    pub task: Task,
    /// Which engine loads it.
    pub engine: Engine,
    /// One line for people.
    pub title: String,
    /// What it can and cannot do, for people.
    pub description: String,
    /// BCP 47 tags; never empty.
    pub languages: Vec<String>,
    /// The words it knows, if it knows only these.
    pub vocabulary: Option<Vec<String>>,
    /// Terms of use.
    pub licence: Licence,
    /// Needs.
    pub hardware: Hardware,
    /// Its files, `pack.toml` excluded; names differ; exactly one has [`Role::Weights`].
    pub files: Vec<PackFile>,
}

impl Pack {
    /// Reads a `pack.toml`.
    ///
    /// # Errors
    /// All problems of the document at once, in order of their lines; never an empty list.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut findings = Findings::new(text);
        let pack = Self::read(text, &mut findings);
        match (pack, findings.into_problems()) {
            (Some(pack), None) => Ok(pack),
            (_, Some(problems)) => Err(problems),
            // Every `None` of a reader is a finding; this arm only keeps the promise of a non-empty list.
            (None, None) => Err(vec![Problem { line: 1, key: String::new(), what: "is not a model pack".into() }]),
        }
    }

    /// [`Pack::parse`] with the problems as one error.
    ///
    /// # Errors
    /// [`InvalidPack`] with every problem.
    pub fn load(text: &str) -> Result<Self, InvalidPack> {
        Self::parse(text).map_err(InvalidPack)
    }

    /// The file that the engine loads.
    #[must_use]
    pub fn weights(&self) -> Option<&PackFile> {
        self.files.iter().find(|file| file.role == Role::Weights)
    }

    fn read(text: &str, findings: &mut Findings<'_>) -> Option<Self> {
        if text.len() > PACK_MAX {
            findings.add(0, "", format!("the document has more than {PACK_MAX} bytes"));
            return None;
        }
        let document = match DeTable::parse(text) {
            Ok(document) => document.into_inner(),
            Err(error) => {
                findings.add(error.span().map_or(0, |span| span.start), "", error.message());
                return None;
            }
        };
        let mut root = Table::root(document);
        if let Some(schema) = root.string(findings, "schema")
            && schema.value != SCHEMA
        {
            findings.add(schema.at, &schema.key, format!("is not `{SCHEMA}`"));
            // Another schema has other keys: reporting those would say nothing.
            return None;
        }
        let id = root.string(findings, "id").and_then(|it| checked(findings, it, is_id, ID_RULE));
        let version = root.string(findings, "version").and_then(|it| checked(findings, it, is_version, VERSION_RULE));
        let task =
            root.string(findings, "task").and_then(|it| one_of(findings, it, [Task::SpeechToText], Task::as_str));
        let engine = root.string(findings, "engine");
        let engine = engine.and_then(|it| one_of(findings, it, [Engine::WhisperGgml], Engine::as_str));
        let title = root.string(findings, "title").and_then(|it| checked(findings, it, is_line, LINE_RULE));
        let description = root.string(findings, "description").and_then(|it| checked(findings, it, is_text, TEXT_RULE));
        let languages =
            root.strings(findings, "languages").and_then(|it| list(findings, it, is_language, LANGUAGE_RULE));
        let given = root.optional_strings(findings, "vocabulary");
        let vocabulary = given.map(|it| list(findings, it, is_line, LINE_RULE));
        let licence = root.table(findings, "licence").and_then(|table| read_licence(table, findings));
        let hardware = root.table(findings, "hardware").and_then(|table| read_hardware(table, findings));
        let files = read_files(&mut root, findings);
        root.finish(findings);
        Some(Self {
            id: id?,
            version: version?,
            task: task?,
            engine: engine?,
            title: title?,
            description: description?,
            languages: languages?,
            vocabulary: match vocabulary {
                None => None,
                Some(words) => Some(words?),
            },
            licence: licence?,
            hardware: hardware?,
            files: files?,
        })
    }
}

fn read_licence(mut table: Table<'_>, findings: &mut Findings<'_>) -> Option<Licence> {
    let spdx = table.string(findings, "spdx").and_then(|it| checked(findings, it, is_spdx, SPDX_RULE));
    let attribution = table.string(findings, "attribution").and_then(|it| checked(findings, it, is_text, TEXT_RULE));
    table.finish(findings);
    Some(Licence { spdx: spdx?, attribution: attribution? })
}

fn read_hardware(mut table: Table<'_>, findings: &mut Findings<'_>) -> Option<Hardware> {
    let memory_bytes = table.integer(findings, "memory_bytes");
    let gpu = table.string(findings, "gpu");
    let gpu = gpu.and_then(|it| one_of(findings, it, [Gpu::None, Gpu::Optional, Gpu::Required], Gpu::as_str));
    table.finish(findings);
    if let Some(memory) = &memory_bytes
        && !(1 << 20..=1 << 40).contains(&memory.value)
    {
        findings.add(memory.at, &memory.key, "is not between 1 MiB and 1 TiB");
    }
    Some(Hardware { memory_bytes: memory_bytes?.value, gpu: gpu? })
}

fn read_files(root: &mut Table<'_>, findings: &mut Findings<'_>) -> Option<Vec<PackFile>> {
    let (at, tables) = root.tables(findings, "files")?;
    if tables.len() > FILES_MAX {
        findings.add(at, "files", format!("has more than {FILES_MAX} entries"));
        return None;
    }
    let mut files: Vec<PackFile> = Vec::new();
    let mut whole = true;
    for mut table in tables {
        let path = table.string(findings, "path").and_then(|it| match FileName::parse(&it.value) {
            Ok(name) if name.as_str() == "pack.toml" => {
                findings.add(it.at, &it.key, "names the document itself");
                None
            }
            Ok(name) if files.iter().any(|file| file.path == name) => {
                findings.add(it.at, &it.key, format!("names `{name}` a second time"));
                None
            }
            Ok(name) => Some(name),
            Err(error) => {
                findings.add(it.at, &it.key, format!("does not hold: {error}"));
                None
            }
        });
        let role = table.string(findings, "role");
        let role = role.and_then(|it| one_of(findings, it, [Role::Weights, Role::Licence, Role::Readme], Role::as_str));
        let size = table.integer(findings, "size");
        if let Some(size) = &size
            && !(1..=FILE_SIZE_MAX).contains(&size.value)
        {
            findings.add(size.at, &size.key, format!("is not between 1 and {FILE_SIZE_MAX}"));
        }
        let sha256 = table.string(findings, "sha256").and_then(|it| {
            let digest = Digest::parse_hex(&it.value).ok();
            if digest.is_none() {
                findings.add(it.at, &it.key, "is not 64 lower-case hex digits");
            }
            digest
        });
        table.finish(findings);
        match (path, role, size, sha256) {
            (Some(path), Some(role), Some(size), Some(sha256)) => {
                files.push(PackFile { path, role, size: size.value, sha256 });
            }
            _ => whole = false,
        }
    }
    if whole && files.iter().filter(|file| file.role == Role::Weights).count() != 1 {
        findings.add(at, "files", "does not have exactly one file with the role `weights`");
    }
    whole.then_some(files)
}

fn checked(findings: &mut Findings<'_>, it: At<String>, holds: fn(&str) -> bool, rule: &str) -> Option<String> {
    if holds(&it.value) {
        return Some(it.value);
    }
    findings.add(it.at, &it.key, format!("is not {rule}"));
    None
}

fn list(findings: &mut Findings<'_>, it: At<Vec<String>>, holds: fn(&str) -> bool, rule: &str) -> Option<Vec<String>> {
    let before = it.value.len();
    if before == 0 || before > WORDS_MAX {
        findings.add(it.at, &it.key, format!("has no entry, or more than {WORDS_MAX}"));
        return None;
    }
    let mut whole = true;
    for (i, text) in it.value.iter().enumerate() {
        if !holds(text) {
            findings.add(it.at, &format!("{}[{i}]", it.key), format!("is not {rule}"));
            whole = false;
        }
    }
    whole.then_some(it.value)
}

fn one_of<T: Copy, const N: usize>(
    findings: &mut Findings<'_>,
    it: At<String>,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Option<T> {
    let found = all.into_iter().find(|item| name(*item) == it.value);
    if found.is_none() {
        let names = all.map(|item| format!("`{}`", name(item))).join(", ");
        findings.add(it.at, &it.key, format!("is not one of {names}"));
    }
    found
}

const ID_RULE: &str = "1 to 64 of `a-z 0-9 -`, starting with a letter";
const VERSION_RULE: &str = "1 to 32 of `0-9 a-z . -`, starting with a digit";
const LANGUAGE_RULE: &str = "a language tag such as `en` or `pt-BR`";
const SPDX_RULE: &str = "an SPDX licence expression";
const LINE_RULE: &str = "one line of 1 to 200 characters";
const TEXT_RULE: &str = "a text of 1 to 4096 bytes without control characters";

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_version(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
}

fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    parts.next().is_some_and(|first| (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase()))
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn is_spdx(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b' ' | b'(' | b')' | b':'))
        && text.bytes().any(|b| b.is_ascii_alphanumeric())
}

fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= TEXT_MAX && !text.chars().any(|c| c.is_control() && c != '\n')
}

#[cfg(test)]
mod tests;
