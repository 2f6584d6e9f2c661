//! The key under which the process keeps what it found out about a source.

use std::path::PathBuf;

use crate::{
    plan::Identity,
    settings::source::{Limits, RawGeometry},
    source::{opened::Source, origin::Origin},
};

/// Identifies a file and the way in which it is read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SourceKey {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
    identity: Identity,
    /// True if recordings with clocks of their own are joined.
    clock: bool,
    /// The frame format of a file that is read as frames without a header.
    raw: Option<RawGeometry>,
    /// These two decide how far the file is read to find streams that continue others.
    limits: Limits,
    reads_on: bool,
}

impl Source {
    /// The key of the source; `None` if it is not a file on disk.
    pub(crate) fn key(&self) -> Option<SourceKey> {
        let Origin::File { path, store, .. } = &self.origin else { return None };
        let file = store.stamp().file;
        let identity = self.identity().ok().filter(|_| file != (0, 0))?;
        Some(SourceKey {
            path: path.clone(),
            file,
            identity,
            clock: self.clock.is_some(),
            raw: self.reading.raw.clone(),
            limits: self.reading.limits,
            reads_on: self.reading.reads_on,
        })
    }
}

#[cfg(test)]
mod tests {
    use trix_fixtures::Clip;

    use super::*;
    use crate::settings::source::Reading;

    #[test]
    fn a_file_that_is_read_in_another_way_has_another_key() {
        let file = Clip::default().encoded("-c:v ffv1", "mkv");
        let key = |reading: &Reading| Source::open_as(&file, reading).expect("a source").key().expect("a file on disk");
        let plain = Reading::default();
        let fewer = Limits { probe_bytes: plain.limits.probe_bytes / 2, ..plain.limits };
        let raw = "176x144:yuv420p:25".parse().expect("a geometry");
        assert!(key(&plain) == key(&plain));
        for other in [
            Reading { raw: Some(raw), ..Reading::default() },
            Reading { limits: fewer, ..Reading::default() },
            Reading { reads_on: true, ..Reading::default() },
        ] {
            assert!(key(&other) != key(&plain), "{other:?}");
        }
    }
}
