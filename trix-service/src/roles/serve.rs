//! A whole farm on one machine: a process for each role, each started anew when it ends.

use std::{ffi::OsString, process::Stdio, time::Duration};

use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::{Role, pause};
use crate::{
    catalogue::{Catalogue, Role as UserRole, random_password},
    config::Config,
    error::{Error, Result},
};

/// The roles of the farm, in the order in which they begin.
const ROLES: [Role; 4] = [Role::Engine, Role::Dispatcher, Role::Api, Role::Worker];
/// The name of the first user.
const FIRST: &str = "admin";

/// Runs the farm until `end`.
pub(super) async fn run(config: Config, end: &CancellationToken) -> Result<()> {
    let failed = |error: std::io::Error| Error::invalid(format!("mounts: {error}"));
    config.mounts.mark().map_err(failed)?;
    let catalogue = Catalogue::open(&config.catalogue).await?;
    if catalogue.users().await?.is_empty() {
        let password = random_password()?;
        catalogue.set_user(FIRST, &password, UserRole::Administrator, "trixd").await?;
        tell(&format!("first user: {FIRST}, password: {password}"));
    }
    tell(&format!("the web page is at http://{}/", config.api.listen));
    let running: Vec<_> = ROLES.into_iter().map(|role| tokio::spawn(supervise(role, end.clone()))).collect();
    for role in running {
        let _ = role.await;
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn tell(text: &str) {
    println!("{text}");
}

/// Runs the process of a role, and starts it anew when it ends before `end`.
async fn supervise(role: Role, end: CancellationToken) {
    loop {
        let own = std::env::current_exe().and_then(|program| {
            // The same arguments, with another role. A file of settings can have the name of the role, too.
            let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
            let is_value =
                |at: usize, all: &[OsString]| at > 0 && (all[at - 1] == "--config" || all[at - 1] == "--index");
            let own =
                (0..arguments.len()).find(|at| arguments[*at] == Role::Serve.name() && !is_value(*at, &arguments));
            if let Some(at) = own {
                arguments[at] = role.name().into();
            }
            Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
        });
        match own {
            Ok(mut child) => {
                tokio::select! {
                    status = child.wait() => tracing::warn!(role = role.name(), ?status, "ended"),
                    () = end.cancelled() => {
                        if let Some(pid) = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid as i32)) {
                            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
                        }
                        if tokio::time::timeout(Duration::from_secs(10), child.wait()).await.is_err() {
                            let _ = child.kill().await;
                        }
                        return;
                    }
                }
            }
            Err(error) => tracing::error!(role = role.name(), %error, "cannot be started"),
        }
        if !pause(1.0, &end).await {
            return;
        }
    }
}
