//! A bundle as named files on a medium, and the checks of every file that is not a volume.
//!
//! Invariants: names are relative to the top of the medium with `/`; every read has a limit; only the folder of the
//! version must be free of unknown files. Deliberately not here: an implementation over a file system (the executables
//! have it), because this crate does no IO of its own.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::{self, Read};

use super::damage::BundleError;
use crate::{
    Digest, Document, Hasher, Release, TrustRoots, Unverified, Verified, Version, is_desktop_litter, limits,
    signature_number,
};

/// A thing that lies on the medium.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Relative to the top, parts joined with `/`: `2026.4.0/release.json`. Names that are not UTF-8 are given lossily.
    pub name: String,
    /// A regular file; `false` for links, devices and anything else that is not a folder.
    pub regular: bool,
}

/// Reads named files: a folder, a mounted stick, an upload, or a map in a test.
pub trait Medium {
    /// Everything below the top but folders, recursively, in any order; it may stop after `limits::LISTED_MAX + 1`.
    ///
    /// # Errors
    /// When the medium cannot be read.
    fn list(&self) -> io::Result<Vec<Listed>>;

    /// Opens a regular file by its listed name; follows no link. `NotFound` when there is none.
    ///
    /// # Errors
    /// When it is not there or cannot be opened.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// What to do with files outside the version's folder, when the medium holds several versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherVersions {
    /// `start-here.txt` and `trust/` belong to the newest version on the medium: checked when this is it, else passed over.
    #[default]
    NewestOwnsExtras,
    /// This version must be the only one.
    Refuse,
}

/// What `verify_files` has checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesReport {
    /// Files compared with their signed digest.
    pub compared: Vec<String>,
    /// Extras passed over because a newer version on the medium owns them.
    pub passed_over: Vec<String>,
}

fn listed(medium: &dyn Medium) -> Result<Vec<Listed>, BundleError> {
    let mut all = medium.list().map_err(|source| match source.kind() {
        // The folder itself is not there, as when the stick is not mounted.
        io::ErrorKind::NotFound => BundleError::NoRelease,
        _ => BundleError::Unreadable { file: ".".to_owned(), at: 0, source },
    })?;
    if all.len() > limits::LISTED_MAX {
        return Err(BundleError::TooManyFiles { limit: limits::LISTED_MAX });
    }
    all.retain(|item| !is_desktop_litter(&item.name));
    all.sort();
    Ok(all)
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// When it is missing, larger, or cannot be read.
pub fn read_capped(medium: &dyn Medium, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
    let file = || name.to_owned();
    let read = open(medium, name)?;
    let mut bytes = Vec::new();
    let mut read = read.take(limit.saturating_add(1));
    if let Err(source) = read.read_to_end(&mut bytes) {
        return Err(BundleError::Unreadable { file: file(), at: bytes.len() as u64, source });
    }
    if bytes.len() as u64 > limit { Err(BundleError::OverLimit { file: file(), limit }) } else { Ok(bytes) }
}

/// The versions on the medium, oldest first: folders named like one that hold a `release.json`.
///
/// # Errors
/// When the medium cannot be read.
pub fn versions(medium: &dyn Medium) -> Result<Vec<Version>, BundleError> {
    Ok(versions_in(&listed(medium)?))
}

fn versions_in(all: &[Listed]) -> Vec<Version> {
    let version =
        |item: &Listed| item.name.strip_suffix("/release.json").and_then(|folder| Version::parse(folder).ok());
    let found: BTreeSet<Version> = all.iter().filter_map(version).collect();
    found.into_iter().collect()
}

/// Reads `release.json` and its signature files, and nothing else. §8 step 1.
///
/// # Errors
/// When one is missing, over its limit or cannot be read.
pub fn read_unverified(medium: &dyn Medium, version: &Version) -> Result<Unverified, BundleError> {
    let folder = version.to_string();
    let release_json = read_capped(medium, &format!("{folder}/release.json"), limits::MANIFEST_MAX)?;
    let mut signatures = Vec::new();
    for item in listed(medium)? {
        let Some(name) = item.name.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')) else { continue };
        // One more than the limit is read, so that the verifier says that there are too many.
        if signature_number(name).is_some() && signatures.len() <= limits::SIGNATURES_MAX {
            signatures.push((name.to_owned(), read_capped(medium, &item.name, limits::SIGNATURE_MAX)?));
        }
    }
    Ok(Unverified::new(release_json, signatures))
}

/// The files that a release brings, relative to the top of the medium, without signature files.
#[must_use]
pub fn bundle_files(release: &Release) -> Vec<String> {
    let version = release.version;
    let mut files = vec![format!("{version}/release.json"), format!("{version}/SHA256SUMS")];
    files.extend(release.volumes.iter().map(|volume| format!("{version}/{}", volume.name)));
    files.extend(release.sboms.iter().chain([&release.notes]).map(|document| format!("{version}/{}", document.path)));
    files.extend(release.extras.iter().map(|document| document.path.to_string()));
    files
}

/// Checks every file of the bundle but the volumes' content: nothing missing, nothing unknown in the version's folder,
/// SBOMs, notes and extras as signed, `SHA256SUMS` as it must be, signatures by keys of the carried root. §8 steps 5, 6.
///
/// # Errors
/// The first file that is not as it must be.
pub fn verify_files(
    verified: &Verified,
    medium: &dyn Medium,
    others: OtherVersions,
) -> Result<FilesReport, BundleError> {
    let release = verified.release();
    let folder = release.version.to_string();
    let all = listed(medium)?;
    let known: BTreeSet<String> = bundle_files(release).into_iter().collect();
    for item in &all {
        let Some(name) = item.name.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let belongs = known.contains(&item.name) || signature_number(name).is_some();
        if !belongs || !item.regular {
            return Err(BundleError::Unknown { file: item.name.clone() });
        }
    }
    let on_medium = versions_in(&all);
    let newest = on_medium.last().is_none_or(|newest| *newest <= release.version);
    if others == OtherVersions::Refuse
        && let Some(other) = on_medium.iter().find(|version| **version != release.version)
    {
        return Err(BundleError::Unknown { file: format!("{other}/release.json") });
    }

    let mut report = FilesReport { compared: Vec::new(), passed_over: Vec::new() };
    for document in release.sboms.iter().chain([&release.notes]) {
        let file = format!("{folder}/{}", document.path);
        compare(medium, &file, document)?;
        report.compared.push(file);
    }
    let sums = release.sha256sums(verified.release_bytes());
    let file = format!("{folder}/SHA256SUMS");
    compare(
        medium,
        &file,
        &Document { path: release.notes.path.clone(), digest: Digest::of(sums.as_bytes()), size: sums.len() as u64 },
    )?;
    report.compared.push(file);
    for volume in &release.volumes {
        let file = format!("{folder}/{}", volume.name);
        if !all.iter().any(|item| item.name == file) {
            return Err(BundleError::Missing { file });
        }
    }
    for document in &release.extras {
        let file = document.path.to_string();
        if newest {
            compare(medium, &file, document)?;
            report.compared.push(file);
        } else {
            report.passed_over.push(file);
        }
    }
    unknown_signers(verified, medium, newest)?;
    Ok(report)
}

/// Signatures by keys that the trust root does not know are checked against the root that the bundle carries.
fn unknown_signers(verified: &Verified, medium: &dyn Medium, extras_are_ours: bool) -> Result<(), BundleError> {
    const ROOT: &str = "trust/root.json";
    let Some((file, signer)) = verified.unknown_signers().into_iter().next() else { return Ok(()) };
    let carried = verified.release().extras.iter().find(|document| document.path.as_str() == ROOT);
    let Some(document) = carried.filter(|_| extras_are_ours) else {
        return Err(crate::VerifyError::StrangeSignature { file, signer }.into());
    };
    // Read once and judged by what was read, so that the keys used are the keys compared.
    let bytes = read_capped(medium, ROOT, limits::ROOT_MAX)?;
    judge(ROOT, bytes.len() as u64, Digest::of(&bytes), document)?;
    let root =
        TrustRoots::parse(&bytes).map_err(|source| BundleError::CarriedRoot { file: ROOT.to_owned(), source })?;
    Ok(verified.check_unknown_signers(&root)?)
}

/// Compares a file with what was signed, in passing, whatever its size.
fn compare(medium: &dyn Medium, file: &str, document: &Document) -> Result<(), BundleError> {
    let mut read = open(medium, file)?;
    let (mut hash, mut size, mut buffer) = (Hasher::new(), 0u64, vec![0; 64 << 10]);
    while size <= document.size {
        match read.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(buffer.get(..count).unwrap_or_default());
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(BundleError::Unreadable { file: file.to_owned(), at: size, source }),
        }
    }
    judge(file, size, hash.finish(), document)
}

fn judge(file: &str, size: u64, got: Digest, document: &Document) -> Result<(), BundleError> {
    let (file, expected) = (file.to_owned(), document.size);
    match size.cmp(&expected) {
        Ordering::Less => Err(BundleError::CutShort { file, expected, got: size }),
        Ordering::Greater => Err(BundleError::TooLong { file, expected }),
        Ordering::Equal if got != document.digest => {
            Err(BundleError::OtherContent { file, size, expected: document.digest, got })
        }
        Ordering::Equal => Ok(()),
    }
}

fn open<'m>(medium: &'m dyn Medium, file: &str) -> Result<Box<dyn Read + 'm>, BundleError> {
    medium.open(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => BundleError::Missing { file: file.to_owned() },
        _ => BundleError::Unreadable { file: file.to_owned(), at: 0, source },
    })
}
