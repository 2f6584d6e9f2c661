"""How frames are filtered, encoded and copied.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp
from .color import Color, DolbyVision, Orientation, StaticHdr


@dataclass(kw_only=True, repr=False, eq=False)
class CopyPlan(Record):
    """The compressed video that is copied."""
    closed: bool
    """True if the first GOP is flagged as closed: it needs no earlier frame."""
    codec: str
    """FFmpeg's name of the codec."""
    end: Timestamp | None
    """The display time of the first frame after the copy; `None` if the source is copied to its
    end.
    """
    first: Timestamp | None
    """The display time of the keyframe at the start of the copy; `None` if the source has no
    times.
    """
    first_shown: Timestamp | None
    """The display time of the first frame of the copy: the keyframe, or a frame after it that
    needs no earlier frame.
    """
    leading: int
    """Frames after the first keyframe in the file that are shown before it and are left out."""
    skipped: int
    """Packets of the stream before that keyframe."""
    stream: int
    """Index of the stream in the source."""
    until: int | None
    """Packets of the stream up to the end of the copy; `None` for all."""


@dataclass(kw_only=True, repr=False, eq=False)
class Cut(Record):
    """The frames of a source that are used."""
    end: Timestamp | None
    """This frame and later ones are left out."""
    frames: int | None
    """The largest number of frames."""
    start: Timestamp | None
    """Earlier frames are left out."""


@dataclass(kw_only=True, repr=False, eq=False)
class Deinterlacing(Record):
    """How fields become frames (bwdif)."""
    each_field: bool
    """True if each field becomes a frame; false if each frame does."""
    order: FieldOrder
    """The field that is shown first."""


@dataclass(kw_only=True, repr=False, eq=False)
class FilterPlan(Record):
    """A step between the decoder and the encoders."""
    after: StepId | None
    """The step that provides its frames; `None` for the decoder."""
    cut: Cut
    """The decoded frames that the step uses."""
    filtering: Filtering
    """What is done to the frames."""
    outputs: list[OutputId | Sink]
    """The files and renditions that need it."""


@dataclass(kw_only=True, repr=False, eq=False)
class Filtering(Record):
    """How a source is filtered for one output."""
    constant_rate: Fraction | None
    """Frames per second of the output, evenly spaced; `None` if each frame keeps its time."""
    follows_color: bool
    """True if the colour properties of each frame apply; false if those of the transform apply to
    all frames.
    """
    on_change: OnChange
    """What is done when the source changes in mid-stream."""
    rate: Fraction
    """Frames per second of the source. Filters that work on fields need it."""
    transform: Transform
    """What is done to every frame."""


@dataclass(kw_only=True, repr=False, eq=False)
class FollowerSharing(Record):
    """It takes the decisions of another encode."""
    lead: EncodeId
    """The encode that leads."""
    mode: FollowMode
    """What it decides anew."""
    type: Literal["follower"] = "follower"


@dataclass(kw_only=True, repr=False, eq=False)
class LeadSharing(Record):
    """It analyses each frame, and gives its decisions to these encodes."""
    followers: list[EncodeId]
    """The encodes that follow."""
    type: Literal["lead"] = "lead"


@dataclass(kw_only=True, repr=False, eq=False)
class Padding(Record):
    """Black around frames."""
    height: int
    """Rows of the whole."""
    left: int
    """Samples to the left of the frame."""
    top: int
    """Rows above the frame."""
    width: int
    """Samples in a row of the whole."""


@dataclass(kw_only=True, repr=False, eq=False)
class Rectangle(Record):
    """A part of a frame, in samples."""
    height: int
    """Height in rows."""
    left: int
    """Samples to the left of it."""
    top: int
    """Rows above it."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class Sink(Record):
    """A rendition."""
    package: PackageId
    """Its package."""
    rendition: int
    """Its number in the package."""


@dataclass(kw_only=True, repr=False, eq=False)
class ToneMapping(Record):
    """How high dynamic range is converted to standard dynamic range."""
    operator: Tonemap
    """The curve."""
    peak: int
    """The luminance that the curve maps to white, in candela per square metre."""


@dataclass(kw_only=True, repr=False, eq=False)
class Transform(Record):
    """What is done to every frame, in this order."""
    _may_be_absent = frozenset(["through"])

    crop: Rectangle | None
    """The part of the frame that remains after cropping."""
    deinterlace: Deinterlacing | None
    """Deinterlacing: fields become frames."""
    flatten: bool
    """True if frames are composited on black by their alpha channel."""
    format: PictureFormat
    """Chroma, depth, RGB, alpha."""
    from_: Color
    """Colour properties of the source samples."""
    height: int
    """Height in rows, before padding."""
    inverse_telecine: FieldOrder | None
    """Inverse telecine: film frames are restored from fields."""
    keeps_fields: FieldOrder | None
    """The fields that stay. The two fields of each frame are converted separately."""
    orientation: Orientation
    """How frames are mirrored and rotated."""
    packing: str | None
    """FFmpeg's name of a packed format with the same samples, for an encoder that needs it."""
    pad: Padding | None
    """Black borders around frames."""
    resampler: Resampler
    """The scaling filter."""
    to: Color
    """Colour properties of the output samples."""
    tonemap: ToneMapping | None
    """High dynamic range is converted to standard dynamic range."""
    width: int
    """Width in samples, before padding."""
    through: list[Waypoint] | None = None
    """Intermediate sizes of scaling, the largest first; empty if frames are scaled at once."""


@dataclass(kw_only=True, repr=False, eq=False)
class VideoEncode(Record):
    """An encode of video. Its filter step decides which frames it gets."""
    _may_be_absent = frozenset(["sharing"])

    origin: Timestamp
    """The source time at time zero of the packets."""
    threads: int
    """Threads of the encoder: of x264 frames or slices, of x265 its pool. The options of the video
    have the same number.
    """
    video: VideoPlan
    """What is encoded, and how."""
    sharing: Sharing | None = None
    """Its part in a group of encodes that share one analysis; `None` if it is analysed for itself.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class VideoPlan(Record):
    """How video is encoded."""
    color: Color
    """Colour, as written."""
    constant_rate: bool
    """True if the source declares evenly spaced frames."""
    converted: bool
    """True if the filter stage changes the frames."""
    dolby_vision: DolbyVision | None
    """The Dolby Vision configuration, if Dolby Vision metadata is carried."""
    encoder: Encoder
    """The encoder."""
    fields: FieldOrder | None
    """The field that is shown first, for interlaced video."""
    filter: StepId
    """The filter step of the job that provides its frames."""
    follows_color: bool
    """True if the colour properties of each frame apply; false if the job overrides them."""
    format: PictureFormat
    """Chroma and depth."""
    hdr: StaticHdr
    """Static HDR metadata, as written."""
    hdr10_plus: bool
    """True if HDR10+ metadata is carried."""
    height: int
    """Height in rows."""
    key_interval: Timestamp | None
    """Time between forced keyframes."""
    keyframes: list[Timestamp]
    """Times of frames that must be keyframes."""
    lossless: bool
    """True if every decoded sample must equal the sample that was encoded."""
    on_change: OnChange
    """What is done when the source changes its size, format or colour in mid-stream."""
    options: list[tuple[str, str]]
    """The encoder's options in the order in which they are set."""
    orientation: Orientation
    """The rotation that players must apply, for frames that are not rotated here."""
    passes: int
    """Number of passes, 1 or 2."""
    preset: str
    """Preset; the encoder's `medium` if the job sets none."""
    profile: str | None
    """Profile, if the job sets one. ProRes always has one."""
    rate: Fraction
    """Frames per second, for rate control and headers; times are the source's unless
    `resampled_rate` is set.
    """
    resampled_rate: Fraction | None
    """Frames per second after frame rate conversion, which repeats and drops frames."""
    sample_aspect: Fraction
    """Sample aspect ratio, as written."""
    source_rate: Fraction
    """Frames per second of the source."""
    stream: int
    """Index of the stream in the source."""
    transform: Transform
    """What is done to frames before they are encoded."""
    tune: str | None
    """Tunes, if the job sets any."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class Waypoint(Record):
    """Frames between two scaling steps."""
    format: PictureFormat
    """Chroma, depth, RGB, alpha."""
    height: int
    """Height in rows."""
    width: int
    """Width in samples."""


# The number of an encode in [`crate::plan::Plan::encodes`].
EncodeId: TypeAlias = int

# An encoder of frames.
Encoder: TypeAlias = Literal["x264", "x265", "ffv1", "prores"]

# Which field is shown first.
FieldOrder: TypeAlias = Literal["top", "bottom"]

# What a follower decides anew.
FollowMode: TypeAlias = Literal["balanced", "fast"]

# What is done when the source changes its size or format in mid-stream.
OnChange: TypeAlias = Literal["scale", "refuse"]

# The number of a file in [`crate::plan::Plan::outputs`].
OutputId: TypeAlias = int

# The number of a package in [`crate::plan::Plan::packages`].
PackageId: TypeAlias = int

PictureFormat: TypeAlias = str

# How new samples are computed from old ones.
Resampler: TypeAlias = Literal["lanczos", "bicubic", "bilinear"]

# The part of an encode in a group that shares one analysis.
Sharing: TypeAlias = LeadSharing | FollowerSharing

# The number of a filter step in [`crate::plan::Plan::filters`].
StepId: TypeAlias = int

# How high dynamic range is converted to standard dynamic range. Light is scaled so that reference
# white (203 cd/m2, ITU-R BT.2408) is 1, primaries are converted to those of BT.709, and the
# operator compresses brighter values.
Tonemap: TypeAlias = Literal["auto", "off", "mobius", "hable", "reinhard"]
