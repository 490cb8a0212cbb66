//! The consistency of a manifest, rule by rule. `docs/formats/bundle-v1.md` §4.
//!
//! Invariant: all problems are found in one pass and each names its place. Deliberately not here: bytes on a medium.

use std::collections::{BTreeMap, BTreeSet};

use crate::release::{INSTALLER_EXTRA, INSTALLER_PATH, RELEASE_SCHEMA, problem};
use crate::{Digest, EntryName, Problem, Release, VolumeName, limits};

/// Paths that the layout itself uses in a slot or in the folder of a version.
const RESERVED_IN_SLOT: [&str; 1] = ["release.json"];

/// Everything that is wrong with this manifest; empty when it may be signed and read.
pub(crate) fn problems(release: &Release) -> Vec<Problem> {
    let mut found = Vec::new();
    head(release, &mut found);
    // The passes below are quadratic in nothing, but they need these bounds to be cheap on hostile input.
    let counts = [
        ("components", release.components.len(), limits::COMPONENTS_MAX),
        ("components[].files", release.files().count(), limits::FILES_MAX),
        ("blobs", release.blobs.len(), limits::FILES_MAX),
        ("volumes", release.volumes.len(), limits::VOLUMES_MAX),
        ("volumes[].entries", release.volumes.iter().map(|v| v.entries.len()).sum(), limits::ENTRIES_MAX),
        ("sboms", release.sboms.len(), limits::DOCUMENTS_MAX),
        ("extras", release.extras.len(), limits::DOCUMENTS_MAX),
    ];
    for (at, count, max) in counts {
        if count > max {
            found.push(problem(at, format!("{count} items; the limit is {max}")));
        }
    }
    if found.is_empty() {
        files(release, &mut found);
        blobs(release, &mut found);
        volumes(release, &mut found);
        documents(release, &mut found);
    }
    found
}

fn head(release: &Release, found: &mut Vec<Problem>) {
    if release.schema != RELEASE_SCHEMA {
        found.push(problem("schema", format!("it is {:?}, not `{RELEASE_SCHEMA}`", release.schema)));
    }
    if release.product.as_str() != "strongroom" {
        found.push(problem("product", format!("it is `{}`, not `strongroom`", release.product)));
    }
    if release.data_schema.reads_from > release.data_schema.writes {
        found.push(problem("data_schema", "`reads_from` is above `writes`"));
    }
    for (at, number) in [("sequence", release.sequence), ("epoch", release.epoch)] {
        if number > limits::TOTAL_MAX {
            found.push(problem(at, format!("it is above {}", limits::TOTAL_MAX)));
        }
    }
    if release.components.is_empty() {
        found.push(problem("components", "there is none"));
    }
}

fn files(release: &Release, found: &mut Vec<Problem>) {
    let blobs: BTreeSet<&Digest> = release.blobs.iter().map(|blob| &blob.digest).collect();
    let mut names = BTreeSet::new();
    let mut used = BTreeSet::new();
    // Lower-cased, so that two names that differ by case alone are one: media and hosts may fold case.
    let mut paths = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for component in &release.components {
        if !names.insert(&component.name) {
            found.push(problem(format!("components[{}]", component.name), "its name is taken"));
        }
        if component.files.is_empty() {
            found.push(problem(format!("components[{}].files", component.name), "there is none"));
        }
        for file in &component.files {
            let at = format!("components[{}].files[{}]", component.name, file.path);
            let folded = file.path.as_str().to_ascii_lowercase();
            if RESERVED_IN_SLOT.contains(&folded.as_str()) {
                found.push(problem(&at, "this path is reserved"));
            }
            let mut end = 0;
            while let Some(slash) = folded.get(end..).and_then(|rest| rest.find('/')) {
                end += slash;
                folders.insert(folded.get(..end).unwrap_or_default().to_owned());
                end += 1;
            }
            if !paths.insert(folded) {
                found.push(problem(&at, "this path is taken"));
            }
            if !blobs.contains(&file.blob) {
                found.push(problem(&at, format!("its blob `{}` is not in `blobs`", file.blob)));
            }
            used.insert(&file.blob);
        }
    }
    for path in paths.intersection(&folders) {
        found.push(problem("components[].files", format!("`{path}` is a file and a folder")));
    }
    for blob in blobs.difference(&used) {
        found.push(problem(format!("blobs[{blob}]"), "no file uses it"));
    }
}

fn blobs(release: &Release, found: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    let mut total = 0u64;
    for blob in &release.blobs {
        let at = format!("blobs[{}]", blob.digest);
        if !seen.insert(blob.digest) {
            found.push(problem(&at, "it is listed twice"));
        }
        total = total.saturating_add(blob.size);
        let expected = blob.size.div_ceil(limits::CHUNK);
        if blob.chunks.len() as u64 != expected {
            found.push(problem(
                &at,
                format!("{} chunks for {} bytes; {expected} are needed", blob.chunks.len(), blob.size),
            ));
        }
        // A blob of one chunk has one digest under two names; they must agree.
        if let [only] = blob.chunks.as_slice()
            && *only != blob.digest
        {
            found.push(problem(&at, "its only chunk has another digest than the blob"));
        }
        if blob.size == 0 && blob.digest != Digest::of(b"") {
            found.push(problem(&at, "it is empty, but its digest is not that of nothing"));
        }
    }
    if total > limits::TOTAL_MAX {
        found.push(problem("blobs", format!("{total} bytes together; the limit is {}", limits::TOTAL_MAX)));
    }
}

fn volumes(release: &Release, found: &mut Vec<Problem>) {
    let sizes: BTreeMap<Digest, u64> = release.blobs.iter().map(|blob| (blob.digest, blob.size)).collect();
    // Entries walk through `blobs` in order: `expected` is the blob and offset that the next entry must start at.
    let mut blobs = release.blobs.iter().map(|blob| blob.digest);
    let mut expected = blobs.next().map(|digest| (digest, 0u64, 0u32));
    for (index, volume) in release.volumes.iter().enumerate() {
        let at = format!("volumes[{}]", volume.name);
        if VolumeName::at(index).as_ref() != Some(&volume.name) {
            found.push(problem(&at, format!("it is at place {index}")));
        }
        if volume.size > limits::VOLUME_MAX {
            found.push(problem(&at, format!("{} bytes; the limit is {}", volume.size, limits::VOLUME_MAX)));
        }
        if volume.entries.is_empty() {
            found.push(problem(&at, "it has no entry"));
        }
        for entry in &volume.entries {
            let at = format!("{at}.entries[{}]", entry.name);
            let Some((blob, offset, segment)) = expected else {
                found.push(problem(&at, "every blob is complete before it"));
                return;
            };
            let size = sizes.get(&blob).copied().unwrap_or_default();
            let end = entry.offset.saturating_add(entry.length);
            if entry.blob != blob || entry.offset != offset || entry.name != EntryName::of(&blob, segment) {
                found.push(problem(
                    &at,
                    format!("the entry here must be segment {segment} of `{blob}` from byte {offset}"),
                ));
                return;
            }
            let whole_chunks = entry.length % limits::CHUNK == 0 && entry.length > 0;
            if end > size
                || (end < size && !whole_chunks)
                || (entry.length == 0 && size > 0)
                || entry.length > limits::ENTRY_MAX
            {
                found.push(problem(
                    &at,
                    format!("a length of {} from byte {offset} does not fit a blob of {size} bytes", entry.length),
                ));
                return;
            }
            expected = if end == size {
                blobs.next().map(|next| (next, 0, 0))
            } else {
                Some((blob, end, segment.saturating_add(1)))
            };
        }
    }
    if let Some((blob, offset, _)) = expected {
        found.push(problem("volumes", format!("no entry holds `{blob}` from byte {offset}")));
    }
}

fn documents(release: &Release, found: &mut Vec<Problem>) {
    let lists = [
        ("sboms", release.sboms.as_slice()),
        ("notes", std::slice::from_ref(&release.notes)),
        ("extras", release.extras.as_slice()),
    ];
    let mut beside = BTreeSet::new();
    let mut above = BTreeSet::new();
    for (list, documents) in lists {
        for document in documents {
            let path = document.path.as_str();
            let at = format!("{list}[{path}]");
            let max = if path == INSTALLER_EXTRA { limits::INSTALLER_MAX } else { limits::DOCUMENT_MAX };
            if document.size > max {
                found.push(problem(&at, format!("{} bytes; the limit is {max}", document.size)));
            }
            let installer =
                release.files().find(|(_, file)| file.path.as_str() == INSTALLER_PATH).map(|(_, file)| file.blob);
            if path == INSTALLER_EXTRA && installer != Some(document.digest) {
                found.push(problem(&at, format!("it is not the file `{INSTALLER_PATH}` of a component")));
            }
            let (taken, fits) = match list {
                "sboms" => (
                    !beside.insert(path),
                    path.starts_with("sbom/") && path.ends_with(".cdx.json") && path.matches('/').count() == 1,
                ),
                "notes" => (!beside.insert(path), path == "notes.md"),
                _ => (
                    !above.insert(path),
                    matches!(path, "start-here.txt" | INSTALLER_EXTRA) || path.starts_with("trust/"),
                ),
            };
            if taken {
                found.push(problem(&at, "this path is taken"));
            }
            if !fits {
                found.push(problem(&at, "a file of this kind does not belong at this path"));
            }
        }
    }
}
