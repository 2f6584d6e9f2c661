//! Encodes a chunk in a process of its own, so that a codec that crashes, hangs or takes too much memory costs one chunk.
//!
//! Invariant: the process ends with the encode of its chunk, with its parent, or when it is cancelled. What it put into the store
//! is what a thread of the parent would have put there.

use std::{
    ffi::OsString,
    fmt,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
    process::{self, Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trix_model::{
    control::cancel::{Cancel, LOOK},
    error::{Error, ErrorKind, Result, Stage},
    error_document::ErrorDetail,
    path_text,
};

use super::{
    chunked::Chunked, folder::remove_parts, key::share_index, setup::Setup, store::Store, track::Sign, unit::Unit,
};
use crate::{
    plan::{EncodeId, Plan},
    source::{Source, files_of, hex},
};

/// One chunk of some encodes, as JSON in one line: what a process has to encode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChunkRequest {
    plan: Plan,
    /// Number of the chunk.
    chunk: usize,
    encodes: Vec<(EncodeId, Setup)>,
    #[serde(with = "path_text")]
    store: PathBuf,
    /// Number of the attempt, from 1.
    attempt: u32,
    /// The most bytes of memory that the process should take.
    memory: u64,
    /// What the names of the parts begin with that the process writes. No other process has the same.
    prefix: String,
}

/// What the process says, as JSON in one line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    /// It has made progress.
    Sign { sign: Sign },
    /// The chunks are in the store.
    Done,
    /// It has failed.
    Failed { error: ErrorDetail },
}

impl ChunkRequest {
    /// Reads what the parent sends.
    ///
    /// # Errors
    /// `Io` if nothing comes; `InvalidSpec` if it is not a request of this version.
    pub fn read(input: &mut impl BufRead) -> Result<Self> {
        let mut line = String::new();
        let failed = |error: io::Error| Error::new(ErrorKind::Io, Stage::Plan, "no request came").caused_by(error);
        input.read_line(&mut line).map_err(failed)?;
        serde_json::from_str(&line).map_err(|error| {
            let detail = format!("it is not a request of this version: {error}");
            Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail)
        })
    }

    /// The files that the process reads, or the folder of an image sequence.
    pub fn files(&self) -> Vec<PathBuf> {
        let files = files_of(&self.plan.source.settings.path);
        match files.as_slice() {
            [first, _, ..] => first.parent().map_or_else(Vec::new, |folder| vec![folder.to_owned()]),
            _ => files,
        }
    }

    /// The folder into which it writes.
    pub fn store(&self) -> &PathBuf {
        &self.store
    }

    /// The most bytes of memory that the process should take.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Encodes the chunk, and says on `output` how far it is. Returns true if the chunk is in the store.
    pub fn serve(&self, output: impl Write + Send) -> bool {
        let output = Mutex::new(output);
        let say = |said: &Said| {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            // A parent that reads no more is gone.
            let _ = serde_json::to_writer(&mut *output, said)
                .map(|()| output.write_all(b"\n").and_then(|()| output.flush()));
        };
        let result = self.encode(&|sign| say(&Said::Sign { sign }));
        match &result {
            Ok(()) => say(&Said::Done),
            Err(error) => say(&Said::Failed { error: error.into() }),
        }
        result.is_ok()
    }

    fn encode(&self, tell: &dyn Fn(Sign)) -> Result<()> {
        let source = source_of(&self.plan, &Cancel::default())?;
        let chunked = Chunked::of(&self.plan, Store::open_with(self.store.clone(), &self.prefix)?)?;
        let range = chunked.range(self.chunk)?;
        share_index(&chunked.store, &source, &self.plan)?;
        let own = self.encodes.iter().filter_map(|(id, setup)| chunked.task(self.chunk, *id, *setup));
        let tasks: Vec<_> = own.collect();
        let unit = Unit { plan: &self.plan, range, tasks: &tasks, store: &chunked.store, attempt: self.attempt };
        unit.encode(source, &Cancel::default(), tell)
    }
}

/// Opens the source of a plan, which must be what it was when the plan was made.
///
/// # Errors
/// Those of opening it; `InvalidSpec` if it has changed.
pub(super) fn source_of(plan: &Plan, cancel: &Cancel) -> Result<Source> {
    let settings = &plan.source.settings;
    let source = Source::open_until(&settings.path, &settings.reading(), cancel)?;
    source.expect_identity(&plan.source.identity)?;
    Ok(source)
}

/// A beginning of names that no other process has, on this machine or another one that uses the store.
fn prefix() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let host = rustix::system::uname();
    let own = format!("{:?} {} {} {count}", host.nodename(), process::id(), since.as_nanos());
    format!(".{}-", &hex(&Sha256::digest(own).into())[..16])
}

/// A process for one chunk.
pub(super) struct Process<'a> {
    pub(super) program: &'a [OsString],
    pub(super) plan: &'a Plan,
    pub(super) store: &'a Store,
    pub(super) chunk: usize,
    pub(super) encodes: Vec<(EncodeId, Setup)>,
    pub(super) attempt: u32,
}

impl Process<'_> {
    /// Runs the process to its end. `tell` is called for each sign of it.
    ///
    /// # Errors
    /// That of the unit; `Codec` if the process ended without a result; `Io` if it cannot be started; `Cancelled`.
    pub(super) fn run(self, cancel: &Cancel, tell: &dyn Fn(Sign)) -> Result<()> {
        let (store, prefix) = (self.store.folder().to_owned(), prefix());
        let (child, input) = self.start(&prefix)?;
        let mut running = Running { child, _input: input, store, prefix };
        let said = running.listen()?;
        loop {
            if cancel.is_cancelled() {
                return Err(Error::cancelled(Stage::Encode));
            }
            match said.recv_timeout(LOOK) {
                Ok(Said::Sign { sign }) => tell(sign),
                Ok(Said::Done) => return Ok(()),
                Ok(Said::Failed { error }) => return Err(Error::from(&error)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let ended = running.child.wait().map(Ended);
                    let detail = ended.map_or_else(|error| error.to_string(), |ended| ended.to_string());
                    return Err(Error::new(
                        ErrorKind::Codec,
                        Stage::Encode,
                        format!("the process of the chunk {detail}"),
                    ));
                }
            }
        }
    }

    /// The memory that the unit takes, as planned.
    fn planned_memory(&self) -> u64 {
        let Some(unit) = &self.plan.memory.unit else { return self.plan.memory.estimate };
        let own = self.encodes.iter().filter_map(|(id, _)| unit.encodes.get(id.0));
        unit.process + unit.base + own.sum::<u64>()
    }

    fn start(self, prefix: &str) -> Result<(Child, ChildStdin)> {
        let failed = |error: io::Error| {
            let detail = format!("a process for the chunk cannot be started: {error}");
            Error::new(ErrorKind::Io, Stage::Encode, detail).caused_by(error)
        };
        let (program, arguments) = self.program.split_first().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let store = self.store.folder().to_owned();
        // Twice what was planned, and what every process has.
        let memory = self.planned_memory().saturating_mul(2).saturating_add(1 << 30);
        let (plan, chunk, encodes, attempt) = (self.plan.clone(), self.chunk, self.encodes, self.attempt);
        let request = ChunkRequest { plan, chunk, encodes, store, attempt, memory, prefix: prefix.to_owned() };
        let mut text = serde_json::to_string(&request)
            .map_err(|error| Error::bug(Stage::Plan, format!("a request cannot be written: {error}")))?;
        text.push('\n');
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        let mut input = child.stdin.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        // A process that ends before it has read the request says why by its exit.
        let _ = input.write_all(text.as_bytes()).and_then(|()| input.flush());
        Ok((child, input))
    }
}

/// A process that runs. It ends when this is dropped.
struct Running {
    child: Child,
    /// The process ends when this closes, also if this process is killed.
    _input: ChildStdin,
    /// The folder into which it writes, and what the names of its parts begin with.
    store: PathBuf,
    prefix: String,
}

impl Running {
    /// What the process says, read by a thread of its own.
    fn listen(&mut self) -> Result<Receiver<Said>> {
        let (sender, receiver) = unbounded();
        let missing = || Error::bug(Stage::Encode, "a process without output");
        let output = self.child.stdout.take().ok_or_else(missing)?;
        let read = move || {
            for line in BufReader::new(output).lines().map_while(io::Result::ok) {
                let Ok(said) = serde_json::from_str(&line) else { return };
                if sender.send(said).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("trix-unit-said".into()).spawn(read).map_err(|error| {
            Error::new(ErrorKind::Io, Stage::Encode, format!("a thread cannot be started: {error}")).caused_by(error)
        })?;
        Ok(receiver)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or is not wanted any more.
        let _ = self.child.kill();
        if self.child.wait().is_ok() {
            // Otherwise, the next job that opens the folder does it.
            let _ = remove_parts(&self.store, &self.prefix);
        }
    }
}

/// How a process ended that gave no result.
struct Ended(ExitStatus);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::unix::process::ExitStatusExt;
        match (self.0.signal(), self.0.code()) {
            (Some(6), _) => f.write_str("was aborted (signal 6)"),
            (Some(9), _) => f.write_str("was killed (signal 9), which the system does when memory runs out"),
            (Some(11), _) => f.write_str("crashed (signal 11)"),
            (Some(signal), _) => write!(f, "was ended by signal {signal}"),
            (None, code) => write!(f, "ended without a result (exit code {})", code.unwrap_or(-1)),
        }
    }
}
