//! The processes of a farm.

mod api;
mod dispatcher;
mod serve;
mod worker;

use clap::ValueEnum;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    engine::server,
    error::{Error, Result},
    logs, metrics,
};

pub use dispatcher::dispatch;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The embedded workflow engine.
    Engine,
    /// Hands jobs to the engine, and decides what comes next.
    Dispatcher,
    /// The API server and the web page.
    Api,
    /// Does the work.
    Worker,
    /// All of them, one of each.
    Serve,
}

impl Role {
    /// The name of the role on the command line, and in the paths of logs.
    pub fn name(self) -> &'static str {
        match self {
            Role::Engine => "engine",
            Role::Dispatcher => "dispatcher",
            Role::Api => "api",
            Role::Worker => "worker",
            Role::Serve => "serve",
        }
    }
}

/// Runs a role until it is told to end. Returns the exit code.
///
/// # Errors
/// Those of beginning it.
pub async fn run(role: Role, config: Config, index: Option<u32>) -> Result<u8> {
    let _logging = logs::begin(&config.logs, role.name(), index)?;
    metrics::begin(&config.metrics)?;
    let end = CancellationToken::new();
    tokio::spawn(signalled(end.clone()));
    tracing::info!(role = role.name(), version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "begins");
    let code = match role {
        Role::Engine => {
            let failed =
                |error: std::io::Error| Error::invalid(format!("{}: {error}", config.engine.program.display()));
            match server::become_it(&config.engine).map_err(failed)? {}
        }
        Role::Dispatcher => dispatcher::run(&config, &end).await.map(|()| 0),
        Role::Api => api::run(config, &end).await.map(|()| 0),
        Role::Worker => worker::run(config, &end).await,
        Role::Serve => serve::run(config, &end).await.map(|()| 0),
    };
    tracing::info!(role = role.name(), ?code, "ends");
    code
}

/// Cancels `end` when the process is told to end.
async fn signalled(end: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    end.cancel();
}

/// Waits for `seconds`, or for the end. Returns false at the end.
async fn pause(seconds: f64, end: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(std::time::Duration::from_secs_f64(seconds)) => true,
        () = end.cancelled() => false,
    }
}
