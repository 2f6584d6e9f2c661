//! File names as text, for documents and reports: these are UTF-8, while file names are bytes.
//!
//! Invariant: every name becomes text and comes back as the same bytes. A name in UTF-8 stays as it is. A byte outside
//! of any character becomes the character U+10FF00 plus that byte, at the end of the private-use area.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serializer};

/// The character that represents byte 0.
const BASE: u32 = 0x10_ff00;

/// The byte that `character` represents.
fn byte_of(character: char) -> Option<u8> {
    let byte = u8::try_from(u32::from(character).checked_sub(BASE)?).ok()?;
    (byte >= 0x80).then_some(byte)
}

/// Converts a file name to text.
pub fn to_text(name: impl AsRef<OsStr>) -> String {
    let mut text = String::new();
    for chunk in name.as_ref().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match byte_of(character) {
                None => text.push(character),
                // If the name itself contains such a character, encode its bytes one by one.
                Some(_) => character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| text.push(of_byte(byte))),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push(of_byte(*byte)));
    }
    text
}

fn of_byte(byte: u8) -> char {
    char::from_u32(BASE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Converts `text` back to the file name.
pub fn from_text(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    OsString::from_vec(bytes).into()
}

/// For serde: one path.
pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_text(path))
}

/// For serde: one path.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Ok(from_text(&Cow::<'de, str>::deserialize(deserializer)?))
}

/// For serde: a path that may be absent.
pub mod optional {
    use super::*;

    /// Writes the name, or null.
    ///
    /// # Errors
    /// An error of the serializer.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        match path {
            Some(path) => serializer.serialize_some(&to_text(path)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a name, or null.
    ///
    /// # Errors
    /// An error of the deserializer, or a value that is not a string.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(|text| from_text(&text)))
    }
}

/// For serde: a list of paths.
pub mod list {
    use super::*;

    /// Writes the names in order.
    ///
    /// # Errors
    /// An error of the serializer.
    pub fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(to_text))
    }

    /// Reads the names in order.
    ///
    /// # Errors
    /// An error of the deserializer, or an item that is not a string.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
        Ok(Vec::<String>::deserialize(deserializer)?.iter().map(|text| from_text(text)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[test]
    fn a_name_that_is_text_stays_as_it_is() {
        assert_eq!(to_text("a b/ü%d.mov"), "a b/ü%d.mov");
        assert_eq!(to_text(OsStr::from_bytes(b"caf\xe9.mov")), "caf\u{10ffe9}.mov");
        assert_eq!(from_text("caf\u{10ffe9}.mov").as_os_str().as_bytes(), b"caf\xe9.mov");
    }

    proptest! {
        #[test]
        fn every_name_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..40), odd in any::<bool>()) {
            let mut bytes = bytes;
            if odd {
                bytes.extend("\u{10ffe9}".as_bytes());
            }
            let name = OsStr::from_bytes(&bytes);
            let back = from_text(&to_text(name));
            prop_assert_eq!(back.as_os_str(), name);
        }
    }
}
