//! Tests that modules have no circular imports within a crate.
//!
//! The test reads imports from the sources and ignores the imports of unit tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Item, ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};
use trix_fixtures::folder;

type Module = Vec<String>;

/// The modules that one file imports or names in paths.
struct Imports<'a> {
    file: &'a Module,
    /// The current module: the module of the file, or one inside it.
    here: Module,
    found: Vec<Module>,
}

impl Imports<'_> {
    /// Resolves a path in the source and records it.
    fn note(&mut self, path: &[String]) {
        let mut at = self.here.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => (at, rest) = (Vec::new(), &path[1..]),
            Some("self") => rest = &path[1..],
            _ => {}
        }
        while let [first, more @ ..] = rest
            && first == "super"
        {
            at.pop();
            rest = more;
        }
        at.extend(rest.iter().cloned());
        self.found.push(at);
    }

    fn tree(&mut self, before: &mut Module, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(before, &path.tree);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
            UseTree::Name(name) if name.ident == "self" => self.note(before),
            UseTree::Name(syn::UseName { ident }) | UseTree::Rename(syn::UseRename { ident, .. }) => {
                before.push(ident.to_string());
                self.note(before);
                before.pop();
            }
            UseTree::Glob(_) => self.note(before),
        }
    }
}

fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    })
}

impl<'a> Visit<'a> for Imports<'_> {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        if !is_of_tests(&module.attrs) {
            self.here.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.here.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        if !is_of_tests(&item.attrs) {
            self.tree(&mut Vec::new(), &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Module = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.note(&names);
        }
        visit::visit_path(self, path);
    }
}

fn sources(folder: &Path, list: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => sources(&path, list),
            false => list.extend(path.extension().is_some_and(|end| end == "rs").then_some(path)),
        }
    }
}

/// Returns the modules of the crate in folder `root`, each with the modules that it imports.
fn imports(root: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut files = Vec::new();
    sources(root, &mut files);
    let module = |file: &Path| -> Module {
        let inner = file.strip_prefix(root).expect("below the root").with_extension("");
        let mut names: Module = inner.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        names.pop_if(|last| last == "mod" || (last == "lib" && inner.components().count() == 1));
        names
    };
    let all: BTreeSet<Module> = files.iter().map(|file| module(file)).collect();
    let mut graph = BTreeMap::new();
    for path in &files {
        let file = module(path);
        let text = fs::read_to_string(path).expect("a source");
        let mut parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // A module declaration is not an import.
        parsed.items.retain(|item| !matches!(item, Item::Mod(module) if module.content.is_none()));
        let mut imports = Imports { file: &file, here: file.clone(), found: Vec::new() };
        imports.visit_file(&parsed);
        let resolved = imports.found.iter().filter_map(|path| {
            // The module of a path is its longest prefix that is a file. Names from the same file are not imports.
            let known = (1..=path.len()).rev().map(|length| &path[..length]).find(|part| all.contains(*part))?;
            (known != imports.file.as_slice()).then(|| known.to_vec())
        });
        graph.insert(file.clone(), resolved.collect());
    }
    graph
}

/// Returns the modules that import themselves, directly or through other modules.
fn in_circles(graph: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<String> {
    let reachable = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Module> = graph[from].iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(graph.get(next).into_iter().flatten());
            }
        }
        seen
    };
    graph.keys().filter(|module| reachable(module).contains(module)).map(|module| module.join("::")).collect()
}

fn crate_sources(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src")
}

/// Adds the files of the modules in `items`. `folder` holds the files of their submodules.
fn declared(items: &[Item], folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for item in items {
        let Item::Mod(module) = item else { continue };
        if module.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            continue;
        }
        let inner = folder.join(module.ident.to_string());
        if let Some((_, items)) = &module.content {
            declared(items, &inner, files);
            continue;
        }
        let file = [inner.with_extension("rs"), inner.join("mod.rs")].into_iter().find(|file| file.is_file());
        let file = file.expect("the file of a module");
        declared(&parsed(&file).items, &inner, files);
        files.insert(file);
    }
}

fn parsed(file: &Path) -> syn::File {
    let text = fs::read_to_string(file).expect("a source");
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn every_file_of_the_integration_tests_is_compiled() {
    for name in ["trix-core", "trix-cli"] {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("tests");
        let (folder, mut files) = (tests.join("suite"), Vec::new());
        sources(&tests, &mut files);
        let main = folder.join("main.rs");
        let mut known = BTreeSet::new();
        declared(&parsed(&main).items, &folder, &mut known);
        assert!(known.insert(main) && known.len() > 20, "{name}: {known:?}");
        assert_eq!(files.into_iter().collect::<BTreeSet<_>>(), known, "{name}: `main.rs` lists every file");
    }
}

#[test]
fn no_module_stands_in_a_circle() {
    let crates = [
        "crates/trix-model",
        "crates/trix-bitstream",
        "crates/trix-av",
        "trix-core",
        "trix-py",
        "trix-cli",
        "fixtures",
    ];
    for folder in crates.map(crate_sources).into_iter().chain([crate_sources("benches").join("bin/peers")]) {
        let (graph, name) = (imports(&folder), folder.display());
        assert!(graph.len() > 2 && graph.values().any(|imports| !imports.is_empty()), "{name} was read");
        assert_eq!(in_circles(&graph), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn modules_of_the_engine_use_those_before_them() {
    let root = crate_sources("trix-core");
    let front = syn::parse_file(&fs::read_to_string(root.join("lib.rs")).expect("lib.rs")).expect("Rust");
    let order: Vec<String> = front
        .items
        .iter()
        .filter_map(|item| if let Item::Mod(module) = item { Some(module.ident.to_string()) } else { None })
        .collect();
    assert!(order.len() > 20, "{order:?}");
    let place = |module: &str| order.iter().position(|known| known == module).expect("a declared module");
    let mut against = BTreeSet::new();
    for (module, imports) in imports(&root) {
        let Some(own) = module.first() else { continue };
        let later = imports.iter().filter_map(|import| import.first()).filter(|other| place(other) > place(own));
        against.extend(later.map(|other| format!("{own} -> {other}")));
    }
    assert_eq!(against.into_iter().collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_circle_of_imports_is_found_however_it_is_written() {
    for (one, two) in [
        ("use crate::two::B;", "use crate::one::A;"),
        ("use super::two::B;", "pub fn f() { crate::one::g() }"),
        ("pub use crate::{two::{self, B}};", "fn f(a: super::one::A) {}"),
    ] {
        let folder = folder();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a source");
        write("lib.rs", "mod one; mod two;");
        write("one.rs", one);
        write("two.rs", two);
        assert_eq!(in_circles(&imports(folder.path())), ["one", "two"], "{one} {two}");
        write("two.rs", &format!("#[cfg(test)]\nmod tests {{ {two} }}"));
        assert_eq!(in_circles(&imports(folder.path())), Vec::<String>::new(), "{one}");
    }
}
