//! Builds the audio stages: copied and encoded tracks, stages that only measure or draw, and the decoders for them.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use trix_av::{frame::Frame, packet::Packet, stream::StreamFacts};
use trix_model::{
    control::{cancel::Token, progress::Watch},
    damage::DamageLog,
    error::{Error, Result, Stage},
    frame_facts::Display,
    time::{TimeBase, Timestamp},
};

use super::Builder;
use crate::{
    decode::{audio::AudioDecoder, audio_start, data_bursts::BurstFinder, frame_rate::frame_rate},
    demux::Demuxer,
    encode::{
        audio::AudioTrackEncoder,
        samples::SampleRecorder,
        subtitle::{Span, SubtitleTrack},
    },
    filter::audio_converter::AudioConverter,
    mux::{TrackSpec, codec_delay},
    pipeline::{
        channel::{Fan, Sender, channel},
        failures,
        pass::{
            audio::{AudioDecodeStage, AudioPlace, AudioStage},
            audio_cut::AudioCut,
            build::audio_users::{AudioEncoding, Listener},
            catch_up::CatchUp,
            copy_watch::CopyWatch,
            external_audio::ExternalAudioStage,
            listen::{Gauge, MeterStage},
            pace::{PaceMaker, Pacing},
            queued::{ForMuxer, Queued},
            route::{self, IntoOutput, Kind, Route},
            tracks,
        },
    },
    plan::{
        AudioContent, AudioEncode, AudioPlan, AudioTarget, EncodeId, EncodePlan, OutputPlan, Sink, StreamId,
        SubtitlePlan, TrackTags,
    },
    planner::{audio_choice::cuts_exactly, cut::CopyGate},
    source::Source,
};

/// Audio that is copied, and decoded only to be measured.
struct Measured {
    plan: AudioPlan,
    target: AudioTarget,
    /// The output, and the number of the track's plan in it.
    places: Vec<(Sink, usize)>,
}

impl<'a> Builder<'a> {
    /// Adds the copied tracks of an output, and its encoded audio tracks.
    pub(super) fn taken_over(
        &mut self,
        sink: Sink,
        source: &Source,
        to_muxer: &Sender<ForMuxer>,
        tracks: &mut Vec<TrackSpec>,
    ) -> Result<()> {
        let output = &self.outputs[sink];
        let origin = output.origin;
        if let Some(copy) = &output.video_copy {
            let facts = self.facts(copy.stream)?;
            let track = tracks::copied(facts, Some(frame_rate(facts)), &output.tags(copy.stream));
            let kind = Kind::Frames(CopyGate::new(copy));
            let watch = Some(self.watch(sink, facts, output.start, None));
            let (label, next) = (self.label.clone(), to_muxer.clone());
            let pacing = Pacing::Leads(PaceMaker::new(&self.shared.paces[sink.product()]));
            let own = IntoOutput { label, kind, watch, track: tracks.len(), origin, next, reached: None, pacing };
            self.routes[copy.stream].push(Route::Output(Box::new(own)));
            tracks.push(track);
        }
        let is_external = |audio: &AudioPlan| audio.stream.external_audio().is_some();
        // Chunks are joined much faster than audio is encoded, which is then paced as that of other files.
        let is_joined = self.pass.chunked.is_some() && output.video.is_some();
        let has_external = is_joined || output.audio.iter().any(is_external);
        for (audio_number, audio) in output.audio.iter().enumerate() {
            let place = AudioPlace {
                output: sink,
                track: tracks.len(),
                number: audio_number,
                next: Some(to_muxer.clone()),
                pace: has_external.then(|| self.shared.paces[sink.product()].follow(is_joined || is_external(audio))),
            };
            tracks.push(match &self.plan.content(sink).audio[audio_number] {
                AudioContent::Copied(_) => self.copied_audio(output, audio, source, place)?,
                AudioContent::Encoded(id) => self.encoded_audio(output, *id, place)?,
            });
        }
        for subtitle in &output.metadata.subtitles {
            let end = output.span_end();
            self.text(subtitle, &output.tags(subtitle.stream), Span { origin, end }, to_muxer, tracks)?;
        }
        Ok(())
    }

    /// Adds a subtitle track.
    pub(super) fn text(
        &mut self,
        subtitle: &SubtitlePlan,
        tags: &TrackTags,
        span: Span,
        to_muxer: &Sender<ForMuxer>,
        tracks: &mut Vec<TrackSpec>,
    ) -> Result<()> {
        let facts = self.facts(subtitle.stream)?;
        let track = SubtitleTrack::open(self.label.clone(), facts, subtitle, span)?;
        let spec = TrackSpec {
            parameters: track.parameters().clone(),
            time_base: facts.time_base,
            rate: None,
            metadata: tags.metadata(),
            disposition: tags.disposition.clone(),
            display: Display::default(),
            looks_ahead: false,
            hides_start: false,
        };
        let kind = Kind::Subtitles(track);
        let (label, track, next) = (self.label.clone(), tracks.len(), to_muxer.clone());
        let (origin, pacing) = (span.origin, Pacing::Free);
        let own = IntoOutput { label, kind, watch: None, track, origin, next, reached: None, pacing };
        self.routes[subtitle.stream].push(Route::Output(Box::new(own)));
        tracks.push(spec);
        Ok(())
    }

    fn copied_audio(
        &mut self,
        output: &OutputPlan,
        audio: &AudioPlan,
        source: &Source,
        place: AudioPlace,
    ) -> Result<TrackSpec> {
        let facts = self.facts_of(audio.stream)?;
        let mut track = tracks::copied(facts, None, &output.tags(audio.stream.index()));
        let AudioPlace { output: sink, track: index, next, pace, .. } = place;
        let Some(next) = next else { return Ok(track) };
        let StreamId::Side { track: track_number, .. } = audio.stream else {
            let span = Span { origin: output.start.unwrap_or(EVER), end: output.span_end() };
            let watch = Some(self.watch(sink, facts, output.start, span.end));
            let kind = Kind::Audio(cut(output, source, facts, span, &mut track));
            let (label, origin) = (self.label.clone(), output.origin);
            let pacing = pace.map_or(Pacing::Free, Pacing::Follows);
            let own = IntoOutput { label, kind, watch, track: index, origin, next, reached: None, pacing };
            self.routes[audio.stream.index()].push(Route::Output(Box::new(own)));
            return Ok(track);
        };
        let Some((file, own)) = self.external_audio[track_number].whole()? else { return Ok(track) };
        let origin = audio.origin.unwrap_or(output.origin);
        let end = output
            .span_end()
            .map(|end| origin.plus(Timestamp::new(-output.origin.ticks, output.origin.base)).plus(end));
        let watch = Some(self.watch(sink, &own, output.start.map(|_| origin), end));
        let span = Span { origin: output.start.map_or(EVER, |_| origin), end };
        let kind = Kind::Audio(cut(output, &file, &own, span, &mut track));
        let mut routes: Vec<Vec<Route>> = file.streams().iter().map(|_| Vec::new()).collect();
        let (label, pacing) = (file.label(), pace.map_or(Pacing::Free, Pacing::Follows));
        let route = IntoOutput { label, kind, watch, track: index, origin, next, reached: None, pacing };
        routes[own.index].push(Route::Output(Box::new(route)));
        let damage = Arc::new(DamageLog::new(self.plan.source.settings.on_damage));
        let (token, shared) = (self.token_of(sink), Arc::clone(&self.shared));
        let demuxer = Demuxer::new(file, Arc::clone(&damage));
        let alone = CatchUp::of(Vec::new(), token.clone());
        let work = move || {
            route::demux(demuxer, routes, alone)?;
            shared.note_damage(track_number, vec![damage.report()]);
            Ok(())
        };
        self.wait(format!("external-{track_number}"), Stage::Demux, token, work);
        Ok(track)
    }

    /// The check for changes in the packets of a stream that `sink` copies from `start` to `end`.
    fn watch(&self, sink: Sink, facts: &StreamFacts, start: Option<Timestamp>, end: Option<Timestamp>) -> CopyWatch {
        let container = self.outputs[sink].container;
        CopyWatch::new(facts, container, sink, Span { origin: start.unwrap_or(EVER), end }, Arc::clone(&self.shared))
    }

    fn audio_encode(&self, id: EncodeId) -> Result<&'a AudioEncode> {
        let missing = || Error::bug(Stage::Plan, format!("the plan names encode {id} as one of audio"));
        self.plan.encodes.get(id.0).and_then(EncodePlan::audio).ok_or_else(missing)
    }

    fn encoded_audio(&mut self, output: &OutputPlan, id: EncodeId, place: AudioPlace) -> Result<TrackSpec> {
        let AudioEncode { audio, origin, end, .. } = self.audio_encode(id)?;
        let tags = output.tags(audio.stream.index());
        let encoder = AudioTrackEncoder::open(audio)?;
        let lead = codec_delay::lead(output.container, encoder.priming(), audio.sample_rate, &audio.codec);
        let mut parameters = encoder.parameters()?;
        parameters.set_priming(encoder.priming() + lead);
        let track = TrackSpec {
            parameters,
            time_base: TimeBase::new(1, i64::from(audio.sample_rate)),
            rate: None,
            metadata: tags.metadata(),
            disposition: tags.disposition,
            display: Display::default(),
            looks_ahead: false,
            hides_start: false,
        };
        let target = AudioTarget {
            sample_format: audio.sample_format.clone().unwrap_or_default(),
            bits: audio.bits,
            dithered: audio.dithered,
            // Blocks of some lossless codecs last half a second, and PCM would keep that size.
            block: match (encoder.block(), self.facts_of(audio.stream)?.codec.as_str()) {
                (0, "wavpack" | "tta" | "ape") => 1024,
                (block, _) => block,
            },
            lead,
            tail: encoder.run_out(audio),
            ..audio.heard_within(*origin, *end)
        };
        match self.audio_tracks.iter_mut().find(|audio| audio.id == id) {
            Some(audio) => audio.places.push(place),
            None => self.audio_tracks.push(AudioEncoding { id, target, encoder, places: vec![place] }),
        }
        Ok(track)
    }

    /// Builds the stages for encoded and measured audio, and their decoders.
    pub(super) fn audio_tracks(&mut self, source: &Source, watch: &mut Watch) -> Result<()> {
        // Streams that must be decoded from their start.
        let mut early = Vec::new();
        for (number, audio) in std::mem::take(&mut self.audio_tracks).into_iter().enumerate() {
            let AudioEncoding { id, target, encoder, places } = audio;
            let plan = &self.audio_encode(id)?.audio;
            let facts = self.facts_of(plan.stream)?;
            let converter = AudioConverter::new(target, facts.index, facts.time_base).edited(plan.edit);
            if !converter.can_begin_late(facts.sample_rate) {
                early.push(plan.stream);
            }
            let stage = AudioStage {
                converter,
                encoder,
                record: SampleRecorder::new(plan.bits),
                gauge: Gauge::new(self.plan.measure_loudness),
                must_last: plan.must_last,
                shared: Arc::clone(&self.shared),
                fed: 0,
                bursts: Some(BurstFinder::default()),
                keeps_bits: plan.keeps_bits(),
                stream: facts.index,
                time_base: facts.time_base,
                clock: TimeBase::new(1, i64::from(plan.sample_rate)),
                held: VecDeque::new(),
                places,
            };
            let token = Token::joined(stage.places.iter().map(|place| &self.tokens[place.output.product()]));
            let token = token.unwrap_or_else(|| self.token.clone());
            let input = self.listen(format!("audio {number}"), plan.stream, &token, watch);
            let label = self.audio_label(plan.stream);
            let work = move || stage.run(input).map_err(|error| failures::from_source(error, &label));
            self.wait(format!("audio-{number}"), Stage::Encode, token, work);
        }
        if self.plan.measure_loudness {
            early.extend(self.meters(source, watch)?);
        }
        let listeners = std::mem::take(&mut self.listeners);
        let source = (0..self.streams.len()).map(StreamId::Source);
        let external = self.external_audio.iter().enumerate();
        let external = external.map(|(track, own)| StreamId::Side { track, index: own.facts.index });
        for stream in source.chain(external) {
            let is_own = |own: &&Listener| own.stream == stream && own.next.is_wanted();
            let own: Vec<&Listener> = listeners.iter().filter(is_own).collect();
            if own.is_empty() {
                continue;
            }
            let token = Token::joined(own.iter().map(|own| &own.token)).unwrap_or_else(|| self.token.clone());
            let output = Fan::new(own.iter().map(|own| own.next.clone()).collect());
            let products = self.products_of(&token);
            let can_begin_late = !early.contains(&stream) && self.plan.stills.is_empty();
            if let Err(error) = self.decoder(stream, can_begin_late, output, token, watch) {
                self.go_on_without(&products, error)?;
            }
        }
        Ok(())
    }

    /// Connects a stage with `token` to the decoded audio of `stream`.
    pub(super) fn listen(
        &mut self,
        name: String,
        stream: StreamId,
        token: &Token,
        watch: &mut Watch,
    ) -> crate::pipeline::channel::Receiver<Queued<Frame>> {
        let (next, input, depth) = channel::<Queued<Frame>>(self.packets(), token);
        watch.add_queue(&name, depth);
        self.listeners.push(Listener { stream, next, token: token.clone() });
        input
    }

    /// Builds the decoder of an audio stream, or lets a program take its place.
    fn decoder(
        &mut self,
        stream: StreamId,
        can_begin_late: bool,
        output: Fan<Queued<Frame>>,
        token: Token,
        watch: &mut Watch,
    ) -> Result<()> {
        let (label, index) = (self.audio_label(stream), stream.index());
        if let Some(number) = stream.external_audio() {
            let reader = self.external_audio[number].reader(self.plan.source.settings.on_damage)?;
            let stage = ExternalAudioStage { number, stream: index, reader, shared: Arc::clone(&self.shared) };
            let work = move || stage.run(output).map_err(|error| error.in_file(&label));
            self.wait(format!("external-{number}"), Stage::Decode, token, work);
            return Ok(());
        }
        if let Some(feed) = &mut self.feed {
            feed.audio_tracks.insert(index, output);
            return Ok(());
        }
        let decoder = AudioDecoder::new(label.clone(), self.facts(index)?, Arc::clone(&self.damage))?;
        let (to_decoder, input, depth) = channel::<Queued<Packet>>(self.packets(), &token);
        watch.add_queue(&format!("decode {index}"), depth);
        self.audio_channels.push(to_decoder.watched());
        self.audio_channels.extend(output.watched());
        self.routes[index].push(Route::Decoder(to_decoder));
        let head = Arc::new(OnceLock::new());
        if can_begin_late && audio_start::stands_alone(&self.facts(index)?.codec) {
            self.heads.insert(index, Arc::clone(&head));
        }
        let stage = AudioDecodeStage { decoder, head, shared: Arc::clone(&self.shared) };
        let work = move || stage.run(input, output).map_err(|error| error.in_file(&label));
        self.wait(format!("decode-{index}"), Stage::Decode, token, work);
        Ok(())
    }

    /// Builds the stages that measure copied audio. Encoder stages measure their own input. Returns the streams that must
    /// be decoded from their start for that.
    fn meters(&mut self, source: &Source, watch: &mut Watch) -> Result<Vec<StreamId>> {
        let mut early = Vec::new();
        let can_hear =
            |plan: &AudioPlan| plan.stream.source().is_none_or(|index| source.selection().lack(index).is_none());
        let mut all: Vec<Measured> = Vec::new();
        for sink in self.plan.sinks() {
            let output = &self.outputs[sink];
            if !self.pass.writes(sink.product()) || !self.includes(sink) {
                continue;
            }
            for (track, plan) in output.audio.iter().enumerate().filter(|(_, plan)| plan.copied && can_hear(plan)) {
                let target = plan.heard(output);
                match all.iter_mut().find(|known| known.plan.stream == plan.stream && known.target == target) {
                    Some(known) => known.places.push((sink, track)),
                    None => all.push(Measured { plan: plan.clone(), target, places: vec![(sink, track)] }),
                }
            }
        }
        for (number, Measured { plan, target, places }) in all.into_iter().enumerate() {
            let facts = self.facts_of(plan.stream)?;
            let converter = AudioConverter::new(target, facts.index, facts.time_base);
            if !converter.can_begin_late(facts.sample_rate) {
                early.push(plan.stream);
            }
            let stage = MeterStage {
                converter,
                bursts: Some(BurstFinder::default()),
                stream: facts.index,
                time_base: facts.time_base,
                gauge: Gauge::new(true),
                shared: Arc::clone(&self.shared),
                places,
            };
            let token = Token::joined(stage.places.iter().map(|(output, _)| &self.tokens[output.product()]));
            let token = token.unwrap_or_else(|| self.token.clone());
            let input = self.listen(format!("loudness {number}"), plan.stream, &token, watch);
            let label = self.audio_label(plan.stream);
            let work = move || stage.run(input).map_err(|error| failures::from_source(error, &label));
            self.wait(format!("loudness-{number}"), Stage::Filter, token, work);
        }
        Ok(early)
    }

    /// The file that errors about an audio stream name.
    pub(super) fn audio_label(&self, stream: StreamId) -> std::path::PathBuf {
        let external = stream.external_audio().and_then(|number| self.external_audio.get(number));
        external.map_or_else(|| self.label.clone(), |track| track.settings.all_inputs()[0].path.clone())
    }
}

/// Earlier than any time. A copy without a cut keeps the audio before time zero, which the edit lists of MP4 hide.
const EVER: Timestamp = Timestamp { ticks: i64::MIN, base: TimeBase { num: 1, den: 1 } };

/// The cut of copied audio. Sets in `track` the samples that a decoder yields before the cut.
fn cut(output: &OutputPlan, file: &Source, facts: &StreamFacts, span: Span, track: &mut TrackSpec) -> AudioCut {
    let is_exact = cuts_exactly(output.container, facts);
    let make = || AudioCut::new(facts, span, is_exact);
    if output.start.is_none() {
        if track.parameters.priming().0 == 0 {
            track.parameters.set_priming(file.run_in(facts));
        }
    } else if facts.codec == "opus" && is_exact {
        if let Some(samples) = make().samples_before(file, facts) {
            track.parameters.set_priming(samples.into());
            let mut head = track.parameters.extradata().to_vec();
            // RFC 7845, 5.1: the pre-skip.
            if let Some(place) = head.get_mut(10..12) {
                place.copy_from_slice(&samples.to_le_bytes());
            }
            track.parameters = std::mem::replace(&mut track.parameters, facts.parameters.clone()).with_extradata(&head);
        }
    } else {
        track.parameters.set_priming(0);
        track.hides_start = is_exact && facts.parameters.pcm_block().is_none();
    }
    let cut = make();
    track.time_base = cut.base();
    cut
}
