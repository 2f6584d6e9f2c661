//! `trix doctor`, `trix schema`, `trix completions`, `trix man`: about Trix itself.

use clap::CommandFactory;
use schemars::schema_for;
use trix_core::{
    Report, doctor as health,
    pipeline::progress::Progress,
    probe::MediaInfo,
    spec::{document, plan::Plan},
    verify::{content::Comparison, standalone::FileReport},
};

use crate::{
    args::{Cli, Completions, Doctor, Schema, SchemaName},
    exit, output, render,
};

/// Shows versions, depths and codecs. What is missing is an input/output matter: a package has to be installed.
pub fn doctor(args: &Doctor) -> u8 {
    let found = health::examine();
    if args.json {
        output::json(&found);
    } else {
        output::text(&render::doctor::text(&found));
    }
    if found.ok { exit::DONE } else { exit::code(trix_core::ErrorKind::Io) }
}

/// Prints a JSON Schema.
pub fn schema(args: &Schema) -> u8 {
    output::json(&match args.name {
        SchemaName::Job => {
            output::json(&document::schema());
            return exit::DONE;
        }
        SchemaName::Plan => schema_for!(Plan),
        SchemaName::MediaInfo => schema_for!(MediaInfo),
        SchemaName::Report => schema_for!(Report),
        SchemaName::Progress => schema_for!(Progress),
        SchemaName::Verify => schema_for!(FileReport),
        SchemaName::Compare => schema_for!(Comparison),
        SchemaName::Doctor => schema_for!(health::Doctor),
        SchemaName::Error => schema_for!(output::Failure),
    });
    exit::DONE
}

/// Prints a completion script.
pub fn completions(args: &Completions) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "trix", &mut script);
    output::text(&String::from_utf8_lossy(&script));
    exit::DONE
}

/// Prints the manual page: the command, then each of its subcommands.
pub fn man() -> u8 {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let mut pages = vec![clap_mangen::Man::new(command.clone())];
    pages.extend(command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned().map(clap_mangen::Man::new));
    for man in pages {
        // Writing to memory does not fail.
        let _ = man.render(&mut page);
    }
    output::text(&String::from_utf8_lossy(&page));
    exit::DONE
}
