//! Executables: is it one, and which shared libraries does it need?
//!
//! Invariant: a library that the host does not find is an error now, not at the customer's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::folder;
use crate::stage::report;

/// Refuses what is not an ELF executable for x86-64.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    use std::io::Read as _;
    let mut head = [0u8; 20];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).map_err(Failure::io("read", path))?;
    match head {
        [0x7f, b'E', b'L', b'F', 2, 1, _, _, _, _, _, _, _, _, _, _, _, _, 0x3e, 0] => Ok(()),
        _ => Err(Failure::stage(path, "it is not an executable for linux-x86_64")),
    }
}

/// The shared libraries that a program needs, the loader included: name as asked for → file on this host.
pub(crate) fn libraries(program: &Path) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let (good, stdout, stderr) = report("ldd", &[program.as_os_str()])?;
    match parse_ldd(&stdout) {
        Ok(found) if good || !found.is_empty() => Ok(found),
        // A static program is not an error of ours, but `ldd` calls it one.
        Ok(_) if (stdout + &stderr).contains("not a dynamic executable") => Ok(BTreeMap::new()),
        Ok(_) => Err(Failure::Program { program: "ldd".to_owned(), problem: stderr.trim().to_owned() }),
        Err(lost) => Err(Failure::stage(program, format!("this host has no `{lost}`, which it needs"))),
    }
}

/// Reads what `ldd` prints; the error is the name of a library that was not found.
fn parse_ldd(text: &str) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        // The load address comes last and is of no interest: ` (0x00007f…)`.
        let line = line.trim().rsplit_once(" (0x").map_or(line.trim(), |(before, _)| before);
        let (name, path) = match line.split_once(" => ") {
            Some((name, path)) => (name.trim(), path.trim()),
            None => (line, line),
        };
        if path == "not found" {
            return Err(name.to_owned());
        }
        if !path.starts_with('/') {
            continue; // the kernel's own page (`linux-vdso.so.1`), or `statically linked`
        }
        // The loader's name is its path: `/lib64/ld-linux-x86-64.so.2`.
        let name = name.rsplit('/').next().unwrap_or(name);
        if !name.is_empty() {
            found.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok(found)
}

/// Starts the staged program with the staged loader and libraries alone: proves that nothing was forgotten and that no
/// library of this host is used.
pub(crate) fn check_closure(loader: &Path, libraries: &Path, program: &Path) -> Result<(), Failure> {
    let top = folder_of(libraries)?;
    let args = ["--library-path".as_ref(), libraries.as_os_str(), "--list".as_ref(), program.as_os_str()];
    let loader_text = loader.display().to_string();
    let (good, stdout, stderr) = report(&loader_text, &args)?;
    let found = parse_ldd(&stdout)
        .map_err(|lost| Failure::stage(program, format!("`{lost}` is not among the staged libraries")))?;
    if !good {
        return Err(Failure::Program { program: loader_text, problem: stderr.trim().to_owned() });
    }
    for (name, path) in found {
        if !path.canonicalize().is_ok_and(|path| path.starts_with(&top)) {
            return Err(Failure::stage(program, format!("it would use `{name}` of this host, `{}`", path.display())));
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(Failure::io("found", path))
}

/// A library's text for tests and for people: its file name.
pub(crate) fn read_loader(libraries: &BTreeMap<String, PathBuf>) -> Option<&str> {
    libraries.keys().find(|name| name.starts_with("ld-linux")).map(String::as_str)
}

/// The bytes of a text file, when it is there and small.
pub(crate) fn small_text(path: &Path) -> Option<String> {
    let bytes = folder::read_file(path, 4 << 20).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ldd_prints_is_read_line_by_line() {
        let text = "\tlinux-vdso.so.1 (0x00007ff696310000)\n\tlibx.so.59 => /lib/x86_64-linux-gnu/libx.so.59 (0x00007ff69627e000)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007ff6)\n\tlibpulsecommon-16.1.so => /usr/lib/pulse/libpulsecommon-16.1.so (0x1)\n";
        let found = parse_ldd(text).unwrap();
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["ld-linux-x86-64.so.2", "libpulsecommon-16.1.so", "libx.so.59"]);
        assert_eq!(found["libx.so.59"], Path::new("/lib/x86_64-linux-gnu/libx.so.59"));
        assert_eq!(read_loader(&found), Some("ld-linux-x86-64.so.2"));
    }

    #[test]
    fn a_library_that_is_not_found_is_named() {
        assert_eq!(parse_ldd("\tliblost.so.1 => not found\n"), Err("liblost.so.1".to_owned()));
        assert!(parse_ldd("\tstatically linked\n").unwrap().is_empty());
        assert!(parse_ldd("").unwrap().is_empty());
    }
}
