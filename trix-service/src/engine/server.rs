//! The embedded server: one Temporal process with an SQLite file, on loopback.

use std::{fs, io, os::unix::process::CommandExt, process::Command};

use crate::config;

/// The command that runs the server.
///
/// # Errors
/// If its folder cannot be made, or the address has no port.
pub fn command(settings: &config::Engine) -> io::Result<Command> {
    fs::create_dir_all(&settings.folder)?;
    let address = settings.address.trim_start_matches("http://");
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, format!("engine.address: {address} has no port"));
    let (ip, port) = address.trim_end_matches('/').rsplit_once(':').ok_or_else(missing)?;
    let port: u16 = port.parse().map_err(|_| missing())?;
    let mut command = Command::new(&settings.program);
    command.args(["server", "start-dev", "--headless", "--log-level", "warn", "--ip", ip, "--port", &port.to_string()]);
    command.arg("--db-filename").arg(settings.folder.join("engine.db")).args(["--namespace", &settings.namespace]);
    // A commit is on the disk when it returns.
    command.args(["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"]);
    for value in [
        // One list of tasks a queue: a short one would wait for polls of the others.
        "matching.numTaskqueueReadPartitions=1",
        "matching.numTaskqueueWritePartitions=1",
        // Priorities, two for each priority of jobs, and fair shares of submitters.
        "matching.priorityLevels=10",
        "matching.useNewMatcher=true",
        "matching.enableFairness=true",
        // A frozen worker holds a poll for eight seconds at the most.
        "frontend.keepAliveTime=\"5s\"",
        "frontend.keepAliveTimeout=\"3s\"",
    ] {
        command.args(["--dynamic-config-value", value]);
    }
    Ok(command)
}

/// Becomes the server.
///
/// # Errors
/// If the program cannot be started.
pub fn become_it(settings: &config::Engine) -> io::Result<std::convert::Infallible> {
    Err(command(settings)?.exec())
}
