//! Opens every encoder and every file of a pass, then starts its stages.
//!
//! Invariant: stages are started only when everything that can refuse has been opened.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use crossbeam_channel as crossbeam;

use super::{
    ForMuxer, PACKETS, PICTURES, Pass, Queued, Running, Shared, lock, mux,
    route::{self, IntoOutput, Kind, Route},
    sound::{SoundDecodeStage, SoundPlace, SoundStage},
    tracks, video,
};
use crate::{
    decode::{
        audio::AudioDecoder,
        damage::DamageLog,
        dynamic::DynamicHdr,
        video::{Picture, VideoDecoder, frame_rate},
    },
    demux::Demuxer,
    encode::{
        self,
        nal::NalCodec,
        samples::SampleBooks,
        sound::SoundEncoder,
        subtitle::{Span, SubtitleTrack},
        timeline::Timeline,
    },
    error::{Error, Result, Stage},
    ffi::{pixel::PixelFormat, stream::StreamFacts},
    filter::{
        pictures::PictureFilter,
        sound::{SoundConverter, SoundTarget},
    },
    media::{
        frame::Frame,
        packet::Packet,
        time::{TimeBase, Timestamp},
    },
    mux::{Display, Muxer, TrackSpec, codec_delay},
    pipeline::{
        cancel::Token,
        progress::{Counters, Watch},
        stage::{Fan, Outcome, Receiver, Sender, channel, spawn},
    },
    source::Source,
    spec::{
        job::Job,
        plan::{AudioPlan, CopyGate, OutputPlan, Plan},
        video::EncodeSettings,
    },
};

/// A stage that waits to be started.
struct Waiting {
    name: String,
    stage: Stage,
    token: Token,
    work: Box<dyn FnOnce() -> Result<()> + Send>,
}

/// A sound track that is encoded, for one or more outputs.
struct Sound {
    plan: AudioPlan,
    target: SoundTarget,
    encoder: SoundEncoder,
    places: Vec<SoundPlace>,
}

/// What is being put together.
struct Builder<'a> {
    job: &'a Job,
    plan: &'a Plan,
    pass: Pass<'a>,
    label: PathBuf,
    streams: Vec<StreamFacts>,
    token: Token,
    tokens: Vec<Token>,
    shared: Arc<Shared>,
    damage: Arc<DamageLog>,
    routes: Vec<Vec<Route>>,
    /// Who takes the pictures of each filter step.
    takers: Vec<Vec<Sender<Picture>>>,
    sounds: Vec<Sound>,
    waiting: Vec<Waiting>,
}

/// Opens every encoder, then starts every stage.
pub(crate) fn start(
    job: &Job,
    plan: &Plan,
    source: Source,
    pass: Pass<'_>,
    token: &Token,
    counters: &[Arc<Counters>],
    watch: &mut Watch,
    done: &crossbeam::Sender<Outcome>,
) -> Result<Running> {
    let streams = source.streams().to_vec();
    let mut builder = Builder {
        job,
        plan,
        pass,
        label: source.label(),
        token: token.clone(),
        tokens: token.of_outputs(plan.outputs.len()),
        shared: Arc::new(Shared::new(plan.filters.len(), plan.outputs.len())),
        damage: Arc::new(DamageLog::new(job.source.on_damage)),
        routes: streams.iter().map(|_| Vec::new()).collect(),
        takers: plan.filters.iter().map(|_| Vec::new()).collect(),
        streams,
        sounds: Vec::new(),
        waiting: Vec::new(),
    };
    for (number, output) in plan.outputs.iter().enumerate().filter(|(number, _)| pass.includes(*number)) {
        builder.output(number, output, &source, &counters[number], watch).map_err(|error| {
            // A file of the pass stands for the output that it will become.
            match pass.file(number) {
                Some(part) => error.renamed(part, &output.path),
                None => error,
            }
        })?;
    }
    builder.sounds(watch)?;
    builder.pictures(&source, watch)?;

    let Builder { waiting, routes, shared, damage, .. } = builder;
    let demuxer = Demuxer::new(source, Arc::clone(&damage));
    let io = Arc::clone(demuxer.io_state());
    let stages = waiting.len() + 1;
    for Waiting { name, stage, token, work } in waiting {
        spawn(&name, stage, &token, done, work)?;
    }
    spawn("demux", Stage::Demux, token, done, move || route::demux(demuxer, routes))?;
    Ok(Running { stages, shared, damage, io })
}

impl Builder<'_> {
    fn facts(&self, index: usize) -> Result<&StreamFacts> {
        let missing = || Error::bug(Stage::Plan, format!("the plan names stream {index}"));
        self.streams.get(index).ok_or_else(missing)
    }

    fn wait(
        &mut self,
        name: impl Into<String>,
        stage: Stage,
        token: Token,
        work: impl FnOnce() -> Result<()> + Send + 'static,
    ) {
        self.waiting.push(Waiting { name: name.into(), stage, token, work: Box::new(work) });
    }

    /// What a queue is called: with one output, by its stage alone.
    fn queue(&self, stage: &str, number: usize) -> String {
        if self.plan.outputs.len() == 1 { stage.to_owned() } else { format!("{stage} {number}") }
    }

    /// Everything of output `number` that is its own.
    fn output(
        &mut self,
        number: usize,
        output: &OutputPlan,
        source: &Source,
        counters: &Arc<Counters>,
        watch: &mut Watch,
    ) -> Result<()> {
        let token = self.tokens[number].clone();
        let (to_muxer, muxer_input, depth) = channel::<ForMuxer>(PACKETS, &token);
        watch.add_queue(&self.queue("mux", number), depth);
        let writes = self.pass.file(number).is_some();
        let mut tracks: Vec<TrackSpec> = Vec::new();
        if let Some((_, settings)) = self.job.outputs[number].video.encode() {
            let to_muxer = writes.then(|| to_muxer.clone());
            tracks.extend(self.encoder(number, output, settings, to_muxer, counters, watch)?);
        }
        if writes {
            self.taken_over(output, source, &to_muxer, &mut tracks)?;
            let path = self.pass.file(number).unwrap_or(&output.path);
            let muxer = Muxer::new(output.container, path, tracks, &tracks::beside(output))?;
            let (shared, counters) = (Arc::clone(&self.shared), Arc::clone(counters));
            let counts_packets = output.video.is_none();
            let (part, target) = (path.to_owned(), output.path.clone());
            let work = move || {
                mux(muxer, muxer_input, &shared.outputs[number], &counters, counts_packets)
                    .map_err(|error| error.renamed(&part, &target))
            };
            self.wait(self.queue("mux", number), Stage::Mux, token, work);
        }
        Ok(())
    }

    /// The encoder of pictures of output `number`, and its track.
    fn encoder(
        &mut self,
        number: usize,
        output: &OutputPlan,
        settings: &EncodeSettings,
        to_muxer: Option<Sender<ForMuxer>>,
        counters: &Arc<Counters>,
        watch: &mut Watch,
    ) -> Result<Option<TrackSpec>> {
        let Some(video) = &output.video else { return Ok(None) };
        let stats = self.pass.stats(number).map(|path| (self.pass.number, path));
        let mut encoder = encode::video::open(video, settings, output.threads, stats)
            .map_err(|error| if self.plan.outputs.len() > 1 { error.in_file(&output.path) } else { error })?;
        lock(&self.shared.outputs[number].done).frame_threads = encoder.frame_threads();
        let headers = encoder.headers()?;
        let time_base = self.time_base_after(video.filter)?;
        let sets = &headers.parameter_sets;
        let tags = output.tags(video.stream);
        let track = tracks::of_pictures(video, time_base, encoder.as_ref(), sets, output.container, &tags)?;
        let token = self.tokens[number].clone();
        let bytes = video.format.picture_bytes(video.width, video.height);
        let (to_encoder, input, depth) = channel::<Picture>(PICTURES * bytes, &token);
        watch.add_queue(&self.queue("encode", number), depth);
        self.takers[video.filter].push(to_encoder);
        let stage = video::EncodeStage {
            timeline: Timeline::new(Timestamp::new(1, video.rate.inverse()).rescale(time_base).max(1)),
            origin: output.origin.rescale(time_base),
            time_base,
            keyframes: settings.keyframes.clone(),
            info: headers.info,
            output: to_muxer,
            counters: Arc::clone(counters),
            shared: Arc::clone(&self.shared),
            number,
            track: 0,
            first_seen: false,
            carries: video::Carries {
                codec: NalCodec::from_name(&encoder.codec().map_or_else(String::new, |codec| codec.to_string())),
                dolby_vision: video.dolby_vision.is_some(),
                hdr10_plus: video.hdr10_plus,
            },
            sets_apart: !headers.parameter_sets.is_empty(),
            extras: Default::default(),
            encoder,
        };
        self.wait(self.queue("encode", number), Stage::Encode, token, move || stage.run(input));
        Ok(Some(track))
    }

    /// Seconds in a tick of the times of pictures that come out of filter step `step`.
    fn time_base_after(&self, step: usize) -> Result<TimeBase> {
        Ok(self.filter(step)?.time_base())
    }

    /// The filter of step `step`.
    fn filter(&self, step: usize) -> Result<PictureFilter> {
        let plan = &self.plan.filters[step];
        let (stream, base) = match plan.after {
            None => {
                let served = plan.outputs.first().and_then(|number| self.plan.outputs[*number].video.as_ref());
                let facts = self.facts(served.map_or(0, |video| video.stream))?;
                (facts.index, facts.time_base)
            }
            Some(before) => {
                let before = self.filter(before)?;
                (before.stream(), before.time_base())
            }
        };
        Ok(PictureFilter::new(plan.filtering.clone(), stream, base))
    }

    /// Tracks of an output that are copied, and sound that is encoded.
    fn taken_over(
        &mut self,
        output: &OutputPlan,
        source: &Source,
        to_muxer: &Sender<ForMuxer>,
        tracks: &mut Vec<TrackSpec>,
    ) -> Result<()> {
        let origin = output.origin;
        let route =
            |kind, track| Route::Output(Box::new(IntoOutput { kind, track, origin, next: to_muxer.clone() }));
        let number = self.plan.outputs.iter().position(|own| std::ptr::eq(own, output)).unwrap_or(0);
        if let Some(copy) = &output.video_copy {
            let facts = self.facts(copy.stream)?;
            let track = tracks::copied(facts, Some(frame_rate(facts)), &output.tags(copy.stream));
            self.routes[copy.stream].push(route(Kind::Pictures(CopyGate::new(copy)), tracks.len()));
            tracks.push(track);
        }
        for (audio_number, audio) in output.audio.iter().enumerate() {
            let facts = self.facts(audio.stream)?;
            let tags = output.tags(audio.stream);
            if audio.copied {
                let span = Span { origin: output.start.unwrap_or(EVER), end: output.span_end() };
                let mut track = tracks::copied(facts, None, &tags);
                if track.parameters.priming().0 == 0 {
                    track.parameters.set_priming(tracks::run_in(source, facts));
                }
                self.routes[audio.stream].push(route(Kind::Sound(span), tracks.len()));
                tracks.push(track);
                continue;
            }
            let encoder = SoundEncoder::open(audio)?;
            let lead = codec_delay::lead(output.container, encoder.priming(), audio.sample_rate, &audio.codec);
            let mut parameters = encoder.parameters()?;
            parameters.set_priming(encoder.priming() + lead);
            let place =
                SoundPlace { output: number, track: tracks.len(), number: audio_number, next: Some(to_muxer.clone()) };
            tracks.push(TrackSpec {
                parameters,
                time_base: TimeBase::new(1, i64::from(audio.sample_rate)),
                rate: None,
                metadata: tags.metadata(),
                disposition: tags.disposition,
                display: Display::default(),
            });
            let target = SoundTarget {
                sample_format: audio.sample_format.clone().unwrap_or_default(),
                bits: audio.bits,
                dithered: audio.dithered,
                sample_rate: audio.sample_rate,
                resampler: audio.resampler,
                layout: audio.layout.clone(),
                assumed_layout: audio.assumed_layout.clone(),
                remix: audio.remix.clone(),
                block: encoder.block(),
                origin,
                end: output.span_end(),
                lead,
                tail: encoder.run_out(audio),
            };
            let same = |sound: &&mut Sound| sound.plan == *audio && sound.target == target;
            match self.sounds.iter_mut().find(same) {
                Some(sound) => sound.places.push(place),
                None => self.sounds.push(Sound { plan: audio.clone(), target, encoder, places: vec![place] }),
            }
        }
        for subtitle in &output.carried.subtitles {
            let facts = self.facts(subtitle.stream)?;
            let span = Span { origin, end: output.span_end() };
            let track = SubtitleTrack::open(self.label.clone(), facts, subtitle, span)?;
            let tags = output.tags(subtitle.stream);
            let spec = TrackSpec {
                parameters: track.parameters().clone(),
                time_base: facts.time_base,
                rate: None,
                metadata: tags.metadata(),
                disposition: tags.disposition,
                display: Display::default(),
            };
            self.routes[subtitle.stream].push(route(Kind::Subtitles(track), tracks.len()));
            tracks.push(spec);
        }
        Ok(())
    }

    /// The stages of sound that is encoded.
    fn sounds(&mut self, watch: &mut Watch) -> Result<()> {
        let mut takers: Vec<Vec<(Sender<Queued<Frame>>, Token)>> = self.streams.iter().map(|_| Vec::new()).collect();
        for (number, sound) in std::mem::take(&mut self.sounds).into_iter().enumerate() {
            let Sound { plan, target, encoder, places } = sound;
            let facts = self.facts(plan.stream)?;
            let token = Token::joined(places.iter().map(|place| &self.tokens[place.output]));
            let token = token.unwrap_or_else(|| self.token.clone());
            let (to_sound, input, depth) = channel::<Queued<Frame>>(PACKETS, &token);
            watch.add_queue(&format!("sound {number}"), depth);
            takers[plan.stream].push((to_sound, token.clone()));
            let stage = SoundStage {
                converter: SoundConverter::new(target, facts.index, facts.time_base),
                encoder,
                places,
                books: SampleBooks::new(plan.bits),
                shared: Arc::clone(&self.shared),
                fed: 0,
                held: VecDeque::new(),
            };
            let label = self.label.clone();
            let work = move || stage.run(input).map_err(|error| error.in_file(&label));
            self.wait(format!("sound-{number}"), Stage::Encode, token, work);
        }
        for (index, takers) in takers.into_iter().enumerate().filter(|(_, takers)| !takers.is_empty()) {
            let facts = self.facts(index)?;
            let decoder = AudioDecoder::new(self.label.clone(), facts, Arc::clone(&self.damage))?;
            let token = Token::joined(takers.iter().map(|(_, token)| token)).unwrap_or_else(|| self.token.clone());
            let (to_decoder, input, depth) = channel::<Queued<Packet>>(PACKETS, &token);
            watch.add_queue(&format!("decode {index}"), depth);
            self.routes[index].push(Route::Decoder(to_decoder));
            let stage = SoundDecodeStage { decoder, shared: Arc::clone(&self.shared) };
            let output = Fan::new(takers.into_iter().map(|(taker, _)| taker).collect());
            let label = self.label.clone();
            let work = move || stage.run(input, output).map_err(|error| error.in_file(&label));
            self.wait(format!("decode-{index}"), Stage::Decode, token, work);
        }
        Ok(())
    }

    /// The decoder of pictures and the filter steps.
    fn pictures(&mut self, source: &Source, watch: &mut Watch) -> Result<()> {
        let mut roots: Vec<(Sender<Picture>, Token)> = Vec::new();
        let mut stream = None;
        // Later steps feed earlier ones nothing, so that the takers of each are complete when it is its turn.
        for step in (0..self.plan.filters.len()).rev() {
            let plan = &self.plan.filters[step];
            let served: Vec<&Token> = plan
                .outputs
                .iter()
                .filter(|number| self.pass.includes(**number))
                .map(|number| &self.tokens[*number])
                .collect();
            let Some(token) = Token::joined(served) else { continue };
            let index = self.plan.outputs[plan.outputs[0]].video.as_ref().map_or(0, |video| video.stream);
            let facts = self.facts(index)?;
            let filter = self.filter(step)?;
            let (limit, time_base) = match plan.after {
                None => {
                    let format = PixelFormat::from_raw(facts.format).and_then(PixelFormat::picture);
                    let format = format.unwrap_or(plan.filtering.transform.format);
                    (format.picture_bytes(facts.width, facts.height), facts.time_base)
                }
                Some(before) => {
                    let (width, height) = self.plan.filters[before].filtering.transform.size();
                    let format = self.plan.filters[before].filtering.transform.format;
                    (format.picture_bytes(width, height), self.time_base_after(before)?)
                }
            };
            let (to_filter, input, depth): (_, Receiver<Picture>, _) = channel(PICTURES * limit, &token);
            watch.add_queue(&self.queue("filter", step), depth);
            match plan.after {
                None => roots.push((to_filter, token.clone())),
                Some(before) => self.takers[before].push(to_filter),
            }
            stream = Some(index);
            let output = Fan::new(std::mem::take(&mut self.takers[step]));
            let cut = plan.cut;
            let stage = video::FilterStage { step, cut, time_base, filter, shared: Arc::clone(&self.shared) };
            let label = self.label.clone();
            let work = move || stage.run(input, output).map_err(|error| error.in_file(&label));
            self.wait(self.queue("filter", step), Stage::Filter, token, work);
        }
        let Some(index) = stream else { return Ok(()) };
        let facts = self.facts(index)?;
        let decoder = VideoDecoder::new(
            self.label.clone(),
            facts,
            self.job.source.on_damage.decoder_threads(self.job.threads.unwrap_or(0)),
            source.limits().pixels,
            Arc::clone(&self.damage),
        )?;
        let stage = video::DecodeStage {
            decoder,
            dynamic: DynamicHdr::new(&facts.parameters),
            shared: Arc::clone(&self.shared),
        };
        let token = Token::joined(roots.iter().map(|(_, token)| token)).unwrap_or_else(|| self.token.clone());
        let (to_decoder, input, depth) = channel::<Queued<Packet>>(PACKETS, &token);
        watch.add_queue("decode", depth);
        self.routes[index].push(Route::Decoder(to_decoder));
        // The first steps of the plan get their pictures first.
        roots.reverse();
        let output = Fan::new(roots.into_iter().map(|(root, _)| root).collect());
        self.wait("decode", Stage::Decode, token, move || stage.run(input, output));
        Ok(())
    }
}

/// Earlier than anything: a copy without a cut keeps the sound before time zero, which the edit lists of MP4 hide.
const EVER: Timestamp = Timestamp { ticks: i64::MIN, base: TimeBase { num: 1, den: 1 } };
