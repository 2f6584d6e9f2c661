//! `docs/invariants.md` names the tests that hold each invariant. This file checks that these tests exist, that every
//! invariant has one, and that `docs/architecture.md` numbers and names the same invariants.
//!
//! The test reads the sources and runs nothing. It checks the files and modules that `docs/architecture.md` names in
//! the same way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Ident, ItemFn, ItemMacro, Token,
    parse::{ParseStream, Result},
    token::Bracket,
    visit::{self, Visit},
};
use trix_fixtures::folder;

/// The folders of the workspace in which tests are searched.
const ROOTS: [&str; 8] = [
    "trix-core/tests",
    "trix-cli/tests",
    "crates/trix-bitstream/tests",
    "trix-core/src",
    "trix-cli/src",
    "crates/trix-model/src",
    "crates/trix-bitstream/src",
    "crates/trix-av/src",
];

/// The tests of each file. A key is the path of the file below its root, without the extension.
type Tests = BTreeMap<Vec<String>, BTreeSet<String>>;

/// Collects the names of the tests of one file. Tests of modules inside the file, and tests in macros, count.
#[derive(Default)]
struct Found(BTreeSet<String>);

impl<'a> Visit<'a> for Found {
    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        let is_ignored = item.attrs.iter().any(|attribute| attribute.path().is_ident("ignore"));
        if item.attrs.iter().any(marks_test) && !is_ignored {
            self.0.insert(item.sig.ident.to_string());
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_item_macro(&mut self, item: &'a ItemMacro) {
        if let Ok(names) = item.mac.parse_body_with(tests_of_macro) {
            self.0.extend(names);
        }
    }
}

fn marks_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("test")
}

/// The functions behind `#[test]` in the body of a macro such as `proptest!`. Their arguments are no Rust.
fn tests_of_macro(input: ParseStream<'_>) -> Result<Vec<String>> {
    let (mut names, mut is_test) = (Vec::new(), false);
    while !input.is_empty() {
        if input.peek(Token![#]) && input.peek2(Bracket) {
            is_test |= input.call(Attribute::parse_outer)?.iter().any(marks_test);
        } else if input.peek(Token![fn]) {
            input.parse::<Token![fn]>()?;
            let name: Ident = input.parse()?;
            names.extend(std::mem::take(&mut is_test).then(|| name.to_string()));
        } else {
            input.step(|cursor| {
                cursor.token_tree().map(|(_, rest)| ((), rest)).ok_or_else(|| cursor.error("no token"))
            })?;
        }
    }
    Ok(names)
}

/// Adds the tests of all files below `folder` to `tests`.
fn read_tests(root: &Path, folder: &Path, tests: &mut Tests) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_tests(root, &path, tests);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut found = Found::default();
            found.visit_file(&file);
            let inner = path.strip_prefix(root).expect("below the root").with_extension("");
            let key = inner.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            tests.entry(key).or_default().append(&mut found.0);
        }
    }
}

/// True if the file at `path` is module `name`: if a file or folder of the path has this name, or if neighbouring parts
/// of the path form the name. `package/refusals.rs` is `package`, `refusals` and `package_refusals`.
fn is_module(path: &[String], name: &str) -> bool {
    (0..path.len()).any(|first| (first..path.len()).any(|last| path[first..=last].join("_") == name))
}

/// Returns what is wrong with one name of a test, `module::function` or `module::*`. `None` if the test exists.
fn problem_of(name: &str, tests: &Tests) -> Option<String> {
    let (module, function) = name.rsplit_once("::")?;
    let mut files = tests.iter().filter(|(path, _)| is_module(path, module)).map(|(_, functions)| functions).peekable();
    if files.peek().is_none() {
        return Some(format!("{name}: no file or folder has the name {module}"));
    }
    let holds = |functions: &BTreeSet<String>| match function {
        "*" => !functions.is_empty(),
        _ => functions.contains(function),
    };
    (!files.any(holds)).then(|| format!("{name}: {module} has no such test"))
}

/// Returns the names of tests in a text: the code spans that contain `::`.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).filter(|span| span.contains("::")).collect()
}

/// The invariants of the index, each with its number, its name and the text below its heading: `## 1. Name`.
fn sections(index: &str) -> Vec<(u32, &str, &str)> {
    let parts = index.split("\n## ").skip(1);
    parts
        .filter_map(|part| {
            let (heading, text) = part.split_once('\n')?;
            let (number, name) = heading.split_once(". ")?;
            Some((number.parse().ok()?, name, text))
        })
        .collect()
}

/// The invariants of the architecture, each with its number and its name: `1. **Name.** What holds.`
fn listed(architecture: &str) -> Vec<(u32, &str)> {
    let lines = architecture.lines().filter_map(|line| {
        let (number, rest) = line.split_once(". **")?;
        Some((number.parse().ok()?, rest.split_once(".**")?.0))
    });
    lines.collect()
}

/// Returns all mistakes in the index.
fn problems(index: &str, architecture: &str, tests: &Tests) -> Vec<String> {
    let mut list: Vec<String> = names(index).iter().filter_map(|name| problem_of(name, tests)).collect();
    let sections = sections(index);
    for (number, name, text) in &sections {
        if names(text).is_empty() {
            list.push(format!("{number}. {name}: no test"));
        }
    }
    let indexed: Vec<(u32, &str)> = sections.iter().map(|(number, name, _)| (*number, *name)).collect();
    let listed = listed(architecture);
    let outside = |list: &[(u32, &str)], of: &(u32, &str)| !list.contains(of);
    let missing =
        listed.iter().filter(|one| outside(&indexed, one)).map(|(n, name)| format!("{n}. {name}: not in the index"));
    let unknown = indexed
        .iter()
        .filter(|one| outside(&listed, one))
        .map(|(n, name)| format!("{n}. {name}: not in the architecture"));
    list.extend(missing.chain(unknown));
    let numbers: Vec<u32> = indexed.iter().map(|(number, _)| *number).collect();
    if numbers != (1..=numbers.len() as u32).collect::<Vec<_>>() {
        list.push(format!("the numbers are {numbers:?}"));
    }
    list
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_invariant_names_tests_that_exist() {
    let mut tests = Tests::new();
    for root in ROOTS {
        let root = workspace().join(root);
        read_tests(&root, &root, &mut tests);
    }
    let page = |name: &str| fs::read_to_string(workspace().join("docs").join(name)).expect("a page");
    let (index, architecture) = (page("invariants.md"), page("architecture.md"));
    assert!(names(&index).len() > 100 && sections(&index).len() >= 10, "the page was read");
    assert_eq!(problems(&index, &architecture, &tests), Vec::<String>::new());
}

#[test]
fn every_file_and_module_of_the_architecture_exists() {
    let text = fs::read_to_string(workspace().join("docs/architecture.md")).expect("a page");
    let engine = workspace().join("trix-core/src");
    let roots = [workspace(), engine.clone(), workspace().join("crates/trix-model/src")];
    let is_file = |span: &&str| span.ends_with(".rs") || (span.contains('/') && !span.contains(' '));
    let files: BTreeSet<&str> = text.split('`').skip(1).step_by(2).filter(is_file).collect();
    assert!(files.len() > 30, "{files:?}");
    let gone: Vec<_> = files.iter().filter(|file| !roots.iter().any(|root| root.join(file).exists())).collect();
    assert_eq!(gone, Vec::<&&str>::new());

    let (_, table) = text.split_once("## Modules of trix-core").expect("the table of modules");
    let (table, _) = table.split_once("\n## ").expect("a section behind it");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let named: Vec<&str> = rows.map(|(module, _)| module).collect();
    let front = syn::parse_file(&fs::read_to_string(engine.join("lib.rs")).expect("lib.rs")).expect("Rust");
    let modules = front.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    assert_eq!(named, modules.collect::<Vec<_>>());
}

#[test]
fn a_page_with_a_missing_test_is_refused() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("package")).expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a source");
    write(
        "times.rs",
        "#[test] fn one() {} fn helper() {} #[test] #[ignore] fn idle() {} mod inner { #[test] fn two() {} }",
    );
    write(
        "package/refusals.rs",
        "proptest! { #![config(9)] /// Text.\n #[test] fn three(a in 0..9) { b(a) } fn no(a in 1) {} }",
    );
    write("empty.rs", "fn helper() {}");
    let mut tests = Tests::new();
    read_tests(folder.path(), folder.path(), &mut tests);

    let architecture = "# Page\n\n1. **First.** It holds.\n2. **Second.** It holds too.\n";
    let whole = "# Page\n\n## 1. First\n\n- `times::one`, `times::two`\n\n## 2. Second\n\n- All: `times::*`; `refusals::three`,\n  \
                 `package::three`, `package_refusals::three`\n";
    assert_eq!(problems(whole, architecture, &tests), Vec::<String>::new());

    for (right, wrong, stated) in [
        ("times::one", "times::gone", "times::gone: times has no such test"),
        ("times::one", "times::helper", "times::helper: times has no such test"),
        ("times::one", "times::idle", "times::idle: times has no such test"),
        ("times::one", "clocks::one", "clocks::one: no file or folder has the name clocks"),
        ("times::*", "empty::*", "empty::*: empty has no such test"),
        ("package::three", "package::no", "package::no: package has no such test"),
    ] {
        assert_eq!(problems(&whole.replace(right, wrong), architecture, &tests), [stated]);
    }
    assert_eq!(
        problems(&whole.replace("`times::one`, `times::two`", "none"), architecture, &tests),
        ["1. First: no test"]
    );
    assert_eq!(
        problems(&whole.replace("2. Second", "2. Other"), architecture, &tests),
        ["2. Second: not in the index", "2. Other: not in the architecture"]
    );
    assert_eq!(
        problems(&whole.replace("2. Second", "3. Second"), architecture, &tests),
        ["2. Second: not in the index", "3. Second: not in the architecture", "the numbers are [1, 3]"]
    );
}
