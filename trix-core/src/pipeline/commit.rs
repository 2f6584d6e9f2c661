//! Gives checked products their final names.
//!
//! Invariant: all products get their names, or none, if the failure of one fails the job.

use std::path::PathBuf;

use trix_model::error::Result;

use super::failures::{self, Failures};
use crate::{
    mux::part::{Committed, PartFile},
    package::{CommittedPackage, WrittenPackage},
    plan::Product,
    report::{OutputReport, PackageReport, StillReport},
};

/// A complete and checked product that waits for its final name.
pub(super) struct Ready {
    pub(super) product: Product,
    pub(super) made: Made,
}

/// A product under a temporary name, and its report.
pub(super) enum Made {
    File(PartFile, Box<OutputReport>),
    Package(WrittenPackage, Box<PackageReport>),
    Still(Vec<PartFile>, Box<StillReport>),
}

/// Reports of the products that have their final names.
#[derive(Default)]
pub(super) struct Reports {
    pub(super) outputs: Vec<OutputReport>,
    pub(super) packages: Vec<PackageReport>,
    pub(super) stills: Vec<StillReport>,
}

impl Reports {
    fn paths(&self) -> Vec<PathBuf> {
        let outputs = self.outputs.iter().map(|output| output.path.clone());
        let packages = self.packages.iter().map(|package| package.path.clone());
        outputs.chain(packages).chain(self.stills.iter().map(|still| still.path.clone())).collect()
    }
}

/// A product that has its final name and can still lose it.
enum Named {
    File(Committed),
    Package(CommittedPackage),
}

/// Gives all products their final names, or none if one failure fails the job.
pub(super) fn commit(ready: Vec<Ready>, failures: &mut Failures) -> Result<Reports> {
    let (mut reports, mut named): (Reports, Vec<Named>) = (Reports::default(), Vec::new());
    for Ready { product, made } in ready {
        let mut own = Vec::new();
        let result = match made {
            Made::File(part, report) => part.commit().map(|done| {
                own.push(Named::File(done));
                reports.outputs.push(*report);
            }),
            Made::Package(written, report) => written.commit().map(|done| {
                own.push(Named::Package(done));
                reports.packages.push(*report);
            }),
            Made::Still(parts, report) => parts
                .into_iter()
                .try_for_each(|part| part.commit().map(|done| own.push(Named::File(done))))
                .map(|()| reports.stills.push(*report)),
        };
        if let Err(error) = result {
            own.into_iter().for_each(take_back);
            if let Err(error) = failures.add(product, error) {
                named.into_iter().for_each(take_back);
                return Err(failures::explain(error, &reports.paths()));
            }
            continue;
        }
        named.append(&mut own);
    }
    Ok(reports)
}

fn take_back(named: Named) {
    match named {
        Named::File(file) => file.take_back(),
        Named::Package(package) => package.take_back(),
    }
}
