//! `trixd`: the processes of the ingest service.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use trix_service::{
    catalogue::{Catalogue, Role as UserRole},
    check::{Finding, check},
    config::Config,
    doctor,
    error::{Error, Result},
    roles::{self, Role},
    steps,
};

#[derive(Parser)]
#[command(name = "trixd", version, about = "The ingest service: a farm that turns masters into verified copies")]
struct Arguments {
    /// The file of settings. TRIXD_SECTION_KEY in the environment overrides a setting.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Tells several processes of a role on one machine apart, in the paths of logs.
    #[arg(long, global = true, value_name = "NUMBER")]
    index: Option<u32>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the embedded workflow engine.
    Engine,
    /// Run a dispatcher: hand jobs to the engine, and decide what comes next.
    Dispatcher,
    /// Run an API server with the web page.
    Api,
    /// Run a worker.
    Worker,
    /// Run a whole farm on this machine.
    Serve,
    /// Look at mounts, database, engine, clock and programs. The exit code is 1 if something is wrong.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show versions, libraries, programs and settings, for a report of a fault. Nothing in it is secret.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the whole catalogue into a file.
    Backup {
        /// The file, which does not exist yet.
        file: PathBuf,
    },
    /// Read a backup into an empty catalogue, of either kind.
    Restore {
        /// The file that `trixd backup` wrote.
        file: PathBuf,
    },
    /// Add a user, or change password and role. The password is read from standard input.
    User {
        /// The name.
        name: String,
        /// What the user may do: viewer, operator or administrator.
        #[arg(long, default_value = "operator")]
        role: String,
    },
    /// Do the step that the worker sends.
    #[command(hide = true)]
    Step,
    /// Look at what the API server sends.
    #[command(hide = true)]
    Look,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let role = match &arguments.command {
        Command::Step => {
            steps::serve();
            return ExitCode::SUCCESS;
        }
        Command::Look => return look(),
        Command::Engine => Some(Role::Engine),
        Command::Dispatcher => Some(Role::Dispatcher),
        Command::Api => Some(Role::Api),
        Command::Worker => Some(Role::Worker),
        Command::Serve => Some(Role::Serve),
        Command::Check { .. }
        | Command::Doctor { .. }
        | Command::Backup { .. }
        | Command::Restore { .. }
        | Command::User { .. } => None,
    };
    let work = async {
        let config = Config::read(arguments.config.as_deref())?;
        match (role, &arguments.command) {
            (Some(role), _) => roles::run(role, config, arguments.index).await,
            (None, Command::User { name, role }) => add_user(&config, name, role).await.map(|()| 0),
            (None, Command::Check { json }) => Ok(u8::from(!checked(&config, *json).await)),
            (None, Command::Doctor { json }) => Ok(u8::from(!examined(&config, *json).await)),
            (None, Command::Backup { file }) => {
                let rows = Catalogue::open(&config.catalogue).await?.back_up(file).await?;
                tell(&format!("{rows} rows are in {}", file.display()));
                Ok(0)
            }
            (None, Command::Restore { file }) => {
                let rows = Catalogue::open(&config.catalogue).await?.restore(file).await?;
                tell(&format!("{rows} rows of {} are in the catalogue", file.display()));
                Ok(0)
            }
            (None, _) => Ok(0),
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(Error::Bug(error.to_string())),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tell(&format!("trixd: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr)]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// Prints what was found. True if all is well.
#[allow(clippy::print_stdout)]
async fn checked(config: &Config, json: bool) -> bool {
    let found = check(config).await;
    if json {
        println!("{}", serde_json::to_string_pretty(&found).unwrap_or_default());
    } else {
        for Finding { part, is_well, detail } in &found {
            println!("{:5} {part}: {detail}", if *is_well { "ok" } else { "WRONG" });
        }
    }
    found.iter().all(|own| own.is_well)
}

/// Prints what this machine has. True if nothing is missing.
#[allow(clippy::print_stdout)]
async fn examined(config: &Config, json: bool) -> bool {
    let found = doctor::examine(config).await;
    if json {
        println!("{}", serde_json::to_string_pretty(&found).unwrap_or_default());
    } else {
        print!("{}", found.text());
    }
    found.ok
}

async fn add_user(config: &Config, name: &str, role: &str) -> Result<()> {
    let known = UserRole::ALL.into_iter().find(|known| known.name() == role);
    let role =
        known.ok_or_else(|| Error::invalid(format!("--role: {role} is not viewer, operator or administrator")))?;
    let mut password = String::new();
    std::io::stdin().read_line(&mut password).map_err(|error| Error::invalid(format!("password: {error}")))?;
    let catalogue = Catalogue::open(&config.catalogue).await?;
    catalogue.set_user(name, password.trim_end_matches(['\r', '\n']), role, "trixd").await
}

/// Prints what was found as JSON, or the error document.
#[allow(clippy::print_stdout)]
fn look() -> ExitCode {
    let (text, is_well) = trix_service::looks::serve();
    println!("{text}");
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
