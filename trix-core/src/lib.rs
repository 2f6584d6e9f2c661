//! A media engine that accounts for every frame: one source in, every copy out, verified, from one decode.
//!
//! # The names that matter
//!
//! | name | what it is |
//! | --- | --- |
//! | [`Source`] | an open file or image sequence: [`Source::frames`], [`Source::samples`], [`Source::frame`] |
//! | [`FrameConverter`] | converts frames that a program holds to another size or format |
//! | [`VideoFrame`], [`AudioBlock`] | a frame and a block of audio, read or made: what they are, and their samples by type |
//! | [`probe`](probe::probe) | what a source holds, as [`MediaInfo`](probe::MediaInfo) |
//! | [`Job`] | what a user asks for: one source, its outputs, packages and stills |
//! | [`Document`](document::Document) | a job or profile as TOML, YAML or JSON |
//! | [`plan()`] and [`Plan`] | what the job resolves to; a plan travels as JSON |
//! | [`settle_targets`] | finds the rate factors with which outputs reach a score |
//! | [`run`], [`run_job`] | run a plan, or plan a job and run it |
//! | [`Session`] | a job whose frames and audio the program gives |
//! | [`Ingest`] | every copy of a master, with a manifest beside them |
//! | [`Control`] | progress, [events](control::events::Event), and cancellation by [`Cancel`] |
//! | [`Report`] | what was written, with the ledger of every frame and the checks of every file |
//! | [`Error`], [`ErrorKind`] | what went wrong, at which stage, in which file and stream, and when |
//! | [`ErrorDocument`] | the same as JSON |
//! | [`schema`] | the JSON Schemas of all documents |
//! | [`doctor`] | what this build can do |
//!
//! # Examples
//!
//! Probe a file:
//!
//! ```
//! # let master = trix_fixtures::clip::master();
//! use trix_core::{Source, probe::probe};
//!
//! let info = probe(&Source::open(&master)?);
//! let video = info.streams.iter().find_map(|stream| stream.video.as_ref()).expect("a video stream");
//! assert_eq!((video.width, video.height), (320, 180));
//! # Ok::<(), trix_core::Error>(())
//! ```
//!
//! Write two copies from one decode, watch them, and be able to stop:
//!
//! ```
//! # let master = trix_fixtures::clip::master();
//! # let folder = trix_fixtures::folder();
//! use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
//! use trix_core::{
//!     Cancel, Control, Job, run_job,
//!     settings::{job::OutputSettings, video::{EncodeSettings, VideoSettings}},
//! };
//!
//! let settings = |depth| EncodeSettings { depth: Some(depth), preset: Some("ultrafast".into()), ..Default::default() };
//! let mut job = Job::new(&master, folder.path().join("copy.mp4"));
//! job.outputs[0].video = VideoSettings::X264(settings(8));
//! job.outputs.push(OutputSettings {
//!     path: folder.path().join("archive.mkv"),
//!     video: VideoSettings::X265(settings(10)),
//!     ..Default::default()
//! });
//!
//! let cancel = Cancel::default(); // `cancel.cancel()` on any thread ends the job within 200 ms
//! let frames = Arc::new(AtomicU64::new(0));
//! let seen = Arc::clone(&frames);
//! let control = Control {
//!     cancel: cancel.clone(),
//!     progress: Some(Arc::new(move |progress| seen.store(progress.frame, Ordering::Relaxed))),
//!     ..Control::default()
//! };
//! let report = run_job(&job, &control)?;
//! assert_eq!(report.outputs.len(), 2);
//! for output in &report.outputs {
//!     assert_eq!(output.ledger.expect("video").emitted, 50);
//!     assert!(output.verification.checks.iter().all(|check| check.ok));
//! }
//! assert_eq!(frames.load(Ordering::Relaxed), 50);
//! # Ok::<(), trix_core::Error>(())
//! ```
//!
//! Show what happens in a job, on a thread of its own:
//!
//! ```
//! # let master = trix_fixtures::clip::master();
//! # let folder = trix_fixtures::folder();
//! use trix_core::{Control, Job, control::events::Event, run_job};
//!
//! let job = Job::new(&master, folder.path().join("copy.mkv"));
//! let (control, events) = Control::with_events();
//! let running = std::thread::spawn(move || run_job(&job, &control));
//! let mut bytes_done = 0;
//! for event in events.iter() {
//!     match event {
//!         Event::StageBegan { stage, pass, passes } => println!("{stage}, {pass} of {passes}"),
//!         Event::Progress { path, frames, fps, .. } => println!("{}: {frames} frames, {fps:.0} fps", path.display()),
//!         Event::OutputDone { bytes, .. } => bytes_done += bytes,
//!         other => println!("{other:?}"),
//!     }
//! }
//! let report = running.join().expect("no panic")?;
//! assert_eq!(report.outputs[0].bytes, bytes_done);
//! # Ok::<(), trix_core::Error>(())
//! ```
//!
//! Read frames from any place on, each exactly as in a decode from the start:
//!
//! ```
//! # let master = trix_fixtures::clip::master();
//! use trix_core::{Source, media::time::{Rational, Timestamp}};
//!
//! let source = Source::open(&master)?;
//! let one_second = Timestamp::new(1, Rational::new(1, 1));
//! let numbers: Vec<u64> =
//!     source.frames().from(one_second).stride(10).map(|frame| Ok(frame?.number)).collect::<trix_core::Result<_>>()?;
//! assert_eq!(numbers, [25, 35, 45]);
//! assert_eq!(source.frame(30)?.expect("frame 30").frame.width(), 320);
//! # Ok::<(), trix_core::Error>(())
//! ```
//!
//! Read frames in another size and format, change them, and encode them with the audio of the source:
//!
//! ```
//! # let master = trix_fixtures::clip::master();
//! # let folder = trix_fixtures::folder();
//! use trix_core::{
//!     Control, Job, PlaneInput, Session, Source, VideoFrame,
//!     media::{PixelFormat, time::Rational},
//!     settings::{job::OutputSettings, shape::{Shape, TrackShape, VideoShape}, video::VideoSettings},
//! };
//!
//! let source = Source::open(&master)?;
//! let format = PixelFormat::from_name("gray").expect("a format that libavutil knows");
//! let mut frames = source.frames().size(160, 90).format(format).peekable();
//! let mut audio = source.samples().peekable();
//! let (Some(Ok(frame)), Some(Ok(block))) = (frames.peek(), audio.peek()) else { panic!("frames and audio") };
//! let shape = Shape {
//!     video: Some(VideoShape::of(frame, Rational::new(25, 1))?),
//!     audio: vec![TrackShape { bits: Some(24), ..TrackShape::of(block)? }],
//!     ..Shape::default()
//! };
//! let path = folder.path().join("negative.mkv");
//! let output = OutputSettings { path, video: VideoSettings::X264(Default::default()), ..Default::default() };
//! let mut session = Session::open(&Job { outputs: vec![output], ..Job::default() }, &shape, &Control::default())?;
//! for frame in frames {
//!     let frame = frame?;
//!     let plane = frame.plane(0)?;
//!     let negative: Vec<u8> = plane.rows().flatten().map(|sample| 255 - sample).collect();
//!     let planes = [PlaneInput::bytes(&negative, plane.width)];
//!     session.write_frame(VideoFrame::from_planes(format, 160, 90, &planes, frame.time)?)?;
//!     while let Some(block) = audio.next_if(|block| block.as_ref().is_ok_and(|block| block.time <= frame.time)) {
//!         session.write_audio(block?)?;
//!     }
//! }
//! for block in audio {
//!     session.write_audio(block?)?;
//! }
//! let report = session.finish()?;
//! assert_eq!(report.outputs[0].ledger.expect("video").emitted, 50);
//! assert_eq!(report.outputs[0].audio_ledgers[0].encoded, 96_000);
//! # Ok::<(), trix_core::Error>(())
//! ```
//!
//! Plan a job, send the plan, and run it elsewhere:
//!
//! ```
//! # let master = trix_fixtures::clip::master();
//! # let folder = trix_fixtures::folder();
//! use trix_core::{Control, Job, Plan, Source, plan, run};
//!
//! let job = Job::new(&master, folder.path().join("copy.mp4"));
//! let text = serde_json::to_string(&plan(&job, &Source::open(&master)?)?).expect("a plan is JSON");
//!
//! let received: Plan = serde_json::from_str(&text).expect("a plan");
//! let report = run(&received, &Control::default())?;
//! assert_eq!(report.outputs[0].ledger.expect("video").found, Some(50));
//! # Ok::<(), trix_core::Error>(())
//! ```
//!
//! # The modules
//!
//! They stand in the order in which one uses the other. Whoever reads them from top to bottom follows a frame from the disk
//! to a verified copy.
//!
//! - the nouns: [`error`], [`media`] (times, formats, colour, packets, frames)
//! - the settings of a job: [`settings`]; what they resolve to, as data: [`plan`](mod@plan)
//! 1. [`source`] opens a file, `index` knows where its frames are, [`demux`] reads packets
//! 2. [`decode`] turns packets into frames
//! 3. [`filter`] changes size, chroma, depth and sample format
//! 4. [`reading`] gives frames and audio without a job; [`probe`] describes a source
//! 5. [`encode`] drives x264, x265 and libavcodec's encoders
//! 6. `mux` writes containers, [`package`] folders of segments and playlists, [`still`] images
//! 7. [`quality`] scores, [`verify`] reads back what was written, [`loudness`] measures audio, [`ledger`] accounts for frames,
//!    [`report`] says what was found
//! 8. `planner` resolves settings against a source; [`document`] reads settings from text
//! - [`doctor`] looks at the installed libraries; [`schema`] describes the documents; `pipeline` runs all of it on named
//!   threads; `session` lets a program take the place of the decoders
//! - around a job: [`preflight`] compares what a plan needs with what there is, [`trial()`] encodes its first seconds,
//!   `target` finds rate factors for scores,
//!   [`manifest`] lists the files that were made, `ingest` makes all copies of a master, [`leftovers`] finds what killed jobs left

pub mod media;
pub mod settings;
mod machine;
mod extent;
mod file_id;
mod integrity;
pub mod source;
mod index;
pub mod demux;
pub mod decode;
mod pool;
pub mod filter;
pub mod reading;
pub mod probe;
pub mod encode;
mod mux;
pub mod package;
pub mod still;
pub mod quality;
pub mod verify;
pub mod loudness;
pub mod ledger;
pub mod report;
mod planner;
pub mod document;
pub mod doctor;
mod chunks;
mod target;
pub mod leftovers;
pub mod manifest;
pub mod preflight;
pub mod schema;
mod pipeline;
mod trial;
mod session;
mod ingest;

pub use trix_av::{signals::survive_file_size_limit, stream::StreamKind};
pub use trix_model::{
    amount, check,
    control::{self, cancel::Cancel},
    damage::{self, OnDamage},
    decision,
    error::{self, Error, ErrorKind, Result, Stage},
    error_document::{ErrorDetail, ErrorDocument},
    mistake, plan,
};

/// The number that the operating system gave for the cause of an error (errno), such as 28 for a full file system. `None` if the cause is
/// none of the system's.
pub fn os_error(error: &Error) -> Option<i32> {
    let cause: &(dyn std::error::Error + 'static) = error.cause()?;
    std::iter::successors(Some(cause), |cause| cause.source()).find_map(|cause| {
        let of_libraries = cause.downcast_ref::<trix_av::AvError>().and_then(|own| own.io()?.raw_os_error());
        of_libraries.or_else(|| cause.downcast_ref::<std::io::Error>()?.raw_os_error())
    })
}

pub use chunks::{
    ChunkControl, ChunkDone, ChunkRequest, ChunkStatus, Isolate, StoreStatus, encode_chunk, encode_chunk_telling,
    measure_chunk, status,
};
pub use file_id::FileId;
pub use index::{FrameIndex, FromStart};
pub use ingest::{Ingest, Ingested};
pub use machine::this_machine;
pub use mux::json_file::JsonFile;
pub use pipeline::{Control, OnProgress, Stages, run, run_job, run_opened, settle_targets, stitch};
pub use plan::Plan;
pub use planner::{FrameConverter, plan, plan_chunks, plan_for};
pub use reading::{
    frames::{PlaneInput, VideoFrame},
    samples::AudioBlock,
};
pub use report::{OutputReport, Report};
pub use session::{Session, SessionSettings, SessionStream};
pub use settings::job::Job;
pub use settings::source::Limits;
pub use source::Source;
pub use trial::trial;
pub use trix_model::machine::Machine;
