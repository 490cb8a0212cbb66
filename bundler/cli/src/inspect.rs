//! `inspect`: what a bundle says of itself. Proves nothing, and says so.

use bundler_format::Release;
use bundler_format::volumes::read_unverified;

use crate::args::InspectArgs;
use crate::error::Failure;
use crate::folder::Folder;
use crate::say;

pub(crate) fn run(args: &InspectArgs) -> Result<(), Failure> {
    let bundle = Folder::new(&args.which.bundle);
    let version = bundle.choose(args.which.version)?;
    let unverified = read_unverified(&bundle, &version)?;
    let signers: Vec<(String, Option<String>)> = unverified
        .claimed_signers()
        .into_iter()
        .map(|(file, signer)| (file, signer.map(|id| id.to_string())))
        .collect();
    let release = unverified.danger_look_without_proof()?;
    let text = if args.json { json(&release, &signers) } else { text(&release, &signers) };
    say::line("nothing here is proven; use `strongroom-bundler verify`");
    say::data(&text).map_err(Failure::Stdout)
}

fn json(release: &Release, signers: &[(String, Option<String>)]) -> String {
    let signatures: Vec<_> =
        signers.iter().map(|(file, claimed)| serde_json::json!({ "file": file, "claimed_signer": claimed })).collect();
    serde_json::json!({ "verified": false, "release": release, "signatures": signatures }).to_string()
}

fn text(release: &Release, signers: &[(String, Option<String>)]) -> String {
    let mut out = format!(
        "release   {} (channel {}, sequence {}, epoch {}, {})\ncreated   {}\ndata      reads from {}, writes {}\n",
        release.version,
        release.channel,
        release.sequence,
        release.epoch,
        release.platform,
        release.created,
        release.data_schema.reads_from,
        release.data_schema.writes,
    );
    out.push_str("\ncomponents\n");
    for component in &release.components {
        let size: u64 = component.files.iter().filter_map(|file| release.blob(&file.blob)).map(|blob| blob.size).sum();
        let files = component.files.len();
        out.push_str(&format!(
            "  {:<24} {:<24} {:>10}  {files} files  {}\n",
            component.name,
            component.version,
            say::bytes(size),
            component.licence
        ));
    }
    out.push_str(&format!(
        "\nvolumes   {} on the medium, {} unpacked\n",
        say::bytes(release.volume_bytes()),
        say::bytes(release.blob_bytes())
    ));
    for volume in &release.volumes {
        out.push_str(&format!(
            "  {} {:>10}  {} entries  {}\n",
            volume.name,
            say::bytes(volume.size),
            volume.entries.len(),
            volume.digest
        ));
    }
    out.push_str("\nsignatures (claims)\n");
    for (file, signer) in signers {
        out.push_str(&format!("  {file}  {}\n", signer.as_deref().unwrap_or("not a signature file of this format")));
    }
    if signers.is_empty() {
        out.push_str("  none\n");
    }
    out.trim_end().to_owned()
}
