//! The outputs of a job while their common parts are planned: threads, filter steps.

use crate::{
    plan::{OutputId, OutputPlan, PackageId, PackagePlan, PerSink, Sink},
    spec::job::OutputSettings,
};

/// A file or rendition that is planned, apart from what it shares with others.
pub(super) struct Drafted<'a> {
    pub(super) sink: Sink,
    pub(super) settings: &'a OutputSettings,
    pub(super) plan: &'a mut OutputPlan,
}

/// All files, then all renditions, each with its settings.
pub(super) fn all<'a>(
    outputs: &'a mut [OutputPlan],
    packages: &'a mut [PackagePlan],
    asked: &'a PerSink<OutputSettings>,
) -> Vec<Drafted<'a>> {
    let files = outputs.iter_mut().enumerate().map(|(number, plan)| (Sink::Output(OutputId(number)), plan));
    let renditions = packages.iter_mut().enumerate().flat_map(|(number, package)| {
        let renditions = package.renditions.iter_mut().enumerate();
        renditions
            .map(move |(rendition, own)| (Sink::Rendition { package: PackageId(number), rendition }, &mut own.output))
    });
    files.chain(renditions).map(|(sink, plan)| Drafted { sink, settings: &asked[sink], plan }).collect()
}
