"""Still images: how they are made, and what became of them.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp
from .content import Decision
from .fixity import FileFixity
from .video import Cut, Filtering


@dataclass(kw_only=True, repr=False, eq=False)
class AudioStillInput(Record):
    """An audio track, for a waveform."""
    side: int | None
    """For an external audio track: which one, by number."""
    span: Span
    """The part of the still, in the time of the track."""
    stream: int
    """Index of the stream in the source; of an external audio track, its number after the streams
    of the source.
    """
    time_base: Fraction
    """Time base of its samples."""
    type: Literal["audio"] = "audio"


@dataclass(kw_only=True, repr=False, eq=False)
class FramesStillInput(Record):
    """Frames, for a poster or thumbnails."""
    decisions: list[Decision]
    """Automatic decisions."""
    filtering: Filtering
    """The filters that a still needs. They produce 8-bit RGB."""
    height: int
    """Height with square pixels."""
    origin: Timestamp
    """Time of the first frame of the whole source."""
    stream: int
    """Index of the stream in the source."""
    time_base: Fraction
    """Time base of the stream."""
    width: int
    """Width with square pixels."""
    type: Literal["frames"] = "frames"


@dataclass(kw_only=True, repr=False, eq=False)
class PosterReport(Record):
    """Which frame became the poster."""
    height: int
    """Rows."""
    judged: int
    """How many frames were compared."""
    merit: PosterScore | None
    """What was measured of it, where frames were compared."""
    number: int
    """Which frame of the decoder's output it is, from 0."""
    time: Timestamp
    """When the frame is shown, from the start of the film."""
    why: str
    """Why this one."""
    width: int
    """Samples in a row."""


@dataclass(kw_only=True, repr=False, eq=False)
class PosterResult(Record):
    """A poster."""
    height: int
    """Rows."""
    judged: int
    """How many frames were compared."""
    merit: PosterScore | None
    """What was measured of it, where frames were compared."""
    number: int
    """Which frame of the decoder's output it is, from 0."""
    time: Timestamp
    """When the frame is shown, from the start of the film."""
    why: str
    """Why this one."""
    width: int
    """Samples in a row."""
    type: Literal["poster"] = "poster"


@dataclass(kw_only=True, repr=False, eq=False)
class PosterScore(Record):
    """What was measured of a frame."""
    brightness: int
    """Average luma, 0 to 255."""
    change: int
    """Average absolute difference of luma from the frame before or after, the larger one, in
    tenths of a code.
    """
    contrast: int
    """Standard deviation of luma, 0 to 127."""
    entropy: int
    """Entropy of the histogram of luma in 64 steps, in thousandths of six bits."""
    score: int
    """How much detail it shows, in thousandths."""
    sharpness: int
    """Average absolute difference of luma from the average of its four neighbours, in tenths of a
    code.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class PosterStill(Record):
    """One frame that represents the film."""
    _may_be_absent = frozenset(["at", "height"])

    path: str
    """The file name. Its extension decides the format: `.jpg` `.jpeg`, `.png`, `.webp`."""
    quality: int
    """Quality of JPEG and WebP, 1 to 100. From 90, JPEG keeps chroma in full resolution."""
    width: int
    """The largest width in samples, 16 to 16383. Smaller frames keep their size."""
    at: Timestamp | None = None
    """The time of the frame, counted from the start of the film; the frame shown then is taken.
    `None`: the most informative of the examined frames.
    """
    height: int | None = None
    """The largest height in rows, 16 to 16383; `None`: the height that follows from the width."""
    type: Literal["poster"] = "poster"


@dataclass(kw_only=True, repr=False, eq=False)
class Span(Record):
    """A part of a source."""
    expected: Timestamp | None
    """The expected duration, if it is known. It can be wrong: stills use it only to space their
    frames.
    """
    origin: Timestamp
    """The source time at time zero of the part."""


@dataclass(kw_only=True, repr=False, eq=False)
class SpriteReport(Record):
    """What became of thumbnails."""
    count: int
    """How many thumbnails."""
    height: int
    """Rows of a thumbnail."""
    interval_ms: float
    """Milliseconds from one to the next."""
    sheets: int
    """How many sheets."""
    why: str
    """Why so many."""
    width: int
    """Samples in a row of a thumbnail."""


@dataclass(kw_only=True, repr=False, eq=False)
class SpritesResult(Record):
    """Thumbnails."""
    count: int
    """How many thumbnails."""
    height: int
    """Rows of a thumbnail."""
    interval_ms: float
    """Milliseconds from one to the next."""
    sheets: int
    """How many sheets."""
    why: str
    """Why so many."""
    width: int
    """Samples in a row of a thumbnail."""
    type: Literal["sprites"] = "sprites"


@dataclass(kw_only=True, repr=False, eq=False)
class SpritesStill(Record):
    """Thumbnails on sheets, and a WebVTT file with the place and time of each."""
    _may_be_absent = frozenset(["count", "height", "interval", "vtt"])

    columns: int
    """Thumbnails in a row of a sheet, 1 to 100."""
    most: int
    """The largest number of thumbnails, 1 to 4000, if there is no `count`."""
    path: str
    """The name of the sheet. Its extension decides the format, as for a poster. Several sheets are
    numbered: `sprites-001.jpg` and so on for `sprites.jpg`.
    """
    prefix: str
    """The text before the names of sheets in the WebVTT file: a folder or an address, with its
    last slash.
    """
    quality: int
    """Quality of JPEG and WebP, 1 to 100."""
    rows: int
    """Rows of thumbnails on a sheet, 1 to 100."""
    width: int
    """Width of a thumbnail in samples, 16 to 1024. Smaller frames keep their size."""
    count: int | None = None
    """The number of thumbnails, 1 to 4000."""
    height: int | None = None
    """The largest height of a thumbnail in rows, 16 to 1024; `None`: the height that follows from
    the width.
    """
    interval: Timestamp | None = None
    """The time from one thumbnail to the next, at least a millisecond."""
    type: Literal["sprites"] = "sprites"
    vtt: str | None = None
    """The name of the WebVTT file; `None`: the name of the sheet with the extension `.vtt`."""


@dataclass(kw_only=True, repr=False, eq=False)
class StillPlan(Record):
    """The plan of a still or a set of stills."""
    cut: Cut
    """The decoded frames that the still may use."""
    decisions: list[Decision]
    """Automatic decisions."""
    end: Timestamp | None
    """The end of the still's time line, in source time, if the job cuts the source. A cut can be
    longer than the film.
    """
    input: StillInput
    """What the still is made of."""
    later: Timestamp
    """The time from the start of the source to the start of the part."""
    overwrite: bool
    """True if files of these names may be replaced."""
    path: str
    """Its first file."""
    settings: StillSettings
    """The settings, with every default."""
    span: Span
    """The part of the source that the still belongs to."""
    until: Timestamp | None
    """The end of the still's audio, in source time, if the job cuts the source."""


@dataclass(kw_only=True, repr=False, eq=False)
class StillReport(Record):
    """The report of a still image, or of a set of them."""
    files: list[FileFixity]
    """Its files; their hashes are empty if the job requests none."""
    found: StillResult
    """The content of the still."""
    path: str
    """Its first file."""


@dataclass(kw_only=True, repr=False, eq=False)
class View(Record):
    """How the frames of a source look on a screen: upright, deinterlaced, with square pixels, in
    standard dynamic range.
    """
    decisions: list[Decision]
    """Automatic decisions."""
    filtering: Filtering
    """The filters that a still needs. They produce 8-bit RGB."""
    height: int
    """Height with square pixels."""
    origin: Timestamp
    """Time of the first frame of the whole source."""
    stream: int
    """Index of the stream in the source."""
    time_base: Fraction
    """Time base of the stream."""
    width: int
    """Width with square pixels."""


@dataclass(kw_only=True, repr=False, eq=False)
class WaveformReport(Record):
    """What became of a waveform."""
    channels: int
    """Channels that were drawn; one where they are mixed."""
    peaks: list[float]
    """The highest absolute sample of each channel; 1 is full scale."""
    rms: list[float]
    """The effective value of each channel."""
    sample_rate: int
    """Samples in a second."""
    samples: int
    """Samples on the time line."""


@dataclass(kw_only=True, repr=False, eq=False)
class WaveformResult(Record):
    """A waveform."""
    channels: int
    """Channels that were drawn; one where they are mixed."""
    peaks: list[float]
    """The highest absolute sample of each channel; 1 is full scale."""
    rms: list[float]
    """The effective value of each channel."""
    sample_rate: int
    """Samples in a second."""
    samples: int
    """Samples on the time line."""
    type: Literal["waveform"] = "waveform"


@dataclass(kw_only=True, repr=False, eq=False)
class WaveformStill(Record):
    """The level of the audio along the time line."""
    _may_be_absent = frozenset(["peaks"])

    background: Paint
    """The colour everywhere else."""
    channels: WaveformChannels
    """What is done to channels."""
    color: Paint
    """The colour from the lowest to the highest sample."""
    height: int
    """Height in rows, 16 to 4096."""
    path: str
    """The file name, which ends in `.png`."""
    rms_color: Paint
    """The colour of the RMS value (root of the mean square), inside it."""
    track: int
    """The number of the audio track, from 0."""
    width: int
    """Width in samples, 16 to 16383."""
    peaks: str | None = None
    """The name of a `.json` file with the peaks, in the format of the program audiowaveform
    (version 2, 16 bits).
    """
    type: Literal["waveform"] = "waveform"


Paint: TypeAlias = str

# What a still is made of.
StillInput: TypeAlias = FramesStillInput | AudioStillInput

# What is reported about a still.
StillResult: TypeAlias = PosterResult | SpritesResult | WaveformResult

# A still image of a film, or a set of them.
StillSettings: TypeAlias = PosterStill | SpritesStill | WaveformStill

# What is done to channels in a waveform.
WaveformChannels: TypeAlias = Literal["mixed", "each"]
