//! The command line of Trix. It parses arguments and renders results; trix-core does the work.
//!
//! The program `trix` and the command of the Python package are [`run`].

mod args;
mod commands;
mod exit;
mod output;
mod render;

use std::{ffi::OsString, io::Write};

use clap::Parser;

/// True if the arguments are wrong. Otherwise the message is the help or the version.
fn is_wrong(message: &clap::Error) -> bool {
    use clap::error::ErrorKind::*;
    !matches!(message.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand)
}

/// Runs the command line with these arguments, the first of which is the name of the program, and returns the exit code. Once in
/// a process, which should end then: a cancelled encode may leave threads that are still inside an encoder.
pub fn run(arguments: Vec<OsString>) -> u8 {
    // Makes a file that exceeds `ulimit -f` a write error with the file's name. Otherwise the signal would end the
    // process.
    trix_core::survive_file_size_limit();
    let cli = match args::Cli::try_parse_from(args::typed::set(arguments)) {
        Ok(cli) => cli,
        // Help and version are successful results. Everything else is wrong usage.
        Err(message) if is_wrong(&message) => {
            let code = output::usage(&message, &args::typed::Typed::of_process());
            return output::settle(code, false);
        }
        Err(message) => {
            let code = u8::try_from(message.exit_code()).unwrap_or(2);
            let printed = message.print().and_then(|()| std::io::stdout().flush());
            if !message.use_stderr() {
                output::wrote(printed);
            }
            return output::settle(code, false);
        }
    };
    let is_report = commands::prints_report(&cli.command);
    output::settle(commands::dispatch(cli.command), is_report)
}
