//! Arguments about what is written down of a job.

use std::path::PathBuf;

use clap::Args;

/// What is written down about a job.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Run")]
pub struct Records {
    /// Also write the report as JSON into this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print on standard error what happens in the job, a line for each event
    #[arg(short, long)]
    pub verbose: bool,
    /// Append what happens in the job to this file, a line for each event, with the time
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}
