//! `peers`: compares whole jobs of Trix with the same jobs of other programs, and with the encoder alone.
//!
//! Every tool does a case once in each round. The order rotates by one from round to round, so that changes in the
//! machine's speed affect all tools equally. A slow result is no failure: the program prints and keeps the numbers,
//! with their spread and the goal. Different streams are a failure, because then the tools did different work.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints tables")]

mod tool;
mod ffmpeg;
mod single;
mod ladder;
mod archive;
mod case;
mod inside;
mod machine;
mod measure;
mod results;
mod table;

use std::{
    collections::{HashMap, hash_map::Entry},
    env,
    error::Error,
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use case::{CASES, Case};
use clap::Parser;
use machine::Machine;
use measure::Cost;
use results::{CaseResult, Output, Quality, Run, Series};
use tool::{PlannedCase, Setup, Target, Tool, Work};

/// Compare whole jobs of Trix with those of other programs
#[derive(Parser)]
#[command(name = "peers")]
struct Arguments {
    /// How often every tool does every case
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Only these cases, by letter
    #[arg(long, value_delimiter = ',', value_name = "A,B", value_parser = by_key)]
    only: Vec<Case>,
    /// A few frames and one run: shows that everything works, and nothing about speed
    #[arg(long)]
    quick: bool,
    /// Write FILE.md and FILE.json [default for a full run: benches/runs/DATE-N-cores]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// (for itself) Time the encoder of a case over frames in memory
    #[arg(long, hide = true, value_name = "CASE", value_parser = by_key)]
    encoder_alone: Option<Case>,
    /// (for itself) Print the job of a case, and what its plan decides
    #[arg(long, hide = true, value_name = "CASE", value_parser = by_key)]
    planned_case: Option<Case>,
    /// (for itself) Score a file against the source of --only
    #[arg(long, hide = true, value_name = "FILE")]
    score: Option<PathBuf>,
    /// (for itself) Which output of the case --score is about
    #[arg(long, hide = true, value_name = "NUMBER", default_value_t = 0)]
    output: usize,
}

fn by_key(key: &str) -> Result<Case, String> {
    let known = || CASES.map(|case| format!("{} ({})", case.key, case.title)).join(", ");
    CASES.into_iter().find(|case| case.key == key).ok_or_else(|| format!("the cases are {}", known()))
}

fn main() -> ExitCode {
    match work(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let sized = |case: Case| if arguments.quick { case.quick() } else { case };
    if let Some(case) = arguments.encoder_alone.map(sized) {
        println!("{}", serde_json::to_string(&inside::encoder_alone(&case, &case.source()?)?)?);
        return Ok(());
    }
    if let Some(case) = arguments.planned_case.map(sized) {
        println!("{}", serde_json::to_string(&inside::planned_case(&case, &case.source()?)?)?);
        return Ok(());
    }
    let cases = if arguments.only.is_empty() { CASES.to_vec() } else { arguments.only.clone() };
    let cases: Vec<Case> = cases.into_iter().map(sized).collect();
    if let (Some(file), Some(case)) = (&arguments.score, cases.first()) {
        println!("{}", serde_json::to_string(&inside::score(case, arguments.output, &case.source()?, file)?)?);
        return Ok(());
    }

    let trix = env::current_exe()?.with_file_name("trix");
    if !trix.is_file() {
        return Err(format!("{} is missing: cargo build --release -p trix-cli", trix.display()).into());
    }
    let runs = if arguments.quick { 1 } else { arguments.runs };
    let machine = Machine::look()?;
    let mut found = Vec::new();
    for case in &cases {
        eprintln!("peers: {}: {}", case.key, case.title);
        if let Some(reason) = case.lacks().filter(|_| arguments.only.is_empty()) {
            eprintln!("peers:   left out: {reason}");
            continue;
        }
        found.push(compare(case, &trix, runs, arguments.quick)?);
    }
    let run = Run { machine, runs, quick: arguments.quick, cases: found };
    let text = table::markdown(&run);
    println!("{text}");

    let other: Vec<&str> = run.cases.iter().filter(|case| !case.same_frames).map(|case| case.case).collect();
    if !other.is_empty() {
        return Err(format!("outputs that must be equal differ in {}; nothing is kept", other.join(", ")).into());
    }
    let full = arguments.only.is_empty() && !arguments.quick;
    let out = arguments.out.clone().or_else(|| full.then(|| results::unused_name(&run.machine)));
    if let Some(out) = out {
        let (markdown, json) = (with_suffix(&out, "md"), with_suffix(&out, "json"));
        fs::create_dir_all(out.parent().unwrap_or(Path::new(".")))?;
        fs::write(&markdown, text)?;
        fs::write(&json, serde_json::to_string_pretty(&run)? + "\n")?;
        eprintln!("peers: written to {} and {}", markdown.display(), json.display());
    }
    Ok(())
}

/// Adds a suffix. `with_extension` would remove the part of the name after a dot.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    name.into()
}

/// Runs all rounds of one case.
fn compare(case: &Case, trix: &Path, runs: u32, quick: bool) -> Result<CaseResult, Box<dyn Error>> {
    let source = case.source()?;
    // Read the source first, so that the first tool of the first round does not wait for the disk.
    io::copy(&mut File::open(&source)?, &mut io::sink())?;
    let planned_case: PlannedCase = inside::child(&extended(&["--planned-case".as_ref(), case.key.as_ref()], quick))?;

    let mut series: Vec<Series> = case.tools.iter().map(|tool| Series::new(tool.name, tool.is_exact)).collect();
    for round in 0..runs as usize {
        for turn in 0..case.tools.len() {
            let at = (turn + round) % case.tools.len();
            let tool = &case.tools[at];
            let cost = match tool.work {
                Work::Programs(commands) => {
                    let folder = emptied(case, tool)?;
                    let setup = Setup { trix, source: &source, folder: &folder, planned_case: &planned_case };
                    let cost = measure::run_all(commands(&setup)?, case.has_pipes)?;
                    let output_bytes = enter(&mut series[at].outputs, &planned_case.targets, &folder)?;
                    Cost { output_bytes, after_last_frame: archive::after_last_frame(&folder)?, ..cost }
                }
                Work::EncoderAlone => {
                    inside::child(&extended(&["--encoder-alone".as_ref(), case.key.as_ref()], quick))?
                }
            };
            eprintln!("peers:   round {}: {:<31} {:7.2} s, CPU {:7.2} s", round + 1, tool.name, cost.wall, cost.cpu);
            series[at].costs.push(cost);
        }
    }
    score(case, &mut series, quick)?;
    Ok(CaseResult::new(case, fs::metadata(&source)?.len(), series))
}

/// The output folder of a tool.
fn folder(case: &Case, tool: &str) -> io::Result<PathBuf> {
    Ok(trix_benches::folder()?.join(format!("out-{}-{}", case.key, tool.replace(',', "").replace(' ', "-"))))
}

/// The same folder, emptied of earlier results.
fn emptied(case: &Case, tool: &Tool) -> io::Result<PathBuf> {
    let folder = folder(case, tool.name)?;
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&folder)?,
    }
    Ok(folder)
}

/// Records the outputs of a run, and returns their total size in bytes.
fn enter(outputs: &mut Vec<Output>, targets: &[Target], folder: &Path) -> io::Result<u64> {
    if outputs.is_empty() {
        let output = |target: &Target| Output {
            name: target.name.display().to_string(),
            bytes: 0,
            frames: Vec::new(),
            audio: Vec::new(),
            quality: None,
        };
        outputs.extend(targets.iter().map(output));
    }
    for (output, target) in outputs.iter_mut().zip(targets) {
        let path = folder.join(&target.name);
        output.bytes = fs::metadata(&path)?.len();
        // Without headers and messages, which may contain the name of the program.
        let units = format!("filter_units=pass_types={}", target.frame_units());
        output.frames.push(essence_hash(&path, &["-map", "0:v", "-bsf:v", &units])?);
        if target.copies_audio {
            output.audio.push(essence_hash(&path, &["-map", "0:a"])?);
        }
    }
    Ok(outputs.iter().map(|output| output.bytes).sum())
}

/// Scores the last outputs of every tool. Equal streams are scored once.
fn score(case: &Case, series: &mut [Series], quick: bool) -> io::Result<()> {
    let mut known: HashMap<(usize, String), Quality> = HashMap::new();
    for series in series {
        let folder = folder(case, series.tool)?;
        for (number, output) in series.outputs.iter_mut().enumerate() {
            let Some(stream) = output.frames.last() else { continue };
            let quality = match known.entry((number, stream.clone())) {
                Entry::Occupied(quality) => *quality.get(),
                Entry::Vacant(entry) => {
                    let (path, number) = (folder.join(&output.name), number.to_string());
                    let case = ["--only".as_ref(), case.key.as_ref(), "--output".as_ref(), number.as_ref()];
                    let arguments: Vec<&OsStr> =
                        case.into_iter().chain(["--score".as_ref(), path.as_os_str()]).collect();
                    let score: trix_core::quality::Score = inside::child(&extended(&arguments, quick))?;
                    *entry.insert(Quality { psnr_db: score.psnr_db, ssim: score.ssim })
                }
            };
            output.quality = Some(quality);
        }
    }
    Ok(())
}

/// The arguments for a child process, including `--quick` if needed.
fn extended<'a>(arguments: &[&'a OsStr], quick: bool) -> Vec<&'a OsStr> {
    let quick = quick.then_some(OsStr::new("--quick"));
    arguments.iter().copied().chain(quick).collect()
}

/// MD5 of the compressed streams of a file that `options` select.
fn essence_hash(path: &Path, options: &[&str]) -> io::Result<String> {
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -i".split(' ')).arg(path);
    command.args(options).args(["-c", "copy", "-f", "md5", "-"]);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || !text.starts_with("MD5=") {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{command:?} failed: {said}")));
    }
    Ok(text["MD5=".len()..].to_owned())
}
