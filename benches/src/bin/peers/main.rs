//! `peers`: whole jobs of Trix beside the same jobs of the `ffmpeg` program, and beside the encoder alone.
//!
//! Every tool does a case once in each round, in an order that turns by one from round to round, so that a machine that
//! becomes faster or slower meanwhile does so for all of them. Nothing here judges a speed: the numbers are printed,
//! with how much they vary, and kept.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints tables")]

mod case;
mod inside;
mod machine;
mod measure;
mod results;
mod table;

use std::{
    env,
    error::Error,
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use case::{CASES, Case, Tool};
use clap::Parser;
use machine::Machine;
use measure::Cost;
use results::{CaseResult, Quality, Run, Series};

/// Compare whole jobs of Trix with the ffmpeg program
#[derive(Parser)]
#[command(name = "peers")]
struct Arguments {
    /// How often every tool does every case
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Only these cases, by letter
    #[arg(long, value_delimiter = ',', value_name = "A,B", value_parser = by_key)]
    only: Vec<Case>,
    /// A few pictures and one run: shows that everything works, and nothing about speed
    #[arg(long)]
    quick: bool,
    /// Write FILE.md and FILE.json [default for a full run: benches/runs/DATE-N-cores]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// (for itself) Time the encoder of a case over pictures in memory
    #[arg(long, hide = true, value_name = "CASE", value_parser = by_key)]
    encoder_alone: Option<Case>,
    /// (for itself) Score a file against the source of --only
    #[arg(long, hide = true, value_name = "FILE")]
    score: Option<PathBuf>,
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
    let cases = if arguments.only.is_empty() { CASES.to_vec() } else { arguments.only.clone() };
    let cases: Vec<Case> = cases.into_iter().map(sized).collect();
    if let (Some(file), Some(case)) = (&arguments.score, cases.first()) {
        println!("{}", serde_json::to_string(&inside::score(case, &case.source()?, file)?)?);
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
        found.push(compare(case, &trix, runs, arguments.quick)?);
    }
    let run = Run { machine, runs, quick: arguments.quick, cases: found };
    let text = table::markdown(&run);
    println!("{text}");

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

/// Not `with_extension`, which would cut off what follows a dot in the name.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    name.into()
}

/// All rounds of one case.
fn compare(case: &Case, trix: &Path, runs: u32, quick: bool) -> Result<CaseResult, Box<dyn Error>> {
    let source = case.source()?;
    // The first tool of the first round must not be the one that waits for the disk.
    io::copy(&mut File::open(&source)?, &mut io::sink())?;
    let folder = trix_benches::folder()?;
    let output = |tool: Tool| folder.join(format!("out-{}-{}.mp4", case.key, tool.name().replace([',', ' '], "")));

    let mut series: Vec<Series> = Tool::ALL.iter().map(|tool| Series::new(tool.name())).collect();
    for round in 0..runs as usize {
        for turn in 0..Tool::ALL.len() {
            let at = (turn + round) % Tool::ALL.len();
            let tool = Tool::ALL[at];
            let path = output(tool);
            let cost = match case.command(tool, trix, &source, &path) {
                Some(command) => {
                    let cost = measure::run(command)?;
                    series[at].pictures.push(picture_hash(case, &path)?);
                    Cost { output_bytes: fs::metadata(&path)?.len(), ..cost }
                }
                None => inside::child(&extended(&["--encoder-alone".as_ref(), case.key.as_ref()], quick))?,
            };
            eprintln!("peers:   round {}: {:<19} {:7.2} s, CPU {:7.2} s", round + 1, tool.name(), cost.wall, cost.cpu);
            series[at].costs.push(cost);
        }
    }
    for (series, tool) in series.iter_mut().zip(Tool::ALL) {
        if tool != Tool::EncoderAlone {
            let path = output(tool);
            let arguments = ["--only".as_ref(), case.key.as_ref(), "--score".as_ref(), path.as_os_str()];
            let score: trix_core::quality::Score = inside::child(&extended(&arguments, quick))?;
            series.quality = Some(Quality { psnr_db: score.psnr_db, ssim: score.ssim });
        }
    }
    Ok(CaseResult::new(case, fs::metadata(&source)?.len(), series))
}

/// The arguments, and what a child must be told besides.
fn extended<'a>(arguments: &[&'a OsStr], quick: bool) -> Vec<&'a OsStr> {
    let quick = quick.then_some(OsStr::new("--quick"));
    arguments.iter().copied().chain(quick).collect()
}

/// MD5 over the coded pictures of a file, without headers and messages, in which programs may name themselves.
fn picture_hash(case: &Case, path: &Path) -> io::Result<String> {
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -i".split(' ')).arg(path);
    let filter = format!("filter_units=pass_types={}", case.picture_units());
    command.args(["-map", "0:v", "-c", "copy", "-bsf:v", &filter, "-f", "md5", "-"]);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || !text.starts_with("MD5=") {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{command:?} failed: {said}")));
    }
    Ok(text["MD5=".len()..].to_owned())
}
