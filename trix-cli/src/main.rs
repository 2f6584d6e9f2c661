//! `trix`: the command line of Trix. Arguments in, rendering out; what happens between is trix-core's.

mod args;
mod commands;
mod exit;
mod output;
mod render;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let cli = args::Cli::parse();
    let code = commands::dispatch(cli.command);
    // A cancelled encode may leave threads behind that are still inside an encoder; ending the process ends them.
    std::process::ExitCode::from(code)
}
