//! Compares a master with the checksum beside it: `film.mov.md5` or `film.mov.sha256`, or `film.md5`.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use md5::Md5;
use sha2::{
    Digest, Sha256,
    digest::{OutputSizeUser, Update, array::ArraySize},
};

use crate::hex;

/// What the file beside a master says about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Checksum {
    /// There is none.
    None,
    /// The master is what was sent.
    Same,
    /// The master is something else; or the file cannot be understood.
    Different(String),
}

/// Compares a master with the checksum beside it, for which the whole master is read.
///
/// # Errors
/// If a file cannot be read.
pub fn compare(master: &Path) -> io::Result<Checksum> {
    for (kind, digits) in [("md5", 32), ("sha256", 64)] {
        let mut whole = master.as_os_str().to_owned();
        whole.push(format!(".{kind}"));
        for beside in [PathBuf::from(whole), master.with_extension(kind)] {
            let text = match fs::read_to_string(&beside) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                text => text?,
            };
            let Some(wanted) = stated(&text, digits, master) else {
                return Ok(Checksum::Different(format!("{} states no checksum of {digits} digits", beside.display())));
            };
            let found = if kind == "md5" { digest::<Md5>(master)? } else { digest::<Sha256>(master)? };
            return Ok(if found == wanted {
                Checksum::Same
            } else {
                Checksum::Different(format!("{} states {wanted}, and the file has {found}", beside.display()))
            });
        }
    }
    Ok(Checksum::None)
}

/// The checksum in a file with lines of `DIGITS  NAME`, for the name of the master. One that stands alone needs no name.
fn stated(text: &str, digits: usize, master: &Path) -> Option<String> {
    let name = master.file_name()?.to_str()?;
    let is_sum = |word: &&str| word.len() == digits && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let line = match lines.as_slice() {
        [only] => only,
        _ => lines.iter().find(|line| line.contains(name))?,
    };
    line.split_whitespace().find(is_sum).map(str::to_ascii_lowercase)
}

fn digest<D: Digest + Update + OutputSizeUser<OutputSize: ArraySize>>(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut piece) = (File::open(path)?, D::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            count => Digest::update(&mut hasher, &piece[..count]),
        }
    }
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_beside_a_master_is_compared() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a file");
            path
        };
        let master = file("film.mov", "abc");
        assert_eq!(compare(&master).expect("files"), Checksum::None);
        // RFC 1321, and FIPS 180-2.
        for (name, text, is_same) in [
            ("film.mov.md5", "900150983CD24FB0D6963F7D28E17F72  film.mov\n", true),
            (
                "film.md5",
                "0\nd41d8cd98f00b204e9800998ecf8427e *other.mov\n900150983cd24fb0d6963f7d28e17f72 *film.mov",
                true,
            ),
            ("film.mov.md5", "d41d8cd98f00b204e9800998ecf8427e", false),
            ("film.mov.md5", "none", false),
            ("film.mov.sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", true),
            ("film.sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae film.mov", false),
        ] {
            let beside = file(name, text);
            let found = compare(&master).expect("files");
            assert_eq!(found == Checksum::Same, is_same, "{name}: {found:?}");
            fs::remove_file(beside).expect("the file");
        }
    }
}
