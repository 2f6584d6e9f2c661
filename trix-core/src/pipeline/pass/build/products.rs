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
    mux::{Muxer, TrackSpec, patience::Arrival},
    package::{PackageWriter, Rendition},
    pipeline::{
        channel::channel,
        pass::{
            listen::WaveformStage,
            mux::{mux, mux_package},
            queued::ForMuxer,
            tracks,
            video::StillStage,
        },
    },
    plan::{OutputId, PackageId, Product, Sink, StillId, StillInput},
    source::Source,
    still::{AudioStill, FrameStill},
};

impl Builder<'_> {
    /// Opens all products of the pass.
    pub(super) fn products(&mut self, source: &Source, watch: &mut Watch) -> Result<()> {
        let plan = self.plan;
        let pass = self.pass;
        for product in plan.products() {
            let opened = match product {
                Product::Output(id) if pass.includes(plan, Sink::Output(id)) => {
                    // Name the output instead of the temporary file of the pass.
                    self.file(id, source, watch).map_err(|error| match pass.file(product) {
                        Some(part) => error.renamed(part, &plan.output(id).path),
                        None => error,
                    })
                }
                Product::Package(id) => self.package(id, source, watch),
                Product::Still(id) if pass.writes(product) => self.still(id, source, watch),
                Product::Output(_) | Product::Still(_) => Ok(()),
            };
            if let Err(error) = opened {
                self.go_on_without(&[product], error)?;
            }
        }
        Ok(())
    }

    /// Opens everything that only file `id` needs.
    fn file(&mut self, id: OutputId, source: &Source, watch: &mut Watch) -> Result<()> {
        let sink = Sink::Output(id);
        let output = &self.outputs[sink];
        let token = self.token_of(sink);
        let (to_muxer, muxer_input, depth) = channel::<ForMuxer>(self.packets(), &token);
        watch.add_queue(&self.queue("mux", id.0), depth);
        let mut tracks: Vec<TrackSpec> = Vec::new();
        let part = self.pass.file(Product::Output(id)).map(ToOwned::to_owned);
        self.encoder(sink, part.is_some().then(|| to_muxer.clone()), &mut tracks)?;
        let Some(part) = part else { return Ok(()) };
        self.taken_over(sink, source, &to_muxer, &mut tracks)?;
        let bases = tracks.iter().map(|track| track.time_base).collect();
        let arrival = Arrival::of(output, self.pass.program.map(|program| program.lead));
        let muxer = Muxer::new(output.container, &part, tracks, &tracks::file_metadata(output, source), arrival)?;
        let (shared, counters) = (Arc::clone(&self.shared), Arc::clone(&self.counters[sink]));
        let counts_packets = output.video.is_none();
        let target = output.path.clone();
        let work = move || {
            mux(muxer, bases, muxer_input, &shared.outputs[sink], &counters, counts_packets)
                .map_err(|error| error.renamed(&part, &target))?;
            // Some containers keep the last packets until the file is finished.
            if let Ok(metadata) = std::fs::metadata(&part) {
                counters.set_bytes(metadata.len());
            }
            Ok(())
        };
        self.wait(self.queue("mux", id.0), Stage::Mux, token, work);
        Ok(())
    }

    /// Opens everything for package `id`.
    fn package(&mut self, id: PackageId, source: &Source, watch: &mut Watch) -> Result<()> {
        let (plan, product) = (self.plan.package(id), Product::Package(id));
        let sinks = (0..plan.renditions.len()).map(|rendition| Sink::Rendition { package: id, rendition });
        let sinks: Vec<Sink> = sinks.filter(|sink| self.includes(*sink)).collect();
        let token = self.tokens[product].clone();
        let (to_muxer, muxer_input, depth) = channel::<ForMuxer>(self.packets(), &token);
        let writes = self.pass.writes(product);
        let mut tracks: Vec<TrackSpec> = Vec::new();
        for sink in sinks.iter().copied() {
            self.encoder(sink, writes.then(|| to_muxer.clone()), &mut tracks)?;
            if writes {
                self.taken_over(sink, source, &to_muxer, &mut tracks)?;
            }
        }
        if !writes {
            return Ok(());
        }
        watch.add_queue(&self.queue("package", id.0), depth);
        let end = sinks.first().and_then(|sink| self.outputs[*sink].span_end());
        for text in &plan.subtitles {
            let span = Span { origin: plan.origin, end };
            self.text(&text.subtitle, &text.tags, span, &to_muxer, &mut tracks)?;
        }
        let bases = tracks.iter().map(|track| track.time_base).collect();
        let names = plan.renditions.iter().map(|rendition| &rendition.id);
        let names = names.chain(plan.subtitles.iter().map(|text| &text.id));
        let renditions = names.zip(tracks).map(|(id, track)| Rendition { id: id.clone(), track }).collect();
        let writer = PackageWriter::new(&plan.path, renditions, &plan.settings, plan.overwrite)?;
        let (shared, counters) = (Arc::clone(&self.shared), sinks.first().map(|sink| &self.counters[*sink]));
        let counters = counters.map(Arc::clone).unwrap_or_default();
        let work = move || mux_package(writer, bases, muxer_input, &shared, id, &counters);
        self.wait(self.queue("package", id.0), Stage::Mux, token, work);
        Ok(())
    }

    /// Builds the stage of still `id`.
    fn still(&mut self, id: StillId, source: &Source, watch: &mut Watch) -> Result<()> {
        let plan = self.plan.still(id);
        let token = self.tokens[Product::Still(id)].clone();
        let (shared, target) = (Arc::clone(&self.shared), plan.path.clone());
        let name = format!("still {id}");
        if let StillInput::Audio { stream, .. } = plan.input {
            let facts = self.facts_of(stream)?;
            let (converter, until, end) = match stream.external_audio() {
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
            let stage = WaveformStage { id, still, converter, end, shared };
            let work = move || stage.run(input).map_err(|error| error.in_file(&target));
            self.wait(format!("still-{id}"), Stage::Filter, token, work);
            return Ok(());
        }
        let Some(facts) = source.video() else { return Ok(()) };
        let (to_still, input, depth) = channel::<DecodedFrame>(self.frames_of(self.decoded_bytes(facts)), &token);
        watch.add_queue(&name, depth);
        self.viewers.push((to_still, token.clone()));
        let still = FrameStill::open(plan)?;
        let stage = StillStage { id, still, cut: plan.cut, time_base: facts.time_base, shared };
        let work = move || stage.run(input).map_err(|error| error.in_file(&target));
        self.wait(format!("still-{id}"), Stage::Filter, token, work);
        Ok(())
    }
}
