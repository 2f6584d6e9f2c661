//! Tests that the libraries of the Python wheel have what the engine asks FFmpeg for.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use trix_av::named::has_filter;

/// Words in the chains and messages of filters that are names of other filters.
const OTHER_WORDS: [&str; 4] = ["color", "colorspace", "latency", "mix"];

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The values of a list in the recipes, which is written in several lines.
fn listed(list: &str) -> BTreeSet<String> {
    let recipes = fs::read_to_string(in_repository("scripts/vendored/recipes.sh")).expect("recipes");
    let lines = recipes.lines().filter_map(|line| line.strip_prefix(list)?.trim_start_matches('+').strip_prefix('='));
    lines.flat_map(|line| line.split(',')).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The words in the strings of a source file, without its unit tests.
fn words_in_strings(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let code: Vec<&str> = text.split("#[cfg(test)]").next().expect("a part").lines().collect();
    let code: Vec<&str> = code.into_iter().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let strings = code.join("\n");
    let words = strings.split('"').skip(1).step_by(2);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    words.flat_map(|string| string.split(|letter| !is_part(letter)).map(str::to_owned)).collect()
}

#[test]
fn the_wheel_has_all_filters_of_the_chains_and_no_others() {
    let mut files: Vec<PathBuf> = fs::read_dir(in_repository("trix-core/src/filter"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect();
    files.push(in_repository("trix-core/src/reading/field_detection.rs"));
    let words: BTreeSet<String> = files.iter().flat_map(|file| words_in_strings(file)).collect();
    let used = words.into_iter().filter(|word| !OTHER_WORDS.contains(&word.as_str()) && has_filter(word));
    assert_eq!(used.collect::<BTreeSet<_>>(), listed("ffmpeg_filters"));
}
