//! The video stages: decode, filter, encode.

use std::sync::{Arc, atomic::Ordering};

use trix_av::packet::Packet;
use trix_model::{
    control::progress::Counters,
    error::{Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::video::{DecodedFrame, VideoDecoder},
    encode::{coder::Coder, timeline::Timeline, video::Encoded},
    filter::frames::FrameFilter,
    pipeline::{
        channel::{Fan, Receiver, Sender, Sent},
        failures,
        pass::{
            pace::PaceMaker,
            queued::{ForMuxer, Queued},
            record::{Shared, StepRecord, lock},
        },
    },
    plan::{Cut, Sink, StepId, StillId, Verdict},
    reading::reader::shorten,
    still::FrameStill,
};

/// Decodes frames for all consumers.
pub(super) struct DecodeStage {
    pub(super) decoder: VideoDecoder,
    /// True if a time code in the bitstream is noted, because no output has one.
    pub(super) names_timecode: bool,
    pub(super) shared: Arc<Shared>,
}

impl DecodeStage {
    pub(super) fn run(mut self, input: Receiver<Queued<Packet>>, mut output: Fan<DecodedFrame>) -> Result<()> {
        let (mut wanted, mut ended) = (true, false);
        while wanted && !ended {
            let packet = input.receive(Stage::Decode)?.map(|queued| queued.item);
            ended = packet.is_none();
            self.decoder.push(packet.as_ref())?;
            while wanted && let Some(frame) = self.decoder.receive()? {
                if self.names_timecode && frame.number == 0 {
                    self.decoder.name_timecode(&frame.frame);
                }
                wanted = output.send(frame, Stage::Decode)? == Sent::Yes;
            }
        }
        self.shared.repaired.store(self.decoder.repaired(), Ordering::Relaxed);
        self.shared.left_out.store(self.decoder.left_out(), Ordering::Relaxed);
        self.shared.note_timing(self.decoder.stream(), self.decoder.timing());
        Ok(())
    }
}

/// Takes the frames of its cut, and filters them.
pub(super) struct FilterStage {
    pub(super) step: StepId,
    pub(super) cut: Cut,
    /// Time base of the incoming frames.
    pub(super) time_base: TimeBase,
    pub(super) filter: FrameFilter,
    pub(super) shared: Arc<Shared>,
}

impl FilterStage {
    pub(super) fn run(mut self, input: Receiver<DecodedFrame>, mut output: Fan<DecodedFrame>) -> Result<()> {
        let mut record = StepRecord::default();
        let (mut wanted, mut kept) = (true, 0);
        while wanted {
            let Some(mut frame) = input.receive(Stage::Filter)? else { break };
            record.decoded += 1;
            match self.cut.judge(Timestamp::new(frame.pts, self.time_base), kept) {
                Verdict::Before => {
                    record.before += 1;
                    continue;
                }
                Verdict::After => {
                    record.after += 1;
                    break;
                }
                Verdict::Keep => {}
            }
            kept += 1;
            shorten(&self.cut, &mut frame, self.time_base);
            record.extras.add(&frame.extras);
            let time = Timestamp::new(frame.pts, self.time_base);
            let passed_on = self.pass_on(Some(frame), &mut output);
            wanted = passed_on.map_err(|error| failures::at(error, Some(time)))?;
        }
        drop(input);
        if wanted {
            self.pass_on(None, &mut output)?;
        }
        record.counts = self.filter.counts();
        record.changes = self.filter.changes().to_vec();
        *lock(&self.shared.steps[self.step.0]) = record;
        Ok(())
    }

    /// Returns false if no consumer takes more frames.
    fn pass_on(&mut self, frame: Option<DecodedFrame>, output: &mut Fan<DecodedFrame>) -> Result<bool> {
        for frame in self.filter.push(frame)? {
            if output.send(frame, Stage::Filter)? == Sent::NotWanted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Makes a still from the frames of its cut.
pub(super) struct StillStage {
    pub(super) id: StillId,
    pub(super) still: FrameStill,
    pub(super) cut: Cut,
    /// Time base of the frames.
    pub(super) time_base: TimeBase,
    pub(super) shared: Arc<Shared>,
}

impl StillStage {
    pub(super) fn run(mut self, input: Receiver<DecodedFrame>) -> Result<()> {
        let mut kept = 0;
        // A cut can be longer than the source, which then ends with its last frame.
        let mut end = None;
        while self.still.wants_more()
            && let Some(frame) = input.receive(Stage::Filter)?
        {
            match self.cut.judge(Timestamp::new(frame.pts, self.time_base), kept) {
                Verdict::Before => continue,
                Verdict::After => {
                    end = self.cut.end;
                    break;
                }
                Verdict::Keep => {}
            }
            kept += 1;
            let time = Timestamp::new(frame.pts, self.time_base);
            self.still.push(&frame).map_err(|error| error.at(Some(time)))?;
        }
        drop(input);
        *lock(self.shared.still(self.id)) = Some(self.still.finish(end)?);
        Ok(())
    }
}

/// The destination of the packets of an encode.
pub(super) struct VideoPlace {
    /// The file or rendition that takes the packets.
    pub(super) sink: Sink,
    /// Number of the track in it.
    pub(super) track: usize,
    /// `None` in a first pass.
    pub(super) next: Option<Sender<ForMuxer>>,
    pub(super) counters: Arc<Counters>,
}

/// Sends packets with their times to every place. The slowest place sets the pace.
pub(super) struct Outlet {
    pub(super) timeline: Timeline,
    /// Data that is written before the first frame.
    pub(super) info: Vec<u8>,
    pub(super) first_seen: bool,
    /// Those that still take packets.
    pub(super) places: Vec<VideoPlace>,
    /// Keep the external audio tracks of the same files and packages in step with the frames.
    pub(super) paces: Vec<PaceMaker>,
    /// The time base of frames that are joined from chunks. These wait for the audio.
    pub(super) joined: Option<TimeBase>,
    pub(super) shared: Arc<Shared>,
}

impl Outlet {
    /// Counts a frame that goes into the encoder. `ticks` is its time from the origin, in `time_base`.
    pub(super) fn enter(&mut self, ticks: i64, duration: Option<i64>, time_base: TimeBase) {
        self.timeline.push(ticks, duration);
        for place in &self.places {
            self.shared.outputs[place.sink].encoded.fetch_add(1, Ordering::Relaxed);
        }
        if self.joined.is_none() {
            let time = Timestamp::new(ticks, time_base);
            self.paces.iter().for_each(|pace| pace.reach(time));
        }
    }

    /// Sends a coded frame to every place.
    pub(super) fn emit(&mut self, encoded: Encoded) -> Result<()> {
        let times = self.timeline.pop(&encoded)?;
        if let Some(samples) = encoded.samples {
            for place in &self.places {
                lock(&self.shared.outputs[place.sink].done).samples.insert(encoded.pts as u64, samples);
            }
        }
        if let Some(base) = self.joined {
            let must_stop = || self.places.iter().filter_map(|place| place.next.as_ref()).any(|next| next.must_stop());
            let time = Timestamp::new(times.pts, base);
            self.paces.iter().for_each(|pace| pace.lead(time, must_stop));
        }
        let mut packet = if self.first_seen || self.info.is_empty() {
            encoded.packet
        } else {
            Packet::joined(&[self.info.as_slice(), encoded.packet.data()])
        };
        self.first_seen = true;
        packet.set_times(Some(times.pts), Some(times.dts), times.duration);
        packet.set_key(encoded.key);
        for place in std::mem::take(&mut self.places) {
            self.shared.outputs[place.sink].emitted.fetch_add(1, Ordering::Relaxed);
            place.counters.add_frame();
            let sent = match &place.next {
                Some(next) => next.send(ForMuxer::packet(place.track, packet.clone()), Stage::Encode)?,
                None => Sent::Yes,
            };
            // A place that failed must not hold back the others.
            if sent == Sent::Yes {
                self.places.push(place);
            }
        }
        Ok(())
    }

    /// Ends the track at every place. `cpu_seconds` is the processor time of the encoder.
    pub(super) fn end(&self, complaints: &[String], cpu_seconds: Option<f64>) -> Result<()> {
        for place in &self.places {
            let mut done = lock(&self.shared.outputs[place.sink].done);
            done.warnings.extend_from_slice(complaints);
            done.cpu_seconds = cpu_seconds;
            drop(done);
            place.next.iter().try_for_each(|next| next.send(ForMuxer::end(place.track), Stage::Encode).map(drop))?;
        }
        Ok(())
    }
}

/// Encodes frames, restores their times, and sends each packet to every place.
pub(super) struct EncodeStage {
    pub(super) coder: Coder,
    pub(super) outlet: Outlet,
}

impl EncodeStage {
    pub(super) fn run(mut self, input: Receiver<DecodedFrame>) -> Result<()> {
        // The time of the last frame that the encoder took.
        let mut last = None;
        while let Some(frame) = input.receive(Stage::Encode)? {
            let (ticks, number) = (self.coder.ticks(&frame), self.coder.pushed());
            self.outlet.enter(ticks, frame.duration, self.coder.time_base);
            last = Some(Timestamp::new(ticks, self.coder.time_base));
            self.push(frame).map_err(|error| {
                let error = failures::at(error, last);
                failures::and(error, &format!("when frame {number} went in, counted from 0"))
            })?;
        }
        self.finish().map_err(|error| {
            let error = failures::at(error, last);
            failures::and(error, &format!("when all {} frames had gone in", self.coder.pushed()))
        })?;
        self.outlet.end(&self.coder.complaints(), self.coder.cpu_seconds())
    }

    fn push(&mut self, frame: DecodedFrame) -> Result<()> {
        self.coder.push(frame, false)?.map_or(Ok(()), |encoded| self.outlet.emit(encoded))
    }

    /// Drains the encoder.
    fn finish(&mut self) -> Result<()> {
        while let Some(encoded) = self.coder.finish()? {
            self.outlet.emit(encoded)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, atomic::AtomicU64};

    use std::collections::BTreeMap;

    use trix_av::{frame::Frame, stream::VideoCodec};
    use trix_bitstream::nal::NalCodec;
    use trix_model::{
        control::cancel::{Cancel, Token},
        error::{Error, ErrorKind},
        extras::Extras,
    };

    use super::*;
    use crate::{
        encode::{
            coder::{Carries, Forced},
            video::{Coding, Headers, VideoEncoder},
        },
        pipeline::{
            channel::channel,
            pass::{
                pace::Pace,
                record::{OutputRecord, Shared},
            },
        },
        plan::{OutputId, PerProduct, PerSink},
    };

    /// An encoder with a delay of two frames. It fails at frame number `at`, or, with `None`, at the first packet that
    /// it returns after the last frame.
    struct Failing {
        at: Option<u64>,
    }

    fn failure() -> Error {
        Error::new(ErrorKind::Codec, Stage::Encode, "no more").caused_by(std::io::Error::other("the cause"))
    }

    impl VideoEncoder for Failing {
        fn headers(&mut self) -> Result<Headers> {
            Ok(Headers { parameter_sets: Vec::new(), info: Vec::new() })
        }

        fn push(&mut self, _: &Frame, number: u64, coding: Coding) -> Result<Option<Encoded>> {
            if self.at == Some(number) {
                return Err(failure());
            }
            let (number, key) = (number as i64 - 2, coding == Coding::Key);
            Ok((number >= 0).then(|| Encoded {
                packet: Packet::copy_of(&[0]),
                pts: number,
                dts: number,
                key,
                samples: None,
            }))
        }

        fn finish(&mut self) -> Result<Option<Encoded>> {
            Err(failure())
        }

        fn codec(&self) -> Option<VideoCodec> {
            Some(VideoCodec::H264)
        }

        fn frame_threads(&self) -> Option<u32> {
            None
        }

        fn complaints(&self) -> Vec<String> {
            Vec::new()
        }
    }

    /// An encoder that returns each frame at once, and notes where the coded bytes are in memory.
    struct Noting(Arc<Mutex<Vec<usize>>>);

    impl VideoEncoder for Noting {
        fn headers(&mut self) -> Result<Headers> {
            Ok(Headers { parameter_sets: Vec::new(), info: Vec::new() })
        }

        fn push(&mut self, _: &Frame, number: u64, coding: Coding) -> Result<Option<Encoded>> {
            let (packet, key) = (Packet::copy_of(&[number as u8; 1000]), coding == Coding::Key);
            lock(&self.0).push(packet.data().as_ptr() as usize);
            Ok(Some(Encoded { packet, pts: number as i64, dts: number as i64, key, samples: None }))
        }

        fn finish(&mut self) -> Result<Option<Encoded>> {
            Ok(None)
        }

        fn codec(&self) -> Option<VideoCodec> {
            Some(VideoCodec::Hevc)
        }

        fn frame_threads(&self) -> Option<u32> {
            None
        }

        fn complaints(&self) -> Vec<String> {
            Vec::new()
        }
    }

    fn shared() -> Shared {
        Shared {
            repaired: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            timing: Default::default(),
            walked: Default::default(),
            codec_changes: Default::default(),
            steps: Vec::new(),
            outputs: PerSink { outputs: vec![OutputRecord::default()], renditions: Vec::new() },
            packages: Vec::new(),
            stills: Vec::new(),
            damage_of_tracks: Default::default(),
            paces: PerProduct::of([0; 3], |_| Arc::new(Pace::new(false))),
        }
    }

    /// Runs an encode stage that receives 50 frames at 25 a second. The first is shown after two seconds of the source.
    fn encoded(encoder: Box<dyn VideoEncoder>, places: Vec<VideoPlace>, shared: &Arc<Shared>) -> Result<()> {
        let time_base = TimeBase::new(1, 1000);
        let (to_encoder, input, _) = channel::<DecodedFrame>(usize::MAX, &Token::new(&Cancel::default()));
        for number in 0..50 {
            let (frame, pts) = (Frame::grey(16, 16), 2000 + 40 * number as i64);
            let frame = DecodedFrame { frame, number, pts, duration: None, extras: Extras::default() };
            to_encoder.send(frame, Stage::Filter).unwrap();
        }
        drop(to_encoder);
        let coder = Coder {
            encoder,
            origin: 2000,
            time_base,
            forced: Forced::new(&[], None),
            carries: Carries { codec: Some(NalCodec::Hevc), ..Carries::default() },
            sets_apart: true,
            extras: BTreeMap::new(),
            pushed: 0,
        };
        let outlet = Outlet {
            timeline: Timeline::new(40),
            info: Vec::new(),
            first_seen: false,
            places,
            paces: Vec::new(),
            joined: None,
            shared: Arc::clone(shared),
        };
        EncodeStage { coder, outlet }.run(input)
    }

    fn place(number: usize, next: Option<Sender<ForMuxer>>) -> VideoPlace {
        VideoPlace { sink: Sink::Output(OutputId(number)), track: 0, next, counters: Arc::default() }
    }

    #[test]
    fn each_place_gets_every_packet_however_slow_it_is_and_one_that_fails_leaves_the_others_whole() {
        // A channel holds one packet, so a slow place fills it.
        let tokens = Token::new(&Cancel::default()).of_outputs(3);
        let (mut places, mut readers) = (Vec::new(), Vec::new());
        for (number, token) in tokens.into_iter().enumerate() {
            let (next, input, depth) = channel::<ForMuxer>(300, &token);
            places.push(place(number, Some(next)));
            readers.push(std::thread::spawn(move || {
                let mut taken = Vec::new();
                while let Some(own) = input.receive(Stage::Mux).unwrap() {
                    assert!(depth.items() <= 1);
                    let Some(packet) = own.packet.unwrap() else { continue };
                    taken.push(packet.data()[0]);
                    match number {
                        0 => std::thread::sleep(std::time::Duration::from_millis(3)),
                        1 if taken.len() == 5 => {
                            token.fail();
                            break;
                        }
                        _ => {}
                    }
                }
                taken
            }));
        }
        let outputs = (0..3).map(|_| OutputRecord::default()).collect();
        let shared = Arc::new(Shared { outputs: PerSink { outputs, renditions: Vec::new() }, ..shared() });
        encoded(Box::new(Noting(Arc::default())), places, &shared).unwrap();
        let taken: Vec<Vec<u8>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        let all: Vec<u8> = (0..50).collect();
        assert_eq!((&taken[0], &taken[2]), (&all, &all));
        assert_eq!(taken[1], all[..5]);
        for number in [0, 2] {
            let record = &shared.outputs[Sink::Output(OutputId(number))];
            let [encoded, emitted] = [&record.encoded, &record.emitted].map(|count| count.load(Ordering::Relaxed));
            assert_eq!((encoded, emitted), (50, 50), "{number}");
        }
        let failed = shared.outputs[Sink::Output(OutputId(1))].emitted.load(Ordering::Relaxed);
        assert!((5..50).contains(&failed), "{failed}");
    }

    #[test]
    fn the_muxer_gets_the_coded_bytes_in_the_memory_of_the_encoder() {
        let places = Arc::new(Mutex::new(Vec::new()));
        let (output, packets, _) = channel::<ForMuxer>(usize::MAX, &Token::new(&Cancel::default()));
        let encoder = Box::new(Noting(Arc::clone(&places)));
        encoded(encoder, vec![place(0, Some(output))], &Arc::new(shared())).unwrap();
        let mut found = Vec::new();
        while let Some(ForMuxer { packet, .. }) = packets.receive(Stage::Mux).unwrap() {
            found.extend(packet.unwrap());
        }
        assert_eq!(found.len(), 50);
        assert_eq!(found.iter().map(|packet| packet.data().as_ptr() as usize).collect::<Vec<_>>(), *lock(&places));
        for (number, packet) in found.iter().enumerate() {
            assert_eq!(packet.data(), [number as u8; 1000]);
        }
    }

    #[test]
    fn an_encoder_that_fails_names_the_frame_and_its_time_and_keeps_its_cause() {
        for (at, text) in [
            (Some(0), "encode, at 00:00:00.000: no more; when frame 0 went in, counted from 0"),
            (Some(30), "encode, at 00:00:01.200: no more; when frame 30 went in, counted from 0"),
            (None, "encode, at 00:00:01.960: no more; when all 50 frames had gone in"),
        ] {
            let ended = encoded(Box::new(Failing { at }), vec![place(0, None)], &Arc::new(shared()));
            let error = ended.unwrap_err();
            assert_eq!(error.to_string(), text);
            assert_eq!(error.cause().map(ToString::to_string).as_deref(), Some("the cause"));
        }
    }
}
