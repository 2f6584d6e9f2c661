//! The commands, one function for each. Each returns the exit code of the process.

mod clean;
mod confine;
mod encode;
mod files;
mod ingest;
mod inspect;
mod interrupt;
mod job;
mod man;
mod masters;
mod meta;
mod running;
mod status;
mod unit;
mod written;

use crate::args::Command;

/// Runs a command.
pub fn dispatch(command: Command) -> u8 {
    match command {
        Command::Probe(args) => inspect::probe(&args),
        Command::Ingest(args) => ingest::ingest(&args),
        Command::Run(args) => job::run(&args),
        Command::Plan(args) => job::plan(&args),
        Command::Profiles(args) => job::profiles(&args),
        Command::Encode(args) => encode::encode(&args),
        Command::Verify(args) => inspect::verify(&args),
        Command::Compare(args) => inspect::compare(&args),
        Command::Doctor(args) => meta::doctor(&args),
        Command::Schema(args) => meta::schema(&args),
        Command::Completions(args) => meta::completions(&args),
        Command::Man(args) => man::man(&args),
        Command::Status(args) => status::status(&args),
        Command::Clean(args) => clean::clean(&args),
        Command::Unit => unit::unit(),
    }
}

/// True if the command prints the JSON report of a job.
pub fn prints_report(command: &Command) -> bool {
    match command {
        Command::Ingest(args) => args.running.json,
        Command::Run(args) => args.running.json,
        Command::Encode(args) => args.json,
        _ => false,
    }
}
