//! Secrets of this host, each a file that only the appliance's user can read, made at the first start.

use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::ServerError;
use crate::system;

/// The 32 bytes in `path`, made there if it does not exist.
pub(crate) fn load_or_make(path: &Path) -> Result<[u8; 32], ServerError> {
    let file = |source| ServerError::File { path: path.to_owned(), source };
    match read(path) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = system::random();
            write_private(path, &secret).map_err(file)?;
            Ok(secret)
        }
        Err(error) => Err(file(error)),
    }
}

fn read(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut secret = [0; 32];
    let mut file = std::fs::File::open(path)?;
    file.read_exact(&mut secret)?;
    Ok(secret)
}

/// Writes a file of mode 0600 that is there whole or not at all, even after a power cut.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().make_in(folder, |temporary| {
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)
    })?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/edge");
        let first = load_or_make(&path).unwrap();
        assert_eq!(load_or_make(&path).unwrap(), first);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_secret_that_is_cut_short_is_an_error_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge");
        std::fs::write(&path, b"short").unwrap();
        assert!(load_or_make(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }
}
