//! A session in Python: a job whose frames and audio the program gives.
//!
//! Invariant: the session lives on a thread of its own, so that Ctrl-C ends a wait for a busy encoder. A session that is
//! dropped leaves nothing under the names of its outputs.

use crossbeam_channel::{Sender, bounded};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use serde::Deserialize;
use trix_core::{
    AudioBlock, Cancel, Control, Error, ErrorKind, Job, PlaneInput, Report, Result, Stage, VideoFrame,
    document::{Document, Language, Traits},
    media::{
        PixelFormat,
        color::Color,
        format::SampleType,
        hdr::{ContentLight, MasteringDisplay, StaticHdr},
        time::{Rational, Timestamp},
    },
    settings::shape::{Shape, TrackShape, VideoShape},
};

use crate::{
    audio::sample_type,
    doorway::{guarded, quick, refuse_fork, shielded, spawn, wait},
    errors::{raised, unread},
    frame::Frame,
    inspect::json,
};

/// What Python says of the frames and the audio.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    /// Frames as arrays; `None` if they are frames of a source, or if there are none.
    video: Option<StatedVideo>,
    /// Frames per second.
    rate: Rational,
    color: Option<Color>,
    mastering: Option<MasteringDisplay>,
    content_light: Option<ContentLight>,
    audio: Vec<StatedAudio>,
    /// Makes the file for common players, if it is one for them.
    for_players: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatedVideo {
    width: usize,
    height: usize,
    format: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatedAudio {
    sample_rate: u32,
    layout: String,
    sample: String,
    language: Option<String>,
    title: Option<String>,
}

impl Stated {
    /// The shape of what is given. `first` is the first frame, if it is one of a source.
    fn shape(&self, first: Option<&VideoFrame>) -> PyResult<Shape> {
        let video = match (&self.video, first) {
            (Some(stated), _) => {
                let format = format(&stated.format)?;
                Some(VideoShape::new(stated.width, stated.height, format, self.rate))
            }
            (None, Some(frame)) => {
                let shape =
                    VideoShape::of(frame, self.rate).map_err(|error| PyValueError::new_err(error.to_string()))?;
                // The frames are counted, whatever their times in their source.
                Some(VideoShape { time_base: None, ..shape })
            }
            (None, None) => None,
        };
        let video = video.map(|shape| VideoShape {
            color: self.color.unwrap_or(shape.color),
            hdr: StaticHdr {
                mastering: self.mastering.or(shape.hdr.mastering),
                light: self.content_light.or(shape.hdr.light),
            },
            ..shape
        });
        let track = |own: &StatedAudio| -> PyResult<TrackShape> {
            let shape = TrackShape::new(own.sample_rate, own.layout.as_str(), sample_type(&own.sample)?);
            Ok(TrackShape { language: own.language.clone(), title: own.title.clone(), ..shape })
        };
        let audio = self.audio.iter().map(track).collect::<PyResult<_>>()?;
        Ok(Shape { video, audio, ..Shape::default() })
    }
}

fn format(name: &str) -> PyResult<PixelFormat> {
    PixelFormat::from_name(name).ok_or_else(|| PyValueError::new_err(format!("'{name}' is no pixel format")))
}

type Command = Box<dyn FnOnce(&mut Option<trix_core::Session>) + Send>;

/// A running session.
#[pyclass(frozen, module = "trix._trix")]
pub struct Session {
    commands: Sender<Command>,
    cancel: Cancel,
    rate: Rational,
}

/// Starts a session. `job` is a job as JSON without a source, `stated` the shape of what is given.
///
/// # Errors
/// `InvalidSpec` with every mistake of the job and the shape; those of starting a job.
#[pyfunction]
pub fn session(py: Python<'_>, job: &str, stated: &str, first: Option<PyRef<'_, Frame>>) -> PyResult<Session> {
    let stated: Stated = serde_json::from_str(stated).map_err(|error| unread(&error))?;
    let shape = shielded(py, || stated.shape(first.as_ref().map(|first| &*first.frame)))?;
    let traits = Traits::default();
    let (document, job) = quick(py, || {
        let document = Document::parse(job, Language::Json, &[])?;
        let mut job: Job = document.job(&traits)?;
        if stated.for_players {
            job.make_for_players();
        }
        Ok((document, job))
    })?;
    let control = Control::default();
    let (cancel, (commands, received), (reply, answer)) = (control.cancel.clone(), bounded::<Command>(1), bounded(1));
    spawn("trix-program", move || {
        let opened = guarded(|| trix_core::Session::open(&job, &shape, &control));
        let mut session = match opened {
            Ok(session) => Some(session),
            Err(error) => {
                let error = document.explain(&traits, error);
                // The program may have been interrupted.
                let _ = reply.send(Err(error));
                return;
            }
        };
        if reply.send(Ok(())).is_err() {
            return;
        }
        for command in received {
            command(&mut session);
        }
    })
    .map_err(|error| raised(py, &error))?;
    let opened: Result<()> = wait(py, &cancel, &answer)?;
    opened.map_err(|error| raised(py, &error))?;
    Ok(Session { commands, cancel, rate: stated.rate })
}

impl Session {
    /// Runs `work` on the thread of the session.
    fn ask<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Option<trix_core::Session>) -> Result<T> + Send + 'static,
    ) -> PyResult<T> {
        refuse_fork().map_err(|error| raised(py, &error))?;
        let (reply, answer) = bounded(1);
        let command: Command = Box::new(move |session| {
            // The program may have been interrupted.
            let _ = reply.send(guarded(|| work(session)));
        });
        py.detach(|| self.commands.send(command)).map_err(|_| raised(py, &ended()))?;
        wait(py, &self.cancel, &answer)?.map_err(|error| raised(py, &error))
    }

    fn time(&self, number: u64) -> Timestamp {
        Timestamp::new(i64::try_from(number).unwrap_or(i64::MAX), self.rate.inverse())
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::InvalidSpec, Stage::Encode, "the encoder is closed")
}

fn open(session: &mut Option<trix_core::Session>) -> Result<&mut trix_core::Session> {
    session.as_mut().ok_or_else(ended)
}

#[pymethods]
impl Session {
    /// What the job resolved to, as JSON.
    fn plan(&self, py: Python<'_>) -> PyResult<String> {
        json(&self.ask(py, |session| Ok(open(session)?.plan().clone()))?)
    }

    /// Gives frame `number`, counted from 0, of a source.
    fn write_frame(&self, py: Python<'_>, number: u64, frame: PyRef<'_, Frame>) -> PyResult<()> {
        let own = VideoFrame::clone(&frame.frame);
        let frame = VideoFrame { time: self.time(number), duration: None, ..own };
        self.ask(py, move |session| open(session)?.write_frame(frame))
    }

    /// Gives frame `number`, counted from 0, as the bytes of its planes, without padding.
    fn write_planes(
        &self,
        py: Python<'_>,
        number: u64,
        name: &str,
        size: (usize, usize),
        planes: Vec<(Bound<'_, PyBytes>, usize)>,
    ) -> PyResult<()> {
        let (format, time) = (format(name)?, self.time(number));
        let planes: Vec<(&[u8], usize)> = planes.iter().map(|(bytes, stride)| (bytes.as_bytes(), *stride)).collect();
        let frame = quick(py, || {
            let planes: Vec<PlaneInput<'_>> =
                planes.iter().map(|(bytes, stride)| PlaneInput::bytes(bytes, *stride)).collect();
            VideoFrame::from_planes(format, size.0, size.1, &planes, time)
        })?;
        self.ask(py, move |session| open(session)?.write_frame(frame))
    }

    /// Gives interleaved samples of an audio track. `first` counts samples from 0.
    #[expect(clippy::too_many_arguments, reason = "they describe the samples")]
    fn write_audio(
        &self,
        py: Python<'_>,
        track: usize,
        first: u64,
        sample: &str,
        layout: &str,
        rate: u32,
        samples: &Bound<'_, PyBytes>,
    ) -> PyResult<()> {
        let time = Timestamp::new(i64::try_from(first).unwrap_or(i64::MAX), Rational::new(1, i64::from(rate)));
        let (kind, bytes) = (sample_type(sample)?, samples.as_bytes());
        let block = quick(py, || block(kind, bytes, layout, rate, time))?;
        self.ask(py, move |session| open(session)?.write_audio_to(track, block))
    }

    /// Ends an audio track.
    fn end_audio(&self, py: Python<'_>, track: usize) -> PyResult<()> {
        self.ask(py, move |session| open(session)?.end_audio(track))
    }

    /// Ends the session: waits for the encoders, verifies the files and gives them their names. Returns the report as JSON.
    fn finish(&self, py: Python<'_>) -> PyResult<String> {
        let report: Report = self.ask(py, |session| session.take().ok_or_else(ended)?.finish())?;
        json(&report)
    }

    /// Ends the session and leaves nothing.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        self.cancel.cancel();
        self.ask(py, |session| {
            drop(session.take());
            Ok(())
        })
    }
}

/// A block of interleaved samples in the byte order of this machine.
fn block(kind: SampleType, bytes: &[u8], layout: &str, rate: u32, time: Timestamp) -> Result<AudioBlock> {
    match kind {
        SampleType::I16 => AudioBlock::from_interleaved(&words(bytes, i16::from_ne_bytes), layout, rate, time),
        SampleType::I32 => AudioBlock::from_interleaved(&words(bytes, i32::from_ne_bytes), layout, rate, time),
        SampleType::F32 => AudioBlock::from_interleaved(&words(bytes, f32::from_ne_bytes), layout, rate, time),
        _ => AudioBlock::from_interleaved(&words(bytes, f64::from_ne_bytes), layout, rate, time),
    }
}

fn words<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|word| read(*word)).collect()
}
