//! What a plan needs before its first frame: names, folders, space on disk and memory.
//!
//! Invariant: nothing is written here. A plan is compared with this machine without decoding a frame.

mod space;

use std::{
    fs,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trix_model::{
    amount::bytes,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
};

use self::space::folder_of;
pub use self::space::{Space, space_of};
pub(crate) use self::space::{expected_frames, seconds};
use crate::{machine, package, plan::Plan, source::Source};

/// What a plan needs, and what there is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preflight {
    /// Names that exist already and may not be replaced.
    #[serde(with = "trix_model::path_text::list")]
    #[schemars(with = "Vec<PathBuf>")]
    pub taken: Vec<PathBuf>,
    /// Folders that are missing.
    #[serde(with = "trix_model::path_text::list")]
    #[schemars(with = "Vec<PathBuf>")]
    pub missing_folders: Vec<PathBuf>,
    /// The space that the outputs may take, for each file system.
    pub space: Vec<Space>,
    /// The memory that the plan takes at most, in bytes.
    pub memory: u64,
    /// The memory that is free at this moment, in bytes; `None` if the system does not say.
    pub free_memory: Option<u64>,
    /// Why this machine is too small for the plan, if it is.
    pub doubt: Option<Decision>,
    /// Offsets of external audio that are probably wrong, one sentence each.
    #[serde(default)]
    pub offsets: Vec<String>,
}

impl Preflight {
    /// What may keep the job from its end, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let short = self.space.iter().filter_map(|space| space.shortage("the outputs"));
        let free = self.free_memory.filter(|free| *free < self.memory);
        let free = free
            .map(|free| format!("the job takes up to {} of memory, and {} are free", bytes(self.memory), bytes(free)));
        // A machine that is too small never has as much free.
        let doubt = self.doubt.as_ref().map(|Decision { what, why }| format!("{what}: {why}"));
        short.chain(doubt.or(free)).chain(self.offsets.iter().cloned()).collect()
    }
}

/// Compares what `plan` needs with what there is on this machine. `source` is that of the plan.
pub fn preflight(plan: &Plan, source: &Source) -> Preflight {
    let products = products(plan);
    let mut folders: Vec<PathBuf> = products.iter().map(|(path, _)| folder_of(path)).collect();
    folders.sort();
    folders.dedup();
    Preflight {
        taken: taken(&products),
        missing_folders: folders.into_iter().filter(|folder| !folder.is_dir()).collect(),
        space: space::space(plan, source),
        memory: plan.memory.estimate,
        free_memory: machine::free_memory(),
        doubt: plan.memory.doubt(&machine::this_machine()),
        offsets: plan.external_audio.iter().filter_map(|track| track.doubt.clone()).collect(),
    }
}

/// Refuses names that are taken, all of them at once. Each of `products` is a name, and true if whatever has it may be
/// replaced.
///
/// # Errors
/// `Io` with the first name; the others are in its text.
pub fn refuse_existing(products: &[(PathBuf, bool)]) -> Result<()> {
    // The job itself says why another folder or a device cannot be replaced.
    let is_package = |path: &Path| path.is_dir() && package::is_package(path).unwrap_or(false);
    let is_replaced = |path: &PathBuf| path.is_file() || path.is_symlink() || is_package(path);
    let taken: Vec<PathBuf> = taken(products).into_iter().filter(is_replaced).collect();
    let detail = match taken.as_slice() {
        [] => return Ok(()),
        [_] => "exists already; `overwrite` replaces it".to_owned(),
        [_, other] => format!("exists already, and so does {}; `overwrite` replaces both", other.display()),
        [_, others @ ..] => {
            let others: Vec<String> = others.iter().map(|path| path.display().to_string()).collect();
            format!("exists already, and so do {}; `overwrite` replaces them", others.join(", "))
        }
    };
    Err(Error::new(ErrorKind::Io, Stage::Mux, detail).in_file(&taken[0]).as_taken())
}

/// The files and folders that a plan makes, and whether each may replace what has its name.
pub fn products(plan: &Plan) -> Vec<(PathBuf, bool)> {
    let stills =
        plan.stills.iter().flat_map(|still| still.settings.paths().into_iter().map(|path| (path, still.overwrite)));
    let files = plan.outputs.iter().map(|output| (output.path.clone(), output.overwrite));
    let packages = plan.packages.iter().map(|package| (package.path.clone(), package.overwrite));
    files.chain(packages).chain(stills).collect()
}

fn taken(products: &[(PathBuf, bool)]) -> Vec<PathBuf> {
    let is_taken = |(path, overwrite): &&(PathBuf, bool)| !overwrite && fs::symlink_metadata(path).is_ok();
    products.iter().filter(is_taken).map(|(path, _)| path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_said_and_what_suffices_is_not() {
        let space = |folder: &str, estimate, free| Space { folder: folder.into(), estimate, free };
        let needs = Preflight {
            taken: Vec::new(),
            missing_folders: Vec::new(),
            space: vec![space("/full", 3 << 30, 1 << 30), space("/large", 3 << 30, 4 << 30)],
            memory: 2 << 30,
            free_memory: Some(1 << 30),
            doubt: None,
            offsets: Vec::new(),
        };
        let said = needs.warnings();
        assert_eq!(
            said,
            [
                "/full: the outputs may take 3.0 GiB, and 1.0 GiB are free",
                "the job takes up to 2.0 GiB of memory, and 1.0 GiB are free",
            ]
        );
        let doubt = Some(Decision::new("too small", "a reason"));
        let small = Preflight { space: Vec::new(), doubt, ..needs.clone() };
        assert_eq!(small.warnings(), ["too small: a reason"]);
        let here = |estimate| Space { folder: "new/folder".into(), estimate, free: 5 << 30 };
        let sum = Space::sum([here(3 << 30), here(4 << 30)]);
        assert_eq!(sum, [here(7 << 30)]);
        assert_eq!(
            sum[0].shortage("all copies").as_deref(),
            Some("new/folder: all copies may take 7.0 GiB, and 5.0 GiB are free")
        );
        assert_eq!(here(5 << 30).shortage("all copies"), None);
        let enough = Preflight { space: Vec::new(), free_memory: Some(2 << 30), ..needs };
        assert_eq!(enough.warnings(), Vec::<String>::new());
        let far = Preflight { offsets: vec!["an offset".to_owned()], ..enough };
        assert_eq!(far.warnings(), ["an offset"]);
    }
}
