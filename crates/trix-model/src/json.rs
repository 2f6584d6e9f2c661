//! What all JSON documents of Trix have in common: the version of their format, and the names of their schemas.
//!
//! Invariant: every document has the key `trix` with the version of its format, a number.

use serde::{Deserialize, Deserializer, de::Error as _};

/// The version of the formats of plan, report, progress, media info and error: the value of their key `trix`. It grows
/// when a key changes its meaning or disappears. A new key does not change it.
pub const VERSION: u32 = 1;

/// For serde: reads the key `trix`.
///
/// # Errors
/// An error of the deserializer, or a version that is not [`VERSION`].
pub fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        other => Err(D::Error::custom(format_args!(
            "the document has format version {other}; this program reads version {VERSION}"
        ))),
    }
}

/// The `$id` of the JSON Schema of the document `name`, such as `report`.
pub fn schema_id(name: &str) -> String {
    format!("urn:trix:schema:{name}:{VERSION}")
}
