//! A source whose reading is cancelled in the middle of a read.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use trix_av::io::IoState;
use trix_fixtures::Clip;
use trix_model::{
    damage::{DamageLog, OnDamage},
    error::ErrorKind,
};

use super::Demuxer;
use crate::{
    Limits,
    source::{Source, Stamp, Storage},
};

/// A file that cancels the reading of its demuxer when a byte is read.
struct Cancels {
    file: File,
    demuxer: Arc<OnceLock<Arc<IoState>>>,
    /// Bytes of the file that were read.
    read: Arc<AtomicU64>,
}

impl Storage for Cancels {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some(state) = self.demuxer.get() {
            state.cancelled.store(true, Ordering::Relaxed);
            return Err(io::Error::other("the reading was cancelled"));
        }
        let count = self.file.read_at(buffer, offset)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp { bytes: self.file.metadata()?.len(), modified: (1, 0), file: (0, 0) })
    }
}

/// Reads packets, cancels the next read of the file, and returns the error that follows.
fn cancelled(file: &Path, packets: usize) -> Option<ErrorKind> {
    let (demuxer, read) = (Arc::new(OnceLock::new()), Arc::new(AtomicU64::new(0)));
    let storage =
        Cancels { file: File::open(file).expect("a fixture"), demuxer: Arc::clone(&demuxer), read: Arc::clone(&read) };
    let size = storage.file.metadata().expect("its size").len();
    let source = Source::from_storage(Box::new(storage), file, Limits::default()).expect("a source");
    let mut reading = Demuxer::new(source, Arc::new(DamageLog::new(OnDamage::Fail)));
    for _ in 0..packets {
        reading.next_packet().expect("no error").expect("a packet");
    }
    let is_all_read = read.load(Ordering::Relaxed) >= size;
    assert!(demuxer.set(Arc::clone(reading.io_state())).is_ok(), "set once");
    loop {
        match reading.next_packet() {
            Ok(Some(_)) => {}
            Ok(None) => {
                assert!(is_all_read, "the rest of {} was not read", file.display());
                return None;
            }
            Err(error) => return Some(error.kind()),
        }
    }
}

#[test]
fn a_read_that_is_cancelled_is_neither_damage_nor_the_end() {
    let clip = Clip { width: 1280, height: 720, frames: 100, ..Clip::default() };
    let mut found = 0;
    for (options, extension) in [
        ("-c:v libx264 -preset ultrafast -qp 1", "mkv"),
        ("-c:v libx264 -preset ultrafast -qp 1", "ts"),
        ("-c:v libx264 -preset ultrafast -qp 1", "mp4"),
        ("-c:v libx264 -preset ultrafast -qp 1", "flv"),
        ("-c:v mpeg2video -q:v 1", "mxf"),
        ("-c:v mpeg2video -q:v 1", "avi"),
    ] {
        let file = clip.encoded(options, extension);
        for packets in [0, 3, 20, 60] {
            let kind = cancelled(&file, packets);
            assert!(matches!(kind, None | Some(ErrorKind::Cancelled)), "{extension} after {packets}: {kind:?}");
            found += usize::from(kind.is_some());
        }
    }
    assert!(found > 6, "{found} reads were cancelled");
}
