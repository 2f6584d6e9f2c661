//! Builds all products of a pass: files, packages, stills.

use std::sync::Arc;

use trix_model::{
    control::progress::Watch,
    error::{Result, Stage},
    time::Timestamp,
};

use super::Builder;
use crate::{
    decode::video::DecodedFrame,
    encode::subtitle::Span,
    filter::audio_converter::AudioConverter,
    mux::{Muxer, TrackSpec},
    package::{PackageWriter, Rendition},
    pipeline::{
        pass::{
            listen::WaveformStage,
            mux::{mux, mux_package},
            queued::ForMuxer,
            tracks,
            video::StillStage,
        },
        stage::channel,
    },
    plan::StillInput,
    source::Source,
    still::{AudioStill, FrameStill},
};

impl Builder<'_> {
    /// Opens all products of the pass.
    pub(super) fn products(&mut self, source: &Source, watch: &mut Watch) -> Result<()> {
        let plan = self.plan;
        let (pass, files, packages) = (self.pass, plan.files(), plan.packages.len());
        for number in (0..files).filter(|number| pass.includes(plan, *number)) {
            if let Err(error) = self.file(number, source, watch) {
                let path = &plan.outputs[number].path;
                // Name the output instead of the temporary file of the pass.
                let error = match pass.file(number) {
                    Some(part) => error.renamed(part, path),
                    None => error,
                };
                self.go_on_without(&[number], error)?;
            }
        }
        for number in 0..packages {
            if let Err(error) = self.package(number, source, watch) {
                self.go_on_without(&[files + number], error)?;
            }
        }
        for number in (0..plan.stills.len()).filter(|number| pass.writes(files + packages + number)) {
            if let Err(error) = self.still(number, source, watch) {
                self.go_on_without(&[files + packages + number], error)?;
            }
        }
        Ok(())
    }

    /// Opens everything that only output `number`, a file, needs.
    fn file(&mut self, number: usize, source: &Source, watch: &mut Watch) -> Result<()> {
        let output = &self.plan.outputs[number];
        let token = self.token_of(number);
        let (to_muxer, muxer_input, depth) = channel::<ForMuxer>(self.packets(), &token);
        watch.add_queue(&self.queue("mux", number), depth);
        let mut tracks: Vec<TrackSpec> = Vec::new();
        let part = self.pass.file(number).map(ToOwned::to_owned);
        self.encoder(number, part.is_some().then(|| to_muxer.clone()), &mut tracks, watch)?;
        let Some(part) = part else { return Ok(()) };
        self.taken_over(number, source, &to_muxer, &mut tracks)?;
        let bases = tracks.iter().map(|track| track.time_base).collect();
        let muxer = Muxer::new(output.container, &part, tracks, &tracks::file_metadata(output, source))?;
        let (shared, counters) = (Arc::clone(&self.shared), Arc::clone(&self.counters[number]));
        let counts_packets = output.video.is_none();
        let target = output.path.clone();
        let work = move || {
            mux(muxer, bases, muxer_input, &shared.outputs[number], &counters, counts_packets)
                .map_err(|error| error.renamed(&part, &target))?;
            // Some containers keep the last packets until the file is finished.
            if let Ok(metadata) = std::fs::metadata(&part) {
                counters.set_bytes(metadata.len());
            }
            Ok(())
        };
        self.wait(self.queue("mux", number), Stage::Mux, token, work);
        Ok(())
    }

    /// Opens everything for package `number`.
    fn package(&mut self, number: usize, source: &Source, watch: &mut Watch) -> Result<()> {
        let plan = &self.plan.packages[number];
        let product = self.plan.files() + number;
        let outputs = plan.renditions.iter().map(|rendition| rendition.output);
        let outputs: Vec<usize> = outputs.filter(|output| self.includes(*output)).collect();
        let token = self.tokens[product].clone();
        let (to_muxer, muxer_input, depth) = channel::<ForMuxer>(self.packets(), &token);
        let writes = self.pass.writes(product);
        let mut tracks: Vec<TrackSpec> = Vec::new();
        for output in outputs.iter().copied() {
            self.encoder(output, writes.then(|| to_muxer.clone()), &mut tracks, watch)?;
            if writes {
                self.taken_over(output, source, &to_muxer, &mut tracks)?;
            }
        }
        if !writes {
            return Ok(());
        }
        watch.add_queue(&self.queue("package", number), depth);
        let end = outputs.first().and_then(|output| self.plan.outputs[*output].span_end());
        for text in &plan.subtitles {
            let span = Span { origin: plan.origin, end };
            self.text(&text.subtitle, &text.tags, span, &to_muxer, &mut tracks)?;
        }
        let bases = tracks.iter().map(|track| track.time_base).collect();
        let names = plan.renditions.iter().map(|rendition| &rendition.id);
        let names = names.chain(plan.subtitles.iter().map(|text| &text.id));
        let renditions = names.zip(tracks).map(|(id, track)| Rendition { id: id.clone(), track }).collect();
        let writer = PackageWriter::new(&plan.path, renditions, &plan.settings, plan.overwrite)?;
        let (shared, counters) = (Arc::clone(&self.shared), outputs.first().map(|output| &self.counters[*output]));
        let counters = counters.map(Arc::clone).unwrap_or_default();
        let work = move || mux_package(writer, bases, muxer_input, &shared, number, &outputs, &counters);
        self.wait(self.queue("package", number), Stage::Mux, token, work);
        Ok(())
    }

    /// Builds the stage of still `number`.
    fn still(&mut self, number: usize, source: &Source, watch: &mut Watch) -> Result<()> {
        let plan = &self.plan.stills[number];
        let token = self.tokens[self.plan.files() + self.plan.packages.len() + number].clone();
        let (shared, target) = (Arc::clone(&self.shared), plan.path.clone());
        let name = format!("still {number}");
        if let StillInput::Audio { stream, .. } = plan.input {
            let facts = self.facts(stream)?;
            let external_audio = stream.checked_sub(self.routes.len());
            let (converter, until, end) = match external_audio {
                None => (None, plan.until, plan.end),
                Some(external_audio) => {
                    let track = &self.external_audio[external_audio];
                    let edit = track.settings.edit(None);
                    let target = track.heard(plan.later);
                    let own = |time: Option<Timestamp>| time.map(|time| plan.since_start(time));
                    let converter = AudioConverter::new(target, facts.index, facts.time_base).edited(edit);
                    (Some(converter), own(plan.until), own(plan.end))
                }
            };
            let still = AudioStill::open(plan, until)?;
            let input = self.listen(name, stream, &token, watch);
            let stage = WaveformStage { number, still, converter, end, shared };
            let work = move || stage.run(input).map_err(|error| error.in_file(&target));
            self.wait(format!("still-{number}"), Stage::Filter, token, work);
            return Ok(());
        }
        let Some(facts) = source.video() else { return Ok(()) };
        let (to_still, input, depth) = channel::<DecodedFrame>(self.frames_of(self.decoded_bytes(facts)), &token);
        watch.add_queue(&name, depth);
        self.viewers.push((to_still, token.clone()));
        let still = FrameStill::open(plan)?;
        let stage = StillStage { number, still, cut: plan.cut, time_base: facts.time_base, shared };
        let work = move || stage.run(input).map_err(|error| error.in_file(&target));
        self.wait(format!("still-{number}"), Stage::Filter, token, work);
        Ok(())
    }
}
