//! How much memory a job may use.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::byte_size::ByteSize;

/// The most memory that a job may use: `auto`, or a number of bytes such as `4 GiB`.
///
/// ```
/// use trix_model::settings::{byte_size::ByteSize, memory_limit::MemoryLimit};
/// assert_eq!("auto".parse(), Ok(MemoryLimit::Auto));
/// assert_eq!("4 GiB".parse(), Ok(MemoryLimit::Bytes(ByteSize(4 << 30))));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Chunks take up to four fifths of the memory that is free when the job begins. A job that may need more memory than the
    /// machine has keeps fewer frames, and runs.
    #[default]
    Auto,
    /// This many bytes.
    Bytes(ByteSize),
}

impl MemoryLimit {
    /// The number of bytes, if there is one.
    pub fn bytes(self) -> Option<ByteSize> {
        match self {
            MemoryLimit::Auto => None,
            MemoryLimit::Bytes(bytes) => Some(bytes),
        }
    }

    /// True for the default.
    pub(crate) fn is_auto(&self) -> bool {
        *self == MemoryLimit::Auto
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(MemoryLimit::Auto),
            bytes => bytes.parse().map(MemoryLimit::Bytes).map_err(|_| {
                format!("'{bytes}' is neither `auto` nor a number of bytes such as 4 GiB, 1500 MB or 1073741824")
            }),
        }
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryLimit::Auto => f.write_str("auto"),
            MemoryLimit::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

impl Serialize for MemoryLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemoryLimit {
    /// Reads a number of bytes, or text as for [`FromStr`]. Nothing is `auto`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
            Nothing(()),
        }
        let expected = || serde::de::Error::custom("a number of bytes, text such as 4 GiB, or auto");
        match Written::deserialize(deserializer).map_err(|_| expected())? {
            Written::Number(bytes) => Ok(MemoryLimit::Bytes(ByteSize(bytes))),
            Written::Nothing(()) => Ok(MemoryLimit::Auto),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl schemars::JsonSchema for MemoryLimit {
    fn schema_name() -> Cow<'static, str> {
        "MemoryLimit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "integer"],
            "minimum": 0,
            "pattern": "^(auto|[0-9]+([.][0-9]{1,9})? ?([KkMmGgTt]?i?[Bb])?)$",
            "description": "auto, or a number of bytes: 4 GiB, 1500 MB or 1073741824"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_written_as_numbers_and_words() {
        for limit in [MemoryLimit::Auto, MemoryLimit::Bytes(ByteSize(0)), MemoryLimit::Bytes(ByteSize(300 << 20))] {
            let json = serde_json::to_string(&limit).unwrap();
            assert_eq!(serde_json::from_str::<MemoryLimit>(&json).unwrap(), limit);
        }
        assert_eq!(serde_json::from_str::<MemoryLimit>("1024").unwrap(), MemoryLimit::Bytes(ByteSize(1024)));
        assert_eq!(serde_json::from_str::<MemoryLimit>("null").unwrap(), MemoryLimit::Auto);
        for wrong in ["-5", "true", "\"much\""] {
            let said = serde_json::from_str::<MemoryLimit>(wrong).unwrap_err().to_string();
            assert!(said.contains("number of bytes") && said.contains("auto"), "{said}");
        }
    }
}
