//! Helpers that run `trix` as its users do: as a process, under a time limit, with all of its output captured.
//!
//! Invariant: no run outlives its limit, and no run that panics passes, whatever else a test checks.

pub mod schema;
pub mod terminal;

use std::{
    ffi::OsString,
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use trix_fixtures::{TempDir, program};

/// Runs in these tests take a few seconds. A run that takes longer than this hangs.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The stages that an error can name.
const STAGES: [&str; 9] = ["plan", "source", "probe", "demux", "decode", "filter", "encode", "mux", "verify"];

/// The result of a run.
pub struct Ran {
    /// The exit code. `None` if a signal ended the process.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The messages on standard error, without the lines and arguments that they show.
    pub said: String,
    /// Duration of the run.
    pub took: Duration,
    /// Peak resident memory in KiB, sampled every millisecond.
    pub peak_kib: u64,
}

/// Splits `line` into arguments. Each `{}` stands for the next of `paths`.
pub fn words(line: &str, paths: &[&Path]) -> Vec<OsString> {
    let mut paths = paths.iter();
    let mut path = || paths.next().expect("a path for each {}").as_os_str().to_owned();
    let words = line.split_whitespace().map(|word| if word == "{}" { path() } else { word.into() }).collect();
    assert!(paths.next().is_none(), "more paths than {{}} in: {line}");
    words
}

/// A command that runs `trix`.
pub fn command(line: &str, paths: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trix"));
    // A width would wrap the messages.
    command.args(words(line, paths)).env_remove("COLUMNS");
    command
}

/// Runs `trix`.
pub fn trix(line: &str, paths: &[&Path]) -> Ran {
    watch(command(line, paths))
}

/// Starts a command and captures its output.
pub fn start(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a command to its end.
pub fn watch(command: Command) -> Ran {
    finish(start(command))
}

/// Waits until a child ends.
///
/// # Panics
/// If it outlives the limit (then it is killed) or panics.
pub fn finish(mut child: Child) -> Ran {
    let began = Instant::now();
    let drain = |stream: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                stream.read_to_end(&mut bytes).expect("a pipe can be read");
            }
            String::from_utf8(bytes).expect("what trix prints is UTF-8")
        })
    };
    let out = drain(child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>));
    let err = drain(child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>));
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(resident_kib(child.id()));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if began.elapsed() > LIMIT {
            child.kill().expect("a child can be killed");
            child.wait().expect("a child can be waited for");
            panic!("still running after {LIMIT:?}; it said: {}", err.join().expect("a reader"));
        }
        thread::sleep(Duration::from_millis(1));
    };
    let took = began.elapsed();
    let (out, err) = (out.join().expect("a reader"), err.join().expect("a reader"));
    let said = err.split_inclusive('\n').filter(|line| !is_shown(line)).collect();
    let ran = Ran { code: status.code(), out, err, said, took, peak_kib };
    assert!(!ran.err.contains("panicked") && ran.code != Some(101), "a panic: {ran:?}");
    ran
}

/// True if the line is a part of what a message shows: `12 | preset = "fasst"`.
fn is_shown(line: &str) -> bool {
    line.trim_start().trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start().starts_with('|')
}

fn resident_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ran { code, out, err, took, peak_kib, .. } = self;
        // Print only the start of the report, because the rest would hide the error.
        let out = if err.is_empty() { out.get(..400).unwrap_or(out) } else { "" };
        write!(f, "exit code {code:?} after {took:?} with {peak_kib} KiB\n{err}\n{out}")
    }
}

impl Ran {
    /// Asserts that the run succeeded.
    pub fn done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Asserts that the run ended with `code` and one message, which names `file` and a stage. Returns the message.
    ///
    /// With code 2, the job itself is wrong. Its message names the setting, not a file.
    pub fn refused(&self, code: i32, file: &Path) -> &str {
        assert_eq!(self.code, Some(code), "{}: {self:?}", file.display());
        // What the job notes before it fails is no error.
        let is_error = |line: &&str| !line.starts_with("trix: note: ");
        let start = self.said.split_inclusive('\n').take_while(|line| !is_error(line)).map(str::len).sum();
        let message = self.said[start..].trim_end();
        let wording = message.strip_prefix("trix: ").unwrap_or_else(|| panic!("no message: {self:?}"));
        let name = format!("{}: ", file.display());
        let rest = match wording.strip_prefix(&name) {
            Some(rest) => rest,
            None if code == 2 => wording,
            None => panic!("{name} is not named: {self:?}"),
        };
        let staged = STAGES
            .iter()
            .any(|stage| rest.strip_prefix(stage).is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(", ")));
        assert!(staged, "no stage is named: {self:?}");
        assert_eq!(message.matches("trix: ").count(), 1, "more than one message: {self:?}");
        // A job reports all mistakes at once, one per line, without duplicates.
        let mut lines: Vec<&str> = message.lines().map(|line| line.trim_start_matches("trix: plan: ")).collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), message.lines().count(), "a line twice: {self:?}");
        assert!(code == 2 || lines.len() == 1, "other noise: {self:?}");
        message
    }

    /// Returns the JSON document on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not one JSON document ({error}): {self:?}"))
    }
}

/// An encode to an empty folder.
pub struct Encoded {
    /// The result of the run.
    pub ran: Ran,
    /// Path of the output, also if it does not exist.
    pub output: PathBuf,
    /// The folder of the output.
    pub folder: TempDir,
    source: PathBuf,
}

/// Encodes `source` with `options` and `--json` to MP4, unless the options contain another `-o NAME`.
pub fn encode(source: &Path, options: &str) -> Encoded {
    encode_as(source, "out.mp4", options)
}

/// Encodes `source` with `options` and `--json` to a file called `name`.
pub fn encode_as(source: &Path, name: &str, options: &str) -> Encoded {
    let folder = trix_fixtures::folder();
    let output = folder.path().join(name);
    let ran = trix(&format!("encode {{}} -o {{}} --json {options}"), &[source, &output]);
    Encoded { ran, output, folder, source: source.to_owned() }
}

impl Encoded {
    /// Asserts that the encode failed with `code` and a message about its source, and left nothing. Returns the
    /// message.
    pub fn refused(&self, code: i32) -> &str {
        let message = self.ran.refused(code, &self.source);
        assert_eq!(names(self.folder.path()), [""; 0], "{message} left something");
        let wording = &self.ran.json()["error"]["message"];
        assert_eq!(
            wording.as_str().map(|wording| format!("trix: {wording}")).as_deref(),
            Some(message),
            "JSON and words"
        );
        message
    }

    /// Asserts that the encode succeeded, and that the folder holds only the output. Returns the report.
    pub fn done(&self) -> Value {
        self.ran.done();
        assert_eq!(names(self.folder.path()), ["out.mp4"]);
        self.ran.json()
    }

    /// Asserts that the encode succeeded, and that the folder holds one file. Returns the report.
    pub fn done_as(&self) -> Value {
        self.ran.done();
        assert_eq!(names(self.folder.path()).len(), 1, "{}", self.output.display());
        self.ran.json()
    }

    /// Asserts that the encode succeeded, and that its report and another decoder count `frames` frames. Returns the
    /// report.
    pub fn holds(&self, frames: u64) -> Value {
        let report = self.done();
        assert_eq!(
            report["outputs"][0]["ledger"]["emitted"],
            frames,
            "{} with {:?}",
            self.source.display(),
            report["damage"]
        );
        assert_eq!(decodable(&self.output), frames, "{}", self.source.display());
        report
    }
}

/// The number of signs of damage in a report.
pub fn damage(report: &Value) -> u64 {
    let counts = report["damage"]["counts"].as_object().expect("a report counts damage");
    counts.values().map(|count| count.as_u64().expect("a count")).sum()
}

/// The names in a folder, including hidden ones, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The number of frames that `ffprobe` can decode from a file, intact or damaged.
pub fn decodable(file: &Path) -> u64 {
    let line = "-v quiet -select_streams v:0 -count_frames -show_entries stream=nb_read_frames -of csv=p=0 {}";
    let said = program::text(&program::attempt("ffprobe", words(line, &[file])));
    // If there are programmes, ffprobe lists a stream once in each of them and once more.
    said.split_whitespace().next().and_then(|count| count.trim_end_matches(',').parse().ok()).unwrap_or(0)
}

/// Writes a file with these bytes to `folder`.
pub fn file(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file can be written");
    path
}

/// A pseudo-random generator with a fixed seed.
pub struct Dice(pub u64);

impl Dice {
    /// The next number (splitmix64, Steele et al. 2014).
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit as u64) as usize
    }
}

/// The positions of `needle` in `bytes`.
pub fn places(bytes: &[u8], needle: &[u8]) -> Vec<usize> {
    (0..bytes.len().saturating_sub(needle.len())).filter(|at| bytes[*at..].starts_with(needle)).collect()
}

/// True if file systems can be mounted, for tests with full disks. If not, prints a message, and fails on CI.
#[allow(clippy::print_stdout, reason = "what is skipped is said")]
pub fn can_mount() -> bool {
    let probe = program::attempt("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]);
    if !probe.status.success() {
        let reason = String::from_utf8_lossy(&probe.stderr).into_owned();
        assert!(std::env::var_os("CI").is_none(), "no file system can be mounted: {reason}");
        println!("skipped: no file system can be mounted: {reason}");
    }
    probe.status.success()
}
