//! `cut`: a staged folder becomes a release: volumes, manifest, SBOMs, notes, and what a person needs to check it.
//!
//! Invariants: equal inputs give equal bytes, whatever the number of threads, the machine or the order of its file
//! system; the folder of the version appears whole, by one rename, or not at all. Deliberately not here: keys.

mod compress;
mod documents;
mod staged;

use std::path::{Path, PathBuf};

use bundler_format::volumes::{VolumeFacts, versions};
use bundler_format::{
    Blob, Component, Created, DataSchema, Digest, Document, File, INSTALLER_EXTRA, Name, RELEASE_SCHEMA, RelPath,
    Release, Volume, VolumeName, limits, plan_volumes,
};

use crate::args::CutArgs;
use crate::error::Failure;
use crate::folder::{self, Folder};
use crate::keys;
use crate::say::{self, Bar};
use staged::Staged;

/// Runs the command.
pub(crate) fn run(args: &CutArgs) -> Result<(), Failure> {
    let bundle = Folder::new(&args.out);
    folder::make_folder(&args.out)?;
    if let Some(newest) = versions(&bundle)?.pop()
        && newest > args.version
    {
        return Err(Failure::NewerRelease { newest: newest.to_string(), version: args.version.to_string() });
    }
    let final_place = args.out.join(args.version.to_string());
    if final_place.exists() {
        return Err(Failure::Exists { path: final_place });
    }
    let created = created(args)?;
    let root = keys::read_root(&args.root)?;
    if *root.channel() != args.channel {
        return Err(Failure::stage(
            &args.root,
            format!("it is for channel `{}`, the release for `{}`", root.channel(), args.channel),
        ));
    }

    let staged = Staged::read(&args.stage)?;
    let blobs: Vec<Blob> = staged.blobs.iter().map(|(blob, _)| blob.clone()).collect();
    let beside = args.out.join(format!("{}.partial", args.version));
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(Failure::io("removed", &beside))?;
    }
    folder::make_folder(&beside)?;

    let mut release = Release {
        schema: RELEASE_SCHEMA.to_owned(),
        product: Name::parse("strongroom")?,
        version: args.version,
        channel: args.channel.clone(),
        sequence: args.sequence,
        epoch: args.epoch,
        created,
        platform: args.platform.clone(),
        data_schema: DataSchema { reads_from: args.reads_from, writes: args.writes },
        components: staged.components.iter().map(component).collect(),
        volumes: planned(&blobs, args.volume_size)?,
        blobs,
        sboms: Vec::new(),
        notes: Document::of(RelPath::parse("notes.md")?, b""),
        extras: Vec::new(),
    };

    for (path, bytes) in documents::sboms(&release, &staged)? {
        folder::write_new(&beside.join(path.as_str()), &bytes, 0o644)?;
        release.sboms.push(Document::of(path, &bytes));
    }
    let notes = match &args.notes {
        Some(file) => folder::read_file(file, limits::DOCUMENT_MAX)?,
        None => documents::notes(&release).into_bytes(),
    };
    folder::write_new(&beside.join("notes.md"), &notes, 0o644)?;
    release.notes = Document::of(RelPath::parse("notes.md")?, &notes);
    let extras = documents::extras(&release, &root)?;
    release.extras = extras.iter().map(|(path, bytes)| Document::of(path.clone(), bytes)).collect();
    release.extras.extend(documents::installer(&release)?);

    volumes(args, &mut release, &staged, &beside)?;
    let release_json = release.to_bytes()?;
    folder::write_new(&beside.join("release.json"), &release_json, 0o644)?;
    folder::write_new(&beside.join("SHA256SUMS"), release.sha256sums(&release_json).as_bytes(), 0o644)?;

    std::fs::rename(&beside, &final_place).map_err(Failure::io("put in place", &final_place))?;
    place_extras(&args.out, &release, &staged, &extras)?;
    say::line(&format!(
        "cut {}: {} files, {} in {} volumes of {} together",
        release.version,
        release.files().count(),
        say::bytes(release.blob_bytes()),
        release.volumes.len(),
        say::bytes(release.volume_bytes()),
    ));
    say::data(&Digest::of(&release_json).to_string()).map_err(Failure::Stdout)
}

/// Puts the files at the top of the medium in place. Last: until here those of an earlier release are untouched.
fn place_extras(top: &Path, release: &Release, staged: &Staged, written: &[(RelPath, Vec<u8>)]) -> Result<(), Failure> {
    for (path, bytes) in written {
        folder::replace(&top.join(path.as_str()), bytes)?;
    }
    // The installer: the one extra that is a file of a component.
    for extra in &release.extras {
        if let Some(source) = staged.sources().get(&extra.digest).filter(|_| extra.path.as_str() == INSTALLER_EXTRA) {
            let bytes = folder::read_file(source, limits::INSTALLER_MAX)?;
            if Digest::of(&bytes) != extra.digest {
                return Err(Failure::Changed { path: source.to_path_buf() });
            }
            folder::replace(&top.join(extra.path.as_str()), &bytes)?;
        }
    }
    Ok(())
}

/// The instant of the release: named, else from `SOURCE_DATE_EPOCH`, else now.
fn created(args: &CutArgs) -> Result<Created, Failure> {
    if let Some(created) = args.epoch_time {
        return Ok(created);
    }
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().ok(),
        Err(_) => u64::try_from(jiff::Timestamp::now().as_second()).ok(),
    };
    seconds
        .and_then(Created::from_unix)
        .ok_or_else(|| Failure::stage(&args.stage, "`SOURCE_DATE_EPOCH` is not an instant"))
}

fn component(staged: &staged::StagedComponent) -> Component {
    Component {
        name: staged.list.name.clone(),
        version: staged.list.version.clone(),
        licence: staged.list.licence.clone(),
        files: staged
            .files
            .iter()
            .map(|file| File { path: file.path.clone(), mode: file.mode, blob: file.blob })
            .collect(),
    }
}

/// The volumes with their entries; sizes and digests come when they are written.
fn planned(blobs: &[Blob], volume_size: u64) -> Result<Vec<Volume>, Failure> {
    let plan = plan_volumes(blobs, volume_size);
    let count = plan.len();
    let volume = |(index, entries)| {
        let name = VolumeName::at(index).ok_or_else(|| Failure::Stage {
            path: PathBuf::from("--volume-size"),
            problem: format!("{count} volumes are too many; choose a larger size"),
        })?;
        Ok(Volume { name, size: 0, digest: Digest::of(b""), entries })
    };
    plan.into_iter().enumerate().map(volume).collect()
}

fn volumes(args: &CutArgs, release: &mut Release, staged: &Staged, beside: &Path) -> Result<(), Failure> {
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let mut bar = Bar::new("cut", release.blob_bytes());
    let mut done = 0;
    let mut facts: Vec<VolumeFacts> = Vec::new();
    for volume in &release.volumes {
        let path = beside.join(volume.name.as_str());
        let job = compress::Job {
            release,
            volume,
            sources: &staged.sources(),
            level: args.level,
            threads: threads.clamp(1, 64),
        };
        let mut report = |bytes: u64| {
            done += bytes;
            bar.at(done, volume.name.as_str());
        };
        facts.push(job.write(&path, &mut report)?);
    }
    bar.finish();
    for (volume, fact) in release.volumes.iter_mut().zip(facts) {
        volume.size = fact.size;
        volume.digest = fact.digest;
    }
    Ok(())
}
