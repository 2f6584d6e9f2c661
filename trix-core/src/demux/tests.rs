//! Sources whose reading is cancelled in the middle of a read, or fails between two recordings.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use trix_av::io::IoState;
use trix_fixtures::Clip;
use trix_model::{
    control::cancel::Cancel,
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

#[test]
fn what_cancels_a_source_cancels_every_reader_of_it() {
    let file = Clip::default().encoded("-c:v libx264 -preset ultrafast", "mkv");
    for by_caller in [false, true] {
        let cancel = Cancel::default();
        let source = Source::open_until(&file, &Limits::default().into(), &cancel).expect("a source");
        let beside = source.companion(&file).expect("another file of the job");
        let readers = [source.reopen().expect("a reader"), beside.reopen().expect("a reader")];
        assert!(!source.is_cancelled() && readers.iter().all(|reader| !reader.is_cancelled()));
        match by_caller {
            true => cancel.cancel(),
            false => source.input.io_state().cancelled.store(true, Ordering::Relaxed),
        }
        assert!(source.is_cancelled());
        for reader in readers {
            let mut demuxer = Demuxer::new(reader, Arc::new(DamageLog::new(OnDamage::Fail)));
            assert_eq!(demuxer.next_packet().err().map(|error| error.kind()), Some(ErrorKind::Cancelled));
        }
        for again in [source.reopen(), beside.reopen()] {
            assert_eq!(again.err().map(|error| error.kind()), Some(ErrorKind::Cancelled));
        }
    }
}

#[test]
fn a_companion_follows_the_job_that_takes_its_source_over() {
    let file = Clip::default().encoded("-c:v libx264 -preset ultrafast", "mkv");
    let mut source = Source::open(&file).expect("a source");
    source.companion(&file).expect("another file of the job");
    let cancel = Cancel::default();
    source.cancel = cancel.clone();
    let reader = source.companion(&file).and_then(|beside| beside.reopen()).expect("a reader");
    assert!(!reader.is_cancelled());
    cancel.cancel();
    assert!(reader.is_cancelled());
}

/// Bytes that become unreadable from the second mebibyte on.
struct Breaks {
    bytes: Vec<u8>,
    is_broken: Arc<AtomicBool>,
}

/// The error number of a failed read.
const EIO: i32 = 5;

impl Storage for Breaks {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.is_broken.load(Ordering::Relaxed) && offset >= 1 << 20 {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let rest = self.bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp { bytes: self.bytes.len() as u64, modified: (1, 0), file: (0, 0) })
    }
}

#[test]
fn a_disk_error_in_the_search_for_a_second_recording_is_no_damage() {
    let mut bytes = fs::read(Clip::default().encoded("-c:v wmv2 -q:v 3", "wmv")).expect("a fixture");
    assert!(bytes.len() < 1 << 20, "the recording lies in the part that stays readable");
    bytes.resize(4 << 20, 0);
    let is_broken = Arc::new(AtomicBool::new(false));
    let storage = Breaks { bytes, is_broken: Arc::clone(&is_broken) };
    let source = Source::from_storage(Box::new(storage), Path::new("clip.wmv"), Limits::default()).expect("a source");
    let damage = Arc::new(DamageLog::new(OnDamage::Conceal));
    let mut reading = Demuxer::new(source, Arc::clone(&damage));
    is_broken.store(true, Ordering::Relaxed);
    let error = loop {
        match reading.next_packet() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error, and this damage: {:?}", damage.report()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let cause = error.cause().and_then(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(cause.and_then(io::Error::raw_os_error), Some(EIO), "{error}");
    assert!(damage.report().is_empty(), "{:?}", damage.report());
}
