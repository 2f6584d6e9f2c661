//! Tests that every job in the documentation is a valid document.

use std::path::Path;
use trix_core::document::{Document, Language, Traits};

#[test]
fn every_job_of_the_guide_can_be_read() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/jobs.md");
    let text = std::fs::read_to_string(guide).expect("the guide");
    let mut found = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').expect("a block has lines");
        let parsed = match language {
            "toml" => Language::Toml,
            "yaml" => Language::Yaml,
            "json" => Language::Json,
            _ => continue,
        };
        let document = Document::parse(text, parsed, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let large = Traits { hdr: true, height: 2160.0, channels: 6.0, ..Traits::default() };
        for traits in [Traits::default(), large] {
            document.job(&traits).unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
        found.push(language);
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, ["json", "toml", "yaml"]);
}
