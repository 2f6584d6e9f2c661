//! Builds the video stages: the decoder, the filter steps, the encoders.

use std::sync::Arc;

use trix_av::{packet::Packet, pixel::PixelFormat, stream::StreamFacts};
use trix_bitstream::nal::NalCodec;
use trix_model::{
    control::{cancel::Token, progress::Watch},
    damage::OnDamage,
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{Builder, audio_users::Video};
use crate::{
    chunks::Chunked,
    decode::{
        frame_rate::frame_rate,
        timing::FrameTimes,
        video::{DecodedFrame, VideoDecoder},
    },
    encode::{
        self,
        coder::Coder,
        timeline::Timeline,
        video::{Headers, VideoEncoder},
    },
    filter::frames::FrameFilter,
    index::{self, Begin},
    mux::TrackSpec,
    pipeline::{
        channel::{Fan, Receiver, Sender, channel},
        failures,
        pass::{
            pace::{PaceMaker, Reading},
            queued::{ForMuxer, Queued},
            record::lock,
            route::Route,
            stitch::{SourceAccount, StitchStage},
            tracks,
            video::{self, Outlet, VideoPlace},
        },
    },
    plan::{Cut, EncodeId, EncodePlan, FilterPlan, Product, Sharing, Sink, StepId, VideoEncode},
    pool::Workers,
    reading::reader::FrameReader,
    report::Seek,
    source::Source,
};

impl<'a> Builder<'a> {
    /// Adds the encoded video of `sink`, and its track. Opens the encoder, unless it is open for another output.
    pub(super) fn encoder(
        &mut self,
        sink: Sink,
        to_muxer: Option<Sender<ForMuxer>>,
        tracks: &mut Vec<TrackSpec>,
    ) -> Result<()> {
        let output = &self.outputs[sink];
        let Some(id) = self.plan.content(sink).video else { return Ok(()) };
        let own = self.video_encode(id)?;
        let time_base = self.time_base_after(own.video.filter)?;
        let at = self.opened(id)?;
        let Video { encoder, headers, places, .. } = &mut self.videos[at];
        lock(&self.shared.outputs[sink].done).frame_threads = encoder.frame_threads();
        let (sets, tags) = (&headers.parameter_sets, output.tags(own.video.stream));
        let track = tracks::of_frames(&own.video, time_base, encoder.as_ref(), sets, output.container, &tags)?;
        let counters = Arc::clone(&self.counters[sink]);
        places.push(VideoPlace { sink, track: tracks.len(), next: to_muxer, counters });
        tracks.push(track);
        Ok(())
    }

    /// The place of encode `id` among those that are open. Opens it, and the encode that it follows.
    fn opened(&mut self, id: EncodeId) -> Result<usize> {
        if let Some(at) = self.videos.iter().position(|video| video.id == id) {
            return Ok(at);
        }
        let own = self.video_encode(id)?;
        let sharing = own.sharing.as_ref();
        // Where chunks are joined, the encoder only tells its parameter sets.
        if let Some(lead) = sharing.and_then(Sharing::lead).filter(|_| self.pass.chunked.is_none()) {
            self.opened(lead)?;
        }
        let stats = self.pass.stats(id).map(|path| (self.pass.number, path));
        let link = self.queues.link(id, sharing)?;
        let mut encoder = encode::video::open_linked(&own.video, Some(own.threads), stats, link)?;
        let headers = encoder.headers()?;
        self.videos.push(Video { id, encoder, headers, places: Vec::new() });
        Ok(self.videos.len() - 1)
    }

    /// The products that need an open encode: those that take its packets, and those of the encodes that follow it.
    fn served(&self, id: EncodeId) -> Result<Vec<Product>> {
        let sharing = self.video_encode(id)?.sharing.as_ref();
        let followers = sharing.map(Sharing::followers).unwrap_or_default();
        let needs = |video: &&Video| video.id == id || followers.contains(&video.id);
        let places = self.videos.iter().filter(needs).flat_map(|video| &video.places);
        Ok(places.map(|place| place.sink.product()).collect())
    }

    /// Builds the stages of the open video encoders.
    pub(super) fn videos(&mut self, watch: &mut Watch) -> Result<()> {
        let served = self.videos.iter().map(|video| self.served(video.id)).collect::<Result<Vec<_>>>()?;
        for (Video { id, encoder, headers, places }, served) in std::mem::take(&mut self.videos).into_iter().zip(served)
        {
            let plan = self.video_encode(id)?;
            let video = &plan.video;
            let time_base = self.time_base_after(video.filter)?;
            let token = Token::joined(served.iter().map(|product| &self.tokens[*product]));
            let token = token.unwrap_or_else(|| self.token.clone());
            let bytes = video.format.frame_bytes(video.width, video.height);
            let queue = self.queue("encode", id.0);
            let rendition = self.rendition(&places);
            let make = if self.pass.chunked.is_some() { PaceMaker::of_joined } else { PaceMaker::new };
            let pace = |place: &VideoPlace| make(&self.shared.paces[place.sink.product()]);
            let paces = places.iter().map(pace).collect();
            let outlet = Outlet {
                timeline: Timeline::new(Timestamp::new(1, video.rate.inverse()).rescale(time_base).max(1)),
                info: headers.info.clone(),
                first_seen: false,
                places,
                paces,
                joined: self.pass.chunked.map(|_| time_base),
                shared: Arc::clone(&self.shared),
            };
            if let Some(chunked) = self.pass.chunked {
                let stage = self.stitched(chunked, (id, encoder.as_ref(), headers), outlet, time_base)?;
                self.wait(queue, Stage::Encode, token, move || stage.run());
                continue;
            }
            let (to_encoder, input, depth) = channel::<DecodedFrame>(self.frames_of(bytes), &token);
            watch.add_queue(&queue, depth);
            self.takers[video.filter.0].push(to_encoder);
            let stage = video::EncodeStage { coder: Coder::new(plan, encoder, &headers, time_base), outlet };
            let work = move || {
                stage.run(input).map_err(|error| match &rendition {
                    Some(rendition) => failures::and(error, rendition),
                    None => error,
                })
            };
            self.wait(queue, Stage::Encode, token, work);
        }
        Ok(())
    }

    /// The stage that joins the chunks of encode `id`.
    fn stitched(
        &mut self,
        chunked: &Chunked,
        (id, encoder, headers): (EncodeId, &dyn VideoEncoder, Headers),
        outlet: Outlet,
        time_base: TimeBase,
    ) -> Result<StitchStage> {
        let after = |step: &StepId| self.plan.filters.get(step.0).and_then(|step| step.after);
        let mut steps: Vec<StepId> = std::iter::successors(Some(self.video_encode(id)?.video.filter), after).collect();
        steps.reverse();
        // Encodes share steps, and each step is accounted for once.
        let is_first = self.stitched.is_empty();
        if is_first && let Some(first) = steps.first() {
            let (end, token) = (self.plan.step(*first).cut.end, self.token.clone());
            let VideoEncode { video, origin, .. } = self.video_encode(id)?;
            let (stream, origin) = (video.stream, *origin);
            let with_subtitles =
                self.plan.sinks().into_iter().filter(|sink| !self.plan.content(*sink).metadata.subtitles.is_empty());
            let readings = with_subtitles.map(|sink| Reading::of(&self.shared.paces[sink.product()])).collect();
            self.routes[stream].push(Route::Encoded { end, token, readings, origin });
        }
        let facts = self.facts(self.video_encode(id)?.video.stream)?;
        let frame_ticks = Timestamp::new(1, frame_rate(facts).inverse()).rescale(facts.time_base).max(1);
        let times = FrameTimes::new(facts.time_base, frame_ticks);
        let about = SourceAccount { log: Arc::clone(&self.damage), stream: facts.index, times };
        let steps = steps.into_iter().map(|step| (step, self.stitched.insert(step))).collect();
        Ok(StitchStage {
            store: chunked.store.clone(),
            chunks: chunked.ranges.iter().copied().zip(chunked.keys(id)?).collect(),
            parameter_sets: headers.parameter_sets,
            codec: NalCodec::from_name(&encoder.codec().map_or_else(String::new, |codec| codec.to_string())),
            outlet,
            time_base,
            steps,
            about: is_first.then_some(about),
        })
    }

    /// The rendition that an error of an encoder names, if no file takes its packets.
    fn rendition(&self, places: &[VideoPlace]) -> Option<String> {
        let [VideoPlace { sink: Sink::Rendition { package, rendition }, .. }] = places else { return None };
        Some(format!("rendition {}", self.plan.package(*package).renditions[*rendition].id))
    }

    fn video_encode(&self, id: EncodeId) -> Result<&'a VideoEncode> {
        let missing = || Error::bug(Stage::Plan, format!("the plan names encode {id} as one of video"));
        self.plan.encodes.get(id.0).and_then(EncodePlan::video).ok_or_else(missing)
    }

    /// The time base of the frames that filter step `step` produces.
    fn time_base_after(&self, step: StepId) -> Result<TimeBase> {
        Ok(self.filter(step)?.time_base())
    }

    /// The filter of step `step`.
    fn filter(&self, step: StepId) -> Result<FrameFilter> {
        let plan = self.plan.step(step);
        let (stream, base) = match plan.after {
            None => {
                let served = plan.outputs.first().and_then(|sink| self.plan.video(*sink));
                let facts = self.facts(served.map_or(0, |video| video.stream))?;
                (facts.index, facts.time_base)
            }
            Some(before) => {
                let before = self.filter(before)?;
                (before.stream(), before.time_base())
            }
        };
        Ok(FrameFilter::new(plan.filtering.clone(), stream, base))
    }

    /// The threads that convert several frames at once, if the plan has them.
    fn workers(&self) -> Result<Option<Workers>> {
        let threads = self.plan.filter_threads as usize;
        let is_single = |(at, step): (usize, &FilterPlan)| {
            !self.stitched.contains(&StepId(at)) && !step.filtering.transform.joins_frames()
        };
        let is_needed = threads > 1 && self.plan.filters.iter().enumerate().any(is_single);
        is_needed.then(|| Workers::new(threads)).transpose()
    }

    /// Builds the video decoder and the filter steps.
    pub(super) fn frames(&mut self, source: &Source, watch: &mut Watch) -> Result<()> {
        let mut roots: Vec<(Sender<DecodedFrame>, Token)> = Vec::new();
        let mut stream = None;
        let workers = self.workers()?;
        // A step feeds only later steps. In reverse order, the consumers of each step are complete when its turn comes.
        for step in (0..self.plan.filters.len()).rev().map(StepId) {
            // The frames of chunks are filtered already.
            if self.stitched.contains(&step) {
                continue;
            }
            let plan = self.plan.step(step);
            let served: Vec<&Token> = plan
                .outputs
                .iter()
                .filter(|sink| self.includes(**sink))
                .map(|sink| &self.tokens[sink.product()])
                .collect();
            let Some(token) = Token::joined(served) else { continue };
            let index = self.plan.video(plan.outputs[0]).map_or(0, |video| video.stream);
            let facts = self.facts(index)?;
            let filter = self.filter(step)?.on(workers.clone());
            let (limit, time_base) = match plan.after {
                None => {
                    let format = PixelFormat::from_raw(facts.format).and_then(PixelFormat::frame);
                    let format = format.unwrap_or(plan.filtering.transform.format);
                    (format.frame_bytes(facts.width, facts.height), facts.time_base)
                }
                Some(before) => {
                    let transform = &self.plan.step(before).filtering.transform;
                    let ((width, height), format) = (transform.size(), transform.format);
                    (format.frame_bytes(width, height), self.time_base_after(before)?)
                }
            };
            let (to_filter, input, depth): (_, Receiver<DecodedFrame>, _) = channel(self.frames_of(limit), &token);
            watch.add_queue(&self.queue("filter", step.0), depth);
            match plan.after {
                None => roots.push((to_filter, token.clone())),
                Some(before) => self.takers[before.0].push(to_filter),
            }
            stream = Some(index);
            let output = Fan::new(std::mem::take(&mut self.takers[step.0]));
            let cut = plan.cut;
            let stage = video::FilterStage { step, cut, time_base, filter, shared: Arc::clone(&self.shared) };
            let label = self.label.clone();
            let work = move || stage.run(input, output).map_err(|error| failures::from_source(error, &label));
            self.wait(self.queue("filter", step.0), Stage::Filter, token, work);
        }
        if !self.stitched.is_empty() && self.lacks_timecode() {
            self.name_timecode(source)?;
        }
        // The first steps of the plan get their frames first.
        roots.reverse();
        roots.append(&mut self.viewers);
        let Some(index) = stream.or(source.video().map(|facts| facts.index)).filter(|_| !roots.is_empty()) else {
            return Ok(());
        };
        let token = Token::joined(roots.iter().map(|(_, token)| token)).unwrap_or_else(|| self.token.clone());
        let products = self.products_of(&token);
        match self.decode_frames(index, source, roots, token, watch) {
            Ok(()) => Ok(()),
            Err(error) => self.go_on_without(&products, error),
        }
    }

    /// Builds the stage that decodes stream `index` for all `roots`, or lets a program take its place.
    fn decode_frames(
        &mut self,
        index: usize,
        source: &Source,
        roots: Vec<(Sender<DecodedFrame>, Token)>,
        token: Token,
        watch: &mut Watch,
    ) -> Result<()> {
        if let Some(feed) = &mut self.feed {
            feed.frames = Some(Fan::new(roots.into_iter().map(|(root, _)| root).collect()));
            return Ok(());
        }
        let facts = self.facts(index)?.clone();
        let mut decoder = VideoDecoder::new(
            self.label.clone(),
            &facts,
            self.plan.threads,
            source.limits().pixels,
            Arc::clone(&self.damage),
        )?;
        if let Some(start) = self.first_wanted() {
            // A copy of the stream counts its packets from the start of the source.
            let is_copied = self.routes[index].iter().any(|route| matches!(route, Route::Output(_)));
            // The report of a still names the number of its frame.
            let begin = match self.plan.stills.is_empty() && !is_copied {
                true => index::begin_near(source, &facts, start)?,
                false => index::begin(source, &facts, start)?,
            };
            if let Ok(begin) = &begin {
                decoder = decoder.beginning_at(begin);
            }
            let not_decoded = begin.as_ref().map_or(0, Begin::passed);
            let known_from = begin.as_ref().ok().and_then(Begin::known_from);
            let from_start = begin.as_ref().err().copied();
            self.seek = Some(Seek { not_decoded, known_from, from_start, audio_from_start: Vec::new() });
            self.begin = begin.ok().filter(|_| !is_copied).map(|begin| (index, begin));
        }
        let names_timecode = self.lacks_timecode() && self.stitched.is_empty();
        if names_timecode && self.begin.is_some() {
            self.name_timecode(source)?;
        }
        let stage = video::DecodeStage { decoder, names_timecode, shared: Arc::clone(&self.shared) };
        let (to_decoder, input, depth) = channel::<Queued<Packet>>(self.packets(), &token);
        watch.add_queue("decode", depth);
        self.routes[index].push(Route::Decoder(to_decoder));
        let output = Fan::new(roots.into_iter().map(|(root, _)| root).collect());
        self.wait("decode", Stage::Decode, token, move || stage.run(input, output));
        Ok(())
    }

    /// True if no output has a time code.
    fn lacks_timecode(&self) -> bool {
        let mut shown = self.outputs.values().filter(|output| output.video.is_some());
        shown.all(|output| output.metadata.timecode.is_none())
    }

    /// Notes a time code in the bitstream of the first frame of the source, if that frame is not decoded with the
    /// others.
    fn name_timecode(&self, source: &Source) -> Result<()> {
        let first = Cut { frames: Some(1), ..Cut::default() };
        let mut reader = FrameReader::new(source.reopen()?, OnDamage::Conceal, first, None, 1)?;
        if let Some(note) = reader.next_frame()?.and_then(|frame| reader.timecode_note(&frame)) {
            self.damage.note(note);
        }
        Ok(())
    }

    /// The time of the first frame that any consumer needs; `None` if one needs frames from the start.
    fn first_wanted(&self) -> Option<Timestamp> {
        let plan = self.plan;
        let steps = plan.filters.iter().filter(|step| step.after.is_none()).map(|step| step.cut.start);
        // Stills of audio need no frames, and do not change the result.
        let starts = steps.chain(plan.stills.iter().map(|still| still.cut.start));
        starts.collect::<Option<Vec<Timestamp>>>()?.into_iter().min()
    }

    /// Bytes of a decoded frame.
    pub(super) fn decoded_bytes(&self, facts: &StreamFacts) -> usize {
        let format = PixelFormat::from_raw(facts.format).and_then(PixelFormat::frame);
        // The largest format has four components of 32 bits for each pixel.
        format.map_or(facts.width * facts.height * 16, |format| format.frame_bytes(facts.width, facts.height))
    }
}
