//! `trix`: the command line of Trix.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(trix_cli::run(std::env::args_os().collect()))
}
