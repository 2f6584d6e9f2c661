//! `trix doctor`, `trix schema`, `trix completions`, `trix man`: about Trix itself.

use clap::CommandFactory;
use schemars::{JsonSchema, generate::SchemaSettings};
use trix_core::{
    Plan, Report,
    control::progress::Progress,
    doctor as health, document,
    probe::MediaInfo,
    verify::{content::Comparison, standalone::FileReport},
};

use crate::{
    args::{Cli, Completions, Doctor, Schema, SchemaName},
    exit, output, render,
};

/// Shows versions, depths and codecs. A missing library is an input/output error: a package must be installed.
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
        SchemaName::Plan => written::<Plan>(),
        SchemaName::MediaInfo => written::<MediaInfo>(),
        SchemaName::Report => written::<Report>(),
        SchemaName::Progress => written::<Progress>(),
        SchemaName::Verify => written::<FileReport>(),
        SchemaName::Compare => written::<Comparison>(),
        SchemaName::Doctor => written::<health::Doctor>(),
        SchemaName::Error => written::<output::Failure>(),
    });
    exit::DONE
}

/// The schema of a document that Trix writes: fields that may be omitted are not required.
fn written<T: JsonSchema>() -> schemars::Schema {
    SchemaSettings::default().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// Prints a completion script.
pub fn completions(args: &Completions) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "trix", &mut script);
    output::text(&String::from_utf8_lossy(&script));
    exit::DONE
}

/// Prints the manual page: first the command, then each subcommand.
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
