//! `trix`: the command line of Trix. Arguments in, rendering out; what happens between is trix-core's.

mod args;
mod commands;
mod exit;
mod output;
mod render;

use std::io::Write;

use clap::Parser;

fn main() -> std::process::ExitCode {
    // A file that becomes larger than `ulimit -f` allows is then an error of writing, which names the file, and not the
    // end of the process.
    trix_core::survive_file_size_limit();
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        // Help and versions are what was asked for; everything else is wrong usage.
        Err(told) => {
            let code = u8::try_from(told.exit_code()).unwrap_or(2);
            let printed = told.print().and_then(|()| std::io::stdout().flush());
            if !told.use_stderr() {
                output::wrote(printed);
            }
            return std::process::ExitCode::from(output::settle(code, false));
        }
    };
    let is_report = commands::prints_report(&cli.command);
    let code = output::settle(commands::dispatch(cli.command), is_report);
    // A cancelled encode may leave threads behind that are still inside an encoder; ending the process ends them.
    std::process::ExitCode::from(code)
}
