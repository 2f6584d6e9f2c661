//! A whole plan: everything that determines the bytes of the outputs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    decision::Decision,
    machine::Machine,
    plan::{
        chunks::ChunkPlan,
        content::{AudioContent, ContentPlan},
        encode::EncodePlan,
        file::FilePlan,
        filter::FilterPlan,
        ids::{EncodeId, OutputId, PackageId, PerProduct, PerSink, Product, Sink, StepId, StillId},
        memory::{MemoryPlan, Waves},
        output::OutputPlan,
        package::PackagePlan,
        still::StillPlan,
        video::VideoPlan,
    },
    settings::{
        container::Container,
        job::{OnLeadFailure, OnOutputFailure, SourceSettings, VerifyLevel},
        track::TrackSettings,
    },
};

/// The plan of a job. A plan is complete: it can be written as JSON, sent to another machine, and run there with the
/// same bytes.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Plan {
    /// Version of this format: 1.
    pub trix: u32,
    /// The machine that threads and memory are planned for. The plan runs with the same numbers on every machine.
    pub machine: Machine,
    /// The source.
    pub source: SourcePlan,
    /// The external audio tracks. Their streams are numbered after those of the source.
    pub external_audio: Vec<ExternalAudioPlan>,
    /// What is done to frames between the decoder and the encoders. Each step runs once for all outputs that need it.
    pub filters: Vec<FilterPlan>,
    /// What is encoded. Each encode runs once for all files and renditions that take its packets.
    pub encodes: Vec<EncodePlan>,
    /// How the film is divided; `None` if it is encoded as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<ChunkPlan>,
    /// The output files.
    pub outputs: Vec<FilePlan>,
    /// The packages.
    pub packages: Vec<PackagePlan>,
    /// The stills.
    pub stills: Vec<StillPlan>,
    /// Automatic decisions about the whole job.
    pub decisions: Vec<Decision>,
    /// The memory that the job needs.
    pub memory: MemoryPlan,
    /// Threads of the decoder. The number does not change any byte.
    pub threads: u32,
    /// Threads that convert frames. The number does not change any byte.
    pub filter_threads: u32,
    /// Threads that check finished outputs. The number does not change any result.
    pub check_threads: u32,
    /// True if source and outputs are hashed (SHA-256).
    pub hash: bool,
    /// True if the loudness of every audio track is measured (EBU R 128).
    pub measure_loudness: bool,
    /// What happens to the other outputs when one fails.
    pub on_output_failure: OnOutputFailure,
    /// What happens to the outputs that follow the analysis of another one when its encoder fails.
    #[serde(default, skip_serializing_if = "OnLeadFailure::is_fail")]
    pub on_lead_failure: OnLeadFailure,
}

/// The source of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourcePlan {
    /// How the source is read.
    pub settings: SourceSettings,
    /// The identity of the source when the plan was made. A plan for a source that has changed since is refused.
    pub identity: Identity,
}

/// The identity of a source at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Identity {
    /// Size in bytes; of an image sequence, of all files together.
    pub bytes: u64,
    /// Time of the last change, in seconds and nanoseconds since 1970; of an image sequence, of the file that changed
    /// last.
    pub modified: (i64, i64),
    /// SHA-256 of the first 64 KiB, as 64 hexadecimal digits; of an image sequence, of the first file.
    pub head_sha256: String,
}

/// An external audio track of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExternalAudioPlan {
    /// Its files and their settings.
    pub settings: TrackSettings,
    /// The identity of each file when the plan was made.
    pub identities: Vec<Identity>,
    /// Why its offset is probably wrong, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Plan {
    /// The encodes that a unit makes together, and the units that run at the same time on a machine with so many bytes of free memory
    /// and so many cores: within the bound of the job, or four fifths of what is free. One unit runs, whatever memory there is.
    /// `in_processes`: each unit is a process of its own.
    pub fn waves(&self, free: Option<u64>, cores: usize, in_processes: bool) -> Waves {
        let video = |encode: &EncodePlan| encode.video().map(|own| own.threads);
        let threads = self.encodes.iter().filter_map(video).max().unwrap_or(1).max(1);
        let most = (cores / threads as usize).max(1);
        let budget = free.map_or(u64::MAX, |free| free / 5 * 4);
        let budget = self.memory.bound.map_or(budget, |bound| bound.min(budget));
        let all = || (0..self.encodes.len()).filter(|number| video(&self.encodes[*number]).is_some()).collect();
        let one = || Waves { groups: vec![all()], units: most };
        self.memory.unit.as_ref().map_or_else(one, |unit| {
            let mut unit = unit.clone();
            if in_processes {
                unit.base += unit.process;
            }
            unit.waves(budget, most)
        })
    }

    /// A file.
    ///
    /// # Panics
    /// If the plan has no such file.
    pub fn output(&self, id: OutputId) -> &FilePlan {
        &self.outputs[id.0]
    }

    /// A package.
    ///
    /// # Panics
    /// If the plan has no such package.
    pub fn package(&self, id: PackageId) -> &PackagePlan {
        &self.packages[id.0]
    }

    /// A still.
    ///
    /// # Panics
    /// If the plan has no such still.
    pub fn still(&self, id: StillId) -> &StillPlan {
        &self.stills[id.0]
    }

    /// A filter step.
    ///
    /// # Panics
    /// If the plan has no such step.
    pub fn step(&self, id: StepId) -> &FilterPlan {
        &self.filters[id.0]
    }

    /// An encode.
    ///
    /// # Panics
    /// If the plan has no such encode.
    pub fn encode(&self, id: EncodeId) -> &EncodePlan {
        &self.encodes[id.0]
    }

    /// The content of a file or rendition.
    ///
    /// # Panics
    /// If the plan has no such file or rendition.
    pub fn content(&self, sink: Sink) -> &ContentPlan {
        match sink {
            Sink::Output(id) => &self.output(id).content,
            Sink::Rendition { package, rendition } => &self.package(package).renditions[rendition].content,
        }
    }

    /// As [`Plan::content`], to change it.
    #[doc(hidden)]
    pub fn content_mut(&mut self, sink: Sink) -> &mut ContentPlan {
        match sink {
            Sink::Output(id) => &mut self.outputs[id.0].content,
            Sink::Rendition { package, rendition } => &mut self.packages[package.0].renditions[rendition].content,
        }
    }

    /// The plan of a file or rendition, with its encodes.
    ///
    /// # Panics
    /// If the plan has no such file or rendition, or lacks an encode of it.
    pub fn sink(&self, sink: Sink) -> OutputPlan {
        let content = self.content(sink).clone();
        let video = content.video.and_then(|id| self.encode(id).video());
        let audio = content.audio.into_iter().filter_map(|track| match track {
            AudioContent::Encoded(id) => self.encode(id).audio().map(|own| own.audio.clone()),
            AudioContent::Copied(own) => Some(*own),
        });
        let (path, verify, overwrite, container) = match sink {
            Sink::Output(id) => {
                let file = self.output(id);
                (file.path.clone(), file.verify, file.overwrite, file.container)
            }
            Sink::Rendition { package, rendition } => {
                let package = self.package(package);
                let name = format!("{}.mp4", package.renditions[rendition].id);
                (package.path.join(name), VerifyLevel::default(), false, Container::Mp4)
            }
        };
        OutputPlan {
            path,
            verify,
            overwrite,
            threads: video.map(|own| own.threads),
            container,
            video: video.map(|own| own.video.clone()),
            video_copy: content.video_copy,
            audio: audio.collect(),
            metadata: content.metadata,
            origin: content.origin,
            start: content.start,
            end: content.end,
            frames: content.frames,
            decisions: content.decisions,
            notes: content.notes,
        }
    }

    /// The files and renditions that take the packets of an encode.
    pub fn sinks_of(&self, id: EncodeId) -> Vec<Sink> {
        let takes = |sink: &Sink| self.content(*sink).encodes().any(|own| own == id);
        self.sinks().into_iter().filter(takes).collect()
    }

    /// The plan of the video of a file or rendition, if it is encoded.
    #[doc(hidden)]
    pub fn video(&self, sink: Sink) -> Option<&VideoPlan> {
        let encode = self.content(sink).video.and_then(|id| self.encode(id).video())?;
        Some(&encode.video)
    }

    /// All files, then all renditions.
    pub fn sinks(&self) -> Vec<Sink> {
        let files = (0..self.outputs.len()).map(|number| Sink::Output(OutputId(number)));
        let renditions = self.packages.iter().enumerate().flat_map(|(number, package)| {
            let of = move |rendition| Sink::Rendition { package: PackageId(number), rendition };
            (0..package.renditions.len()).map(of)
        });
        files.chain(renditions).collect()
    }

    /// All products: files, then packages, then stills.
    pub fn products(&self) -> Vec<Product> {
        PerProduct::new(self, |product| product).values().copied().collect()
    }

    /// The number of a product among all: files, then packages, then stills, from 0.
    #[doc(hidden)]
    pub fn number_of(&self, product: Product) -> usize {
        let (files, packages) = (self.outputs.len(), self.packages.len());
        match product {
            Product::Output(id) => id.0,
            Product::Package(id) => files + id.0,
            Product::Still(id) => files + packages + id.0,
        }
    }

    /// Allows the plan to replace existing files with the names of its products.
    pub fn overwrite(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.overwrite = true);
        self.packages.iter_mut().for_each(|package| package.overwrite = true);
        self.stills.iter_mut().for_each(|still| still.overwrite = true);
    }

    /// Puts what is made under relative names into `folder`.
    pub fn write_into(&mut self, folder: &Path) {
        let own = |path: &mut PathBuf| *path = folder.join(&*path);
        self.outputs.iter_mut().for_each(|output| own(&mut output.path));
        self.packages.iter_mut().for_each(|package| own(&mut package.path));
        for still in &mut self.stills {
            own(&mut still.path);
            still.settings.paths_mut().into_iter().for_each(own);
        }
    }

    /// The paths of all products.
    #[doc(hidden)]
    pub fn paths(&self) -> PerProduct<PathBuf> {
        PerProduct::new(self, |product| match product {
            Product::Output(id) => self.output(id).path.clone(),
            Product::Package(id) => self.package(id).path.clone(),
            Product::Still(id) => self.still(id).path.clone(),
        })
    }
}

impl<T> PerProduct<T> {
    /// A list with what `make` returns for each product of `plan`.
    #[doc(hidden)]
    pub fn new(plan: &Plan, make: impl FnMut(Product) -> T) -> Self {
        Self::of([plan.outputs.len(), plan.packages.len(), plan.stills.len()], make)
    }

    /// A list with `values` in the order of the products of `plan`.
    #[doc(hidden)]
    pub fn in_order(plan: &Plan, values: impl IntoIterator<Item = T>) -> Self {
        let mut values = values.into_iter();
        PerProduct {
            outputs: values.by_ref().take(plan.outputs.len()).collect(),
            packages: values.by_ref().take(plan.packages.len()).collect(),
            stills: values.take(plan.stills.len()).collect(),
        }
    }
}

impl<T> PerSink<T> {
    /// A list with what `make` returns for each file and rendition of `plan`.
    #[doc(hidden)]
    pub fn new(plan: &Plan, mut make: impl FnMut(Sink) -> T) -> Self {
        let mut list = PerSink { outputs: Vec::new(), renditions: plan.packages.iter().map(|_| Vec::new()).collect() };
        for sink in plan.sinks() {
            match sink {
                Sink::Output(_) => list.outputs.push(make(sink)),
                Sink::Rendition { package, .. } => list.renditions[package.0].push(make(sink)),
            }
        }
        list
    }
}
