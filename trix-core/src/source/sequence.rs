//! A source of many files: an image sequence with numbered file names.
//!
//! Invariant: only files of one folder whose names match the pattern are opened. The image with number `n` has the time
//! `n - first`, so a missing file leaves a gap and shifts nothing.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Cursor, Read},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest, Sha256};
use trix_av::{
    AvError,
    io::{IoState, ReadSeek},
    packet::Packet,
};
use trix_model::{path_text, time::Rational};

use super::{
    block_cache::BOUNDS,
    digest::{FileFixity, hex},
    shared_reader::{Stamp, Stop},
};

/// The demuxers for the single images of a sequence, by FFmpeg's names. They cover the formats of film delivery (DPX,
/// EXR, TIFF, JPEG 2000) and common program output (PNG, JPEG, BMP).
pub(super) const IMAGES: &[&str] =
    &["dpx_pipe", "exr_pipe", "tiff_pipe", "j2k_pipe", "png_pipe", "jpeg_pipe", "bmp_pipe"];

/// Frames per second if neither the job nor the images state a rate. Most material outside cinema has this rate, and
/// FFmpeg uses the same default.
pub(super) const DEFAULT_RATE: Rational = Rational { num: 25, den: 1 };

/// A file name with a number in it: `shot.%04d.dpx`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    before: Vec<u8>,
    after: Vec<u8>,
    /// Minimum number of digits. Shorter numbers are padded with zeros.
    digits: usize,
}

impl Pattern {
    /// The possible meanings of `name`. Empty unless `name` contains exactly one `%d` or `%0Nd`. Any other `%` is
    /// literal. `%%` means one `%`, as in FFmpeg's patterns, or else two.
    fn readings(name: &OsStr) -> Vec<Self> {
        let name = name.as_bytes();
        let (mut found, mut at) = (Vec::new(), 0);
        while at < name.len() {
            let rest = &name[at..];
            if rest.starts_with(b"%%") {
                at += 2;
            } else if let Some((length, digits)) = placeholder(rest) {
                found.push((at, length, digits));
                at += length;
            } else {
                at += 1;
            }
        }
        let [(at, length, digits)] = found[..] else { return Vec::new() };
        let (before, after) = (&name[..at], &name[at + length..]);
        let escaped = Pattern { before: unescaped(before), after: unescaped(after), digits };
        let literal = Pattern { before: before.to_vec(), after: after.to_vec(), digits };
        if escaped == literal { vec![escaped] } else { vec![escaped, literal] }
    }

    /// The number in `name`, if `name` matches the pattern and its padding.
    fn number(&self, name: &OsStr) -> Option<u64> {
        let digits = name.as_bytes().strip_prefix(&self.before[..])?.strip_suffix(&self.after[..])?;
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let padded = digits.len() == self.digits || digits.len() > self.digits && !digits.starts_with(b"0");
        (is_number && padded).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
    }

    fn name(&self, number: u64) -> OsString {
        let number = format!("{number:0width$}", width = self.digits);
        OsString::from_vec([&self.before, number.as_bytes(), &self.after].concat())
    }
}

/// The length of the `%d` or `%0Nd` at the start of `text`, and its minimum number of digits.
fn placeholder(text: &[u8]) -> Option<(usize, usize)> {
    let rest = text.strip_prefix(b"%")?;
    let width = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if rest.get(width) != Some(&b'd') {
        return None;
    }
    let digits = match &rest[..width] {
        [] => 1,
        width => std::str::from_utf8(width.strip_prefix(b"0")?).ok()?.parse().ok()?,
    };
    (1..=18).contains(&digits).then_some((width + 2, digits))
}

/// Replaces each `%%` in `text` by `%`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            bytes.next_if_eq(&&b'%');
        }
        out.push(byte);
    }
    out
}

/// Maximum number of bytes kept in memory for images that were read before the main pass. A single file gets the same
/// amount (`block_cache.rs`).
const KEPT: u64 = (BOUNDS.parked * BOUNDS.block) as u64;

/// The files of a sequence, shared by all readers. Each file is read from disk once, as far as memory allows.
pub(super) struct Files {
    folder: PathBuf,
    pattern: Pattern,
    /// Ascending, without duplicates, never empty.
    numbers: Vec<u64>,
    /// Maximum size of an image in bytes.
    limit: u64,
    state: Mutex<SequenceState>,
    disk_bytes: AtomicU64,
}

/// The state of the files that were read.
#[derive(Default)]
struct SequenceState {
    /// Images that the main pass has not reached yet.
    kept: BTreeMap<u64, ImageFile>,
    kept_bytes: u64,
    is_hashing: bool,
    prints: BTreeMap<u64, Print>,
}

/// The bytes of a file, and its stamp at the time of reading.
#[derive(Clone)]
struct ImageFile {
    bytes: Arc<[u8]>,
    stamp: Stamp,
}

/// The hash of a file, and its stamp at the time of reading.
#[derive(Clone, Copy)]
struct Print {
    sha256: [u8; 32],
    stamp: Stamp,
}

impl Print {
    fn of(frame: &ImageFile) -> Option<Self> {
        // A file above the size limit was not read to its end.
        let is_whole = frame.bytes.len() as u64 == frame.stamp.bytes;
        is_whole.then(|| Print { sha256: Sha256::digest(&frame.bytes).into(), stamp: frame.stamp })
    }
}

/// The files that a source is read from, under the name `path`: those of an image sequence, or else the file itself.
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    // A file whose name looks like a pattern is a file.
    match Files::find(path, u64::MAX) {
        Ok(Some(files)) if !path.exists() => files.numbers.iter().map(|number| files.path(*number)).collect(),
        _ => vec![path.to_owned()],
    }
}

impl Files {
    /// Finds the files that match `path`. Returns `None` if its last component is not a pattern.
    ///
    /// # Errors
    /// If the folder cannot be read, or if no file in it matches.
    pub(super) fn find(path: &Path, limit: u64) -> io::Result<Option<Self>> {
        let readings = path.file_name().map(Pattern::readings).unwrap_or_default();
        if readings.is_empty() {
            return Ok(None);
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut found = None;
        for pattern in readings {
            let numbers = numbers_in(&folder, &pattern)?;
            if !numbers.is_empty() {
                found = Some((pattern, numbers));
                break;
            }
        }
        let Some((pattern, numbers)) = found else {
            // The error of the operating system for a missing file, as for any other name without a file.
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()));
        };
        let (state, disk_bytes) = (Mutex::default(), AtomicU64::new(0));
        Ok(Some(Files { folder, pattern, numbers, limit, state, disk_bytes }))
    }

    fn first(&self) -> u64 {
        self.numbers.first().copied().unwrap_or(0)
    }

    fn last(&self) -> u64 {
        self.numbers.last().copied().unwrap_or(0)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(self.pattern.name(number))
    }

    /// Total size of all files in bytes, and the latest modification time among them.
    pub(super) fn total(&self) -> io::Result<(u64, (i64, i64))> {
        let mut total = (0, (0, 0));
        for number in &self.numbers {
            let stamp = Stamp::of(&fs::metadata(self.path(*number))?);
            total = (total.0 + stamp.bytes, stamp.modified.max(total.1));
        }
        Ok(total)
    }

    /// The path of the first file.
    pub(super) fn first_path(&self) -> PathBuf {
        self.path(self.first())
    }

    /// A reader for the first file, for format detection. Its bytes stay in memory for later readers. A file above the
    /// size limit is read from disk, and rejected when it is read as an image.
    pub(super) fn first_reader(&self) -> io::Result<Box<dyn ReadSeek>> {
        let (file, stamp) = open(&self.first_path())?;
        if stamp.bytes > self.limit {
            return Ok(Box::new(file));
        }
        Ok(Box::new(Cursor::new(self.frame(self.first(), false)?)))
    }

    fn state(&self) -> MutexGuard<'_, SequenceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of file `number`, from memory or from disk. They stay in memory for the main pass, unless the caller
    /// is the main pass (`is_through`).
    fn frame(&self, number: u64, is_through: bool) -> io::Result<Arc<[u8]>> {
        let mut state = self.state();
        let kept = if is_through { state.kept.remove(&number) } else { state.kept.get(&number).cloned() };
        let frame = match kept {
            Some(frame) => {
                if is_through {
                    state.kept_bytes -= frame.bytes.len() as u64;
                }
                drop(state);
                frame
            }
            None => {
                drop(state);
                self.load(number)?
            }
        };
        let is_new = |state: &SequenceState| state.is_hashing && !state.prints.contains_key(&number);
        let print = if is_new(&self.state()) { Print::of(&frame) } else { None };
        let mut state = self.state();
        if let Some(print) = print {
            state.prints.entry(number).or_insert(print);
        }
        let length = frame.bytes.len() as u64;
        if !is_through && state.kept_bytes + length <= KEPT && !state.kept.contains_key(&number) {
            state.kept.insert(number, frame.clone());
            state.kept_bytes += length;
        }
        Ok(frame.bytes)
    }

    /// Reads a file up to one byte more than the limit, so that the packet reader can detect that it is too large.
    fn load(&self, number: u64) -> io::Result<ImageFile> {
        let path = self.path(number);
        // libavcodec counts the bytes of a packet and its padding in an `int`.
        const MOST: u64 = i32::MAX as u64 - 4096;
        let (file, stamp) = open(&path)?;
        let mut bytes = Vec::new();
        let read = file.take(self.limit.saturating_add(1).min(MOST)).read_to_end(&mut bytes);
        self.disk_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        read.map(|_| ImageFile { bytes: bytes.into(), stamp })
    }

    /// Starts to hash the files that are read.
    pub(super) fn hash(&self) {
        self.state().is_hashing = true;
    }

    /// Bytes read from disk so far.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// Reads the files that were not read yet. Returns the fixity of all files, in the order of their names.
    pub(super) fn finish(&self, stop: Stop<'_>) -> io::Result<Vec<FileFixity>> {
        self.hash();
        let mut files = Vec::with_capacity(self.numbers.len());
        for &number in &self.numbers {
            if stop() {
                return Err(io::Error::other("the reading was cancelled"));
            }
            let known = self.state().prints.get(&number).copied();
            let kept = || self.state().kept.get(&number).cloned();
            let print = match known.or_else(|| kept().as_ref().and_then(Print::of)) {
                Some(print) => print,
                None => self.print(number, stop)?,
            };
            self.state().prints.insert(number, print);
            let (name, bytes) = (path_text::to_text(self.pattern.name(number)), print.stamp.bytes);
            files.push(FileFixity { name, sha256: hex(&print.sha256), bytes });
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    /// Hashes file `number`, whatever its size.
    fn print(&self, number: u64, stop: Stop<'_>) -> io::Result<Print> {
        let (mut file, stamp) = open(&self.path(number))?;
        let mut hasher = Sha256::new();
        let mut piece = vec![0; BOUNDS.block];
        loop {
            if stop() {
                return Err(io::Error::other("the reading was cancelled"));
            }
            match file.read(&mut piece) {
                Ok(0) => return Ok(Print { sha256: hasher.finalize().into(), stamp }),
                Ok(count) => {
                    self.disk_bytes.fetch_add(count as u64, Ordering::Relaxed);
                    hasher.update(&piece[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A message about files that were added to the folder after the sequence was opened.
    pub(super) fn grown(&self) -> Option<String> {
        let now = numbers_in(&self.folder, &self.pattern).ok()?;
        let new: Vec<u64> = now.into_iter().filter(|number| self.numbers.binary_search(number).is_err()).collect();
        let name = |number: &u64| self.pattern.name(*number).display().to_string();
        let (first, last) = (name(new.first()?), name(new.last()?));
        let which = if first == last { first } else { format!("{first} to {last}") };
        let count = new.len();
        Some(format!("the sequence grew while it was read: {count} more, {which}, which are left out"))
    }

    /// A message if the files differ from those that were read.
    pub(super) fn difference(&self) -> io::Result<Option<String>> {
        if numbers_in(&self.folder, &self.pattern)? != self.numbers {
            return Ok(Some("there are other files in its folder".to_owned()));
        }
        for (&number, print) in &self.state().prints {
            let now = Stamp::of(&fs::metadata(self.path(number))?);
            if let Some(how) = print.stamp.difference(&now) {
                return Ok(Some(format!("{}: {how}", self.pattern.name(number).display())));
            }
        }
        Ok(None)
    }
}

/// The numbers of the files in `folder` that match `pattern`, ascending.
fn numbers_in(folder: &Path, pattern: &Pattern) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        numbers.extend(pattern.number(&entry?.file_name()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens an image file and returns its stamp.
fn open(path: &Path) -> io::Result<(File, Stamp)> {
    // The metadata is checked before the file is opened, because opening a pipe without a writer would block for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other(format!("{} is no regular file", path.display())));
    }
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    Ok((file, stamp))
}

/// Reads the files of a sequence one after the other.
pub(crate) struct Sequence {
    files: Arc<Files>,
    next: usize,
    is_through: bool,
}

impl Sequence {
    /// Reads `files` from the first on.
    pub(super) fn new(files: Arc<Files>) -> Self {
        Sequence { files, next: 0, is_through: false }
    }

    /// Declares that this reader goes to the end. Images that it has passed need not stay in memory.
    pub(super) fn goes_through(&mut self) {
        self.is_through = true;
    }

    /// Number of files.
    pub(super) fn len(&self) -> u64 {
        self.files.numbers.len() as u64
    }

    /// Number of frames from the first number to the last, including missing ones.
    pub(super) fn span(&self) -> u64 {
        self.files.last() - self.files.first() + 1
    }

    /// Total size of all files in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let size = |number: &u64| fs::metadata(self.files.path(*number)).map_or(0, |metadata| metadata.len());
        self.files.numbers.iter().map(size).sum()
    }

    /// The name of the file whose image has the time `ticks`.
    pub(crate) fn name_at(&self, ticks: i64) -> String {
        self.files.pattern.name(self.files.first().saturating_add_signed(ticks)).display().to_string()
    }

    /// The next file as a packet, or `None` after the last. An I/O error is stored in `state`.
    pub(super) fn read(&mut self, state: &IoState) -> Result<Option<Packet>, AvError> {
        if state.is_cancelled() {
            return Err(AvError::EXIT);
        }
        let Some(number) = self.files.numbers.get(self.next).copied() else { return Ok(None) };
        self.next += 1;
        let bytes = self.files.frame(number, self.is_through).map_err(|error| {
            let code = AvError(-error.raw_os_error().unwrap_or(rustix::io::Errno::IO.raw_os_error()));
            state.fail(error);
            code
        })?;
        let mut packet = Packet::copy_of(&bytes);
        let ticks = i64::try_from(number - self.files.first()).ok();
        packet.set_times(ticks, ticks, 1);
        packet.set_key(true);
        packet.set_stream(0);
        Ok(Some(packet))
    }
}

/// The frame rate in the header of a DPX file (SMPTE ST 268-1: film frame rate at byte 1724, television frame rate at
/// byte 1940), if the header states a rate in common use.
pub(super) fn dpx_rate(head: &[u8]) -> Option<Rational> {
    let big_endian = match head.get(..4)? {
        b"SDPX" => true,
        b"XPDS" => false,
        _ => return None,
    };
    [1724, 1940].into_iter().find_map(|at| {
        let bytes: [u8; 4] = head.get(at..at + 4)?.try_into().ok()?;
        used_rate(if big_endian { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) })
    })
}

/// The integer rate, or the rate slower by 1001/1000, that a header means by `rate`.
fn used_rate(rate: f32) -> Option<Rational> {
    let near = |exact: Rational| (f64::from(rate) - exact.to_f64()).abs() < 0.002 * exact.to_f64().sqrt();
    let whole = rate.round();
    if !(1.0..=240.0).contains(&whole) {
        return None;
    }
    let whole = whole as i64;
    let slow = Rational::new(whole * 1000, 1001);
    let close = (f64::from(rate) - slow.to_f64()).abs() < (f64::from(rate) - whole as f64).abs();
    [if close { slow } else { Rational::new(whole, 1) }].into_iter().find(|exact| near(*exact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_a_name_makes_a_pattern() {
        let readings = |name: &str| Pattern::readings(name.as_ref());
        let [pattern] = &readings("shot.%04d.dpx")[..] else { panic!("one reading") };
        assert_eq!(pattern.name(7), "shot.0007.dpx");
        assert_eq!(pattern.number("shot.0007.dpx".as_ref()), Some(7));
        assert_eq!(pattern.number("shot.86400.dpx".as_ref()), Some(86_400));
        for other in ["shot.007.dpx", "shot.00007.dpx", "shot.0007.dpx~", "shot..dpx", "shot.-007.dpx", "Shot.0007.dpx"]
        {
            assert_eq!(pattern.number(other.as_ref()), None, "{other}");
        }
        assert_eq!(readings("%d.png")[0].number("12.png".as_ref()), Some(12));
        assert_eq!(readings("100%.%02d.png")[0].name(3), "100%.03.png");
        let [escaped, literal] = &readings("100%%.%d.png")[..] else { panic!("two readings") };
        assert_eq!((escaped.name(3), literal.name(3)), ("100%.3.png".into(), "100%%.3.png".into()));
        let latin = Pattern::readings(OsStr::from_bytes(b"caf\xe9.%03d.png"));
        assert_eq!(latin[0].number(OsStr::from_bytes(b"caf\xe9.012.png")), Some(12));
        for other in ["shot.dpx", "%04d-%04d.png", "%4d.png", "%s.png", "%04x.png", "100%.png", "%0d.png", "%099d.png"]
        {
            assert_eq!(readings(other), [], "{other}");
        }
    }

    #[test]
    fn a_dpx_header_states_its_rate_in_either_byte_order() {
        let header = |magic: &[u8; 4], at: usize, bytes: [u8; 4]| {
            let mut head = vec![0xff; 2048];
            head[..4].copy_from_slice(magic);
            head[at..at + 4].copy_from_slice(&bytes);
            head
        };
        assert_eq!(dpx_rate(&header(b"SDPX", 1724, 24f32.to_be_bytes())), Some(Rational::new(24, 1)));
        assert_eq!(dpx_rate(&header(b"XPDS", 1940, 23.976f32.to_le_bytes())), Some(Rational::new(24_000, 1001)));
        assert_eq!(dpx_rate(&header(b"SDPX", 1724, 0f32.to_be_bytes())), None);
        assert_eq!(dpx_rate(&header(b"SDPX", 1724, 24.4f32.to_be_bytes())), None);
        assert_eq!(dpx_rate(&[0; 2048]), None);
        assert_eq!(dpx_rate(b"SDPX"), None);
    }
}
