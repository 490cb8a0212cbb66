//! Which Debian packages the files of this host come from, and their copyright files. On another system: nothing, said.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sbom::DebianPackage;

use crate::error::Failure;
use crate::stage::elf::small_text;
use crate::stage::report;

/// The packages that own these files, with the files that no package owns.
pub(crate) fn owners(files: &[PathBuf]) -> (Vec<DebianPackage>, Vec<PathBuf>) {
    // A file is recorded under the name it was packed with: before or after `/lib` became a link to `/usr/lib`.
    let mut spellings: BTreeMap<String, &PathBuf> = BTreeMap::new();
    for file in files {
        let real = file.canonicalize().unwrap_or_else(|_| file.clone());
        for path in [file.as_path(), real.as_path()] {
            let text = path.display().to_string();
            spellings.insert(text.strip_prefix("/usr").unwrap_or(&text).to_owned(), file);
            spellings.insert(format!("/usr{}", text.strip_prefix("/usr").unwrap_or(&text)), file);
        }
    }
    let mut args: Vec<&OsStr> = vec!["-S".as_ref()];
    args.extend(spellings.keys().map(|path| OsStr::new(path.as_str())));
    // A status other than 0 only says that some spelling is unknown.
    let Ok((_, stdout, _)) = report("dpkg", &args) else { return (Vec::new(), files.to_vec()) };
    let (names, owned) = parse_owners(&stdout, &spellings);
    let orphans = files.iter().filter(|file| !owned.contains(*file)).cloned().collect();
    (describe(&names).unwrap_or_default(), orphans)
}

/// Lines `package:arch: /path` or `a:arch, b:arch: /path`.
fn parse_owners<'a>(
    stdout: &str,
    spellings: &BTreeMap<String, &'a PathBuf>,
) -> (BTreeSet<String>, BTreeSet<&'a PathBuf>) {
    let (mut names, mut owned) = (BTreeSet::new(), BTreeSet::new());
    for line in stdout.lines() {
        let Some((packages, path)) = line.rsplit_once(": ") else { continue };
        let Some(file) = spellings.get(path) else { continue };
        if packages.starts_with("diversion by ") {
            continue;
        }
        if let Some(first) = packages.split(", ").next() {
            names.insert(first.to_owned());
            owned.insert(*file);
        }
    }
    (names, owned)
}

fn describe(names: &BTreeSet<String>) -> Result<Vec<DebianPackage>, Failure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let format = "${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\n";
    let mut args: Vec<&OsStr> = vec!["-W".as_ref(), "-f".as_ref(), format.as_ref()];
    args.extend(names.iter().map(OsStr::new));
    let (_, stdout, _) = report("dpkg-query", &args)?;
    let mut packages: Vec<DebianPackage> = stdout.lines().filter_map(parse_package).collect();
    packages.sort();
    packages.dedup();
    for package in &mut packages {
        if let Some(text) = small_text(&copyright_file(&package.name)) {
            package.licences = DebianPackage::licences_in(&text);
        }
    }
    Ok(packages)
}

fn parse_package(line: &str) -> Option<DebianPackage> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, version, architecture, source, source_version] = fields.as_slice() else { return None };
    Some(DebianPackage {
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        architecture: (*architecture).to_owned(),
        source: Some(((*source).to_owned(), (*source_version).to_owned())),
        licences: Vec::new(),
    })
}

/// Where Debian keeps the terms of a package.
pub(crate) fn copyright_file(package: &str) -> PathBuf {
    Path::new("/usr/share/doc").join(package).join("copyright")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_read_from_what_dpkg_prints() {
        let lib = PathBuf::from("/lib/x86_64-linux-gnu/libx.so.1");
        let spellings = BTreeMap::from([("/usr/lib/x86_64-linux-gnu/libx.so.1".to_owned(), &lib)]);
        let text = "libx1:amd64: /usr/lib/x86_64-linux-gnu/libx.so.1\ndiversion by a from: /b\nnonsense\n";
        let (names, owned) = parse_owners(text, &spellings);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["libx1:amd64"]);
        assert!(owned.contains(&lib));
    }

    #[test]
    fn packages_are_read_from_what_dpkg_query_prints() {
        let package = parse_package("libx1\t7:5.1-1\tamd64\tx\t7:5.1-1").unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("libx1", "7:5.1-1"));
        assert_eq!(parse_package("libx1\t1"), None);
    }
}
