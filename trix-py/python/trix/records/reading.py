"""What reading a source found: damage, frames and packets, times.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp


@dataclass(kw_only=True, repr=False, eq=False)
class Damage(Record):
    """One sign of damage."""
    detail: str
    """Description."""
    kind: DamageKind
    """Kind of the damage."""
    stream: int | None
    """Index of the stream, where known."""
    time: Timestamp | None
    """Time in the stream, as near as the decoder states it (its threads run a few frames ahead)."""


@dataclass(kw_only=True, repr=False, eq=False)
class DamageReport(Record):
    """All damage found in a source."""
    counts: dict[str, int]
    """Number of occurrences of each kind."""
    first: list[Damage]
    """The first signs of damage, in order of occurrence."""


@dataclass(kw_only=True, repr=False, eq=False)
class Discontinuity(Record):
    """A point where the clock of a source restarts or jumps. All later times were moved, so that
    they continue without a jump.
    """
    at: Timestamp
    """The time of this point on the continuous clock."""
    from_: Timestamp
    """The time on the clock of the file at the end of the earlier part."""
    streams: list[int]
    """The streams whose clock jumped, by index."""
    to: Timestamp
    """The time on the clock of the file at the start of the later part."""


@dataclass(kw_only=True, repr=False, eq=False)
class Drift(Record):
    """Two clocks that do not agree: that of the times and that of the samples."""
    apart: Timestamp
    """How far they are apart at the end."""
    parts_per_million: int
    """By how many millionths the times run longer than the samples last; negative: shorter."""


@dataclass(kw_only=True, repr=False, eq=False)
class FrameSize(Record):
    """The first frame of a frame size."""
    first: int
    """Number of the frame, from zero."""
    height: int
    """Height in rows."""
    width: int
    """Width in samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class FullDecodeCount(Record):
    """The results of decoding a whole source."""
    _may_be_absent = frozenset(["notes"])

    damage: DamageReport
    """Damage of the source."""
    streams: dict[int, StreamCount]
    """The counts by stream index."""
    notes: list[str] | None = None
    """Other observations about the source that are no damage."""


@dataclass(kw_only=True, repr=False, eq=False)
class Irregularity(Record):
    """One place at which times are not what they should be."""
    after: Timestamp
    """The last time before it."""
    kind: IrregularityKind
    """What."""
    step: Timestamp | None
    """From there to the next; not above zero for a repeat, absent where the time is missing."""


@dataclass(kw_only=True, repr=False, eq=False)
class Seek(Record):
    """Where decoding of a source with a start time began."""
    audio_from_start: list[int]
    """Audio streams that were decoded from the start of the source, by index: the samples of a
    codec such as AAC or AC-3, of a resampler or of a dither depend on all that came before, or
    the times of the container are too coarse to count samples.
    """
    from_start: FromStart | None
    """Why decoding began at the start of the source; `None` if it began near the first requested
    frame.
    """
    known_from: Timestamp | None
    """The time from which these frames were counted, if the source was entered in the middle: what
    lies before was not read. `None` if all frames before the cut were counted.
    """
    not_decoded: int
    """Frames before that place, which were not decoded."""


@dataclass(kw_only=True, repr=False, eq=False)
class StreamCount(Record):
    """The results of decoding a whole stream."""
    captions: int
    """Frames with captions."""
    first: Timestamp | None
    """Display time of the first frame."""
    frames: int | None
    """Decoded frames; `None` for audio."""
    interlaced: int
    """Frames that are flagged as interlaced."""
    interval_ticks: tuple[int, int] | None
    """Shortest and longest time from one frame to the next, in ticks; they differ if the frame
    rate varies.
    """
    intervals: Timing | None
    """The intervals between frames; `None` for audio."""
    last: Timestamp | None
    """Display time of the last frame."""
    measured_rate: Fraction | None
    """Frames per second, from the times of the first and the last frame."""
    packets: int
    """Compressed frames or blocks of audio."""
    samples: int | None
    """Decoded samples per channel; `None` for video."""
    sizes: list[FrameSize]
    """Frame sizes, in order of appearance; more than one if the size changes. At most [`SIZES`]
    are kept.
    """
    times_repaired: int
    """Frames whose time was missing or did not increase."""
    timing: TimingReport
    """Gaps and repeats in the times."""


@dataclass(kw_only=True, repr=False, eq=False)
class Timing(Record):
    """The frame rate and the frame intervals, measured from frame times."""
    _may_be_absent = frozenset(["holes"])

    customary_rate: Fraction
    """The customary value of a rate, such as 24 or 24000/1001, if it is constant but for holes and
    the measured times agree with it.
    """
    greatest: Timestamp
    """Longest time from one frame to the next."""
    is_constant: bool
    """True if one even grid fits all times. The tolerance is a tick or a millisecond, whichever is
    larger, because many containers round to milliseconds. If that is more than a quarter of an
    interval, times must fit exactly.
    """
    least: Timestamp
    """Shortest time from one frame to the next."""
    most_common: Timestamp
    """The most common interval. If several are equally common, the shortest of them."""
    most_common_count: int
    """Number of intervals with the most common length."""
    pictures: int
    """Number of measured frames."""
    rate: Fraction
    """Frames per second, from the first time to the last, without the time in holes."""
    holes: int | None = None
    """Places at which frames are missing, if all other times fit one even grid: a hole in a
    recording. Absent for a constant rate without holes, and for a variable one. A rate with one
    hole in 16 frames, or with 64 holes, is variable.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class TimingReport(Record):
    """What is remarkable about the times of a stream."""
    _may_be_absent = frozenset(["drift"])

    first: list[Irregularity]
    """The first of them, in the order in which they were met."""
    gaps: int
    """Distances of more than one and a half frames; for audio, of more than three quarters of a
    block (10 ms at the least, 100 ms at the most) from the end of a block to the next. An
    encode fills them with silence once they add up to more than 40 ms.
    """
    missing: int
    """Frames, or blocks of audio, without a time of their own; a block follows the one before."""
    repeats: int
    """Frames whose time is that of one before or earlier; for audio, blocks that begin as much
    before the end of the one before. An encode cuts their overlap off once it adds up to more
    than 40 ms.
    """
    skipped: int
    """Frames of MPEG-1, MPEG-2, H.264 and HEVC that were left out because what they refer to is
    not there: those in front of the first keyframe or recovery point of a recording that begins
    in mid-stream.
    """
    variable: bool
    """Whether the distance from frame to frame varies, so that no distance is a gap."""
    drift: Drift | None = None
    """How the times of audio run away from its samples, gaps and repeats left aside; absent where
    they end up less than 20 ms apart.
    """


# Kinds of damage.
DamageKind: TypeAlias = Literal[
    "container", "truncated", "packet", "undecodable", "frame", "checksum", "missing_reference", "continuity", "transport",
    "missing_file", "shape",
]

# Why a decode does not begin near the frame that is wanted, but at the start of the source: what
# comes out is the same, and takes longer.
FromStart: TypeAlias = Literal["codec", "times", "damaged", "mid_group", "no_entry", "reconfigured", "plain"]

# Kinds of irregularities.
IrregularityKind: TypeAlias = Literal["gap", "repeat", "missing"]
