//! The arguments of the command line. Help, completions and the manual are generated from them.

mod encode;
mod habits;
mod job;
mod reading;
mod records;
mod suggested;
pub mod typed;
pub mod usage;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use trix_core::quality::Metric;

pub use self::encode::{
    AlphaChoice, ChangeChoice, ChunkRun, DamageChoice, DeinterlaceChoice, DriftChoice, DynamicHdrChoice, Encode, Kept,
    ProgressChoice, RangeChoice, ResamplerChoice, RotateChoice, TonemapChoice, VerifyChoice, VideoChoice,
};
pub use self::job::{Ingest, Plan, Profiles, Run, Running};
pub use self::reading::{OtherReading, Reading};
pub use self::records::Records;
use crate::exit;

/// Masters in, verified encodes out.
#[derive(Parser)]
#[command(name = "trix", version, after_help = exit::HELP, arg_required_else_help = true)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Show the content of a file
    Probe(Probe),
    /// Make all copies of one or more masters that a profile defines, each from one decode
    Ingest(Ingest),
    /// Encode a source into one output, verify it, and report
    Encode(Box<Encode>),
    /// Run a job file (TOML, YAML or JSON)
    Run(Run),
    /// Show the plan of a job, with every default, and run nothing
    Plan(Plan),
    /// List the profiles, show one, or check a file
    Profiles(Profiles),
    /// Check that a file is complete, by decoding all of it
    Verify(Verify),
    /// Score the frames of one file against those of another
    Compare(Compare),
    /// Show versions, depths and codecs, and what is missing
    Doctor(Doctor),
    /// Print the JSON Schema of a document that Trix reads or writes
    Schema(Schema),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page of trix, or of one of its commands (roff)
    Man(Man),
    /// Show how far the jobs with chunks in a folder are
    Status(Status),
    /// List, and remove, what killed jobs left in a folder
    Clean(Clean),
    /// Encode one chunk, for another process of trix
    #[command(hide = true)]
    Unit,
}

/// Arguments of `trix probe`.
#[derive(Args)]
pub struct Probe {
    /// A local media file
    pub source: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    /// Decode everything, and count frames, samples and damage
    #[arg(long)]
    pub count: bool,
    /// How progress is shown on standard error
    #[arg(long, default_value = "auto")]
    pub progress: ProgressChoice,
    /// Print JSON (see `trix schema media-info`)
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `trix verify`.
#[derive(Args)]
pub struct Verify {
    /// The file to check
    pub file: PathBuf,
    /// The source to compare its frames with (PSNR, SSIM)
    #[arg(long, value_name = "SOURCE")]
    pub against: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub other: OtherReading,
    /// How progress is shown on standard error
    #[arg(long, default_value = "auto")]
    pub progress: ProgressChoice,
    /// Print JSON (see `trix schema verify`)
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `trix compare`.
#[derive(Args)]
pub struct Compare {
    /// The reference file
    pub reference: PathBuf,
    /// The file to score
    pub distorted: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub other: OtherReading,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    /// The metrics to compute: psnr, ssim, and vmaf in builds that have it
    #[arg(long, value_name = "METRIC", value_delimiter = ',', default_value = "psnr,ssim")]
    pub metric: Vec<Metric>,
    /// How progress is shown on standard error
    #[arg(long, default_value = "auto")]
    pub progress: ProgressChoice,
    /// Print JSON (see `trix schema compare`)
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `trix doctor`.
#[derive(Args)]
pub struct Doctor {
    /// Print JSON (see `trix schema doctor`)
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `trix schema`.
#[derive(Args)]
pub struct Schema {
    /// The name of the schema
    #[arg(value_name = "NAME")]
    pub name: SchemaName,
    /// Print all keys of a job as a table in Markdown: type, default, values, meaning
    #[arg(long)]
    pub table: bool,
}

/// The documents that have a schema.
#[derive(Clone, Copy, ValueEnum)]
pub enum SchemaName {
    /// A job file
    Job,
    /// The output of `trix plan --json`
    Plan,
    /// The output of `trix probe --json`
    MediaInfo,
    /// The output of ingest, run and encode with `--json`
    Report,
    /// A line of `--progress json`
    Progress,
    /// An event of a running job, for programs that use the library
    Event,
    /// The output of `trix verify --json`
    Verify,
    /// The output of `trix compare --json`
    Compare,
    /// The output of `trix doctor --json`
    Doctor,
    /// The output of `--json` after a failure
    Error,
    /// The manifest that `trix ingest` writes beside the copies
    Manifest,
    /// The output of `trix ingest --json` for several masters
    Summary,
    /// The output of `trix status --json`
    Status,
}

/// Arguments of `trix completions`.
#[derive(Args)]
pub struct Completions {
    /// The name of the shell
    pub shell: Shell,
}

/// Arguments of `trix man`.
#[derive(Args)]
pub struct Man {
    /// The command [default: trix itself]
    #[arg(value_name = "COMMAND", value_parser = suggested::command(), hide_possible_values = true)]
    pub command: Option<String>,
    /// Write the pages of trix and of all its commands into this folder
    #[arg(short, long, value_name = "DIR", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// Arguments of `trix status`.
#[derive(Args)]
pub struct Status {
    /// The folder of the outputs, or of the chunks
    pub folder: PathBuf,
    /// Print JSON (see `trix schema status`)
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `trix clean`.
#[derive(Args)]
pub struct Clean {
    /// The folder to look into
    pub folder: PathBuf,
    /// Also look into its subfolders
    #[arg(short, long)]
    pub recursive: bool,
    /// Only list what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }
}
