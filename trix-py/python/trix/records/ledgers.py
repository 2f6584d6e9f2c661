"""The account of every frame and every sample.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp
from .audio import Loudness
from .tracks import StreamKind
from .video import FollowMode


@dataclass(kw_only=True, repr=False, eq=False)
class AudioChange(Record):
    """A place at which the audio changes its form."""
    from_: str
    """What it was: codec, rate, channels, samples."""
    stream: int
    """Index of the stream in the source."""
    time: Timestamp
    """When, in the source's time."""
    to: str
    """What it is from here on."""


@dataclass(kw_only=True, repr=False, eq=False)
class AudioLedger(Record):
    """The ledger of the audio samples of one track. All numbers count samples of each channel."""
    _may_be_absent = frozenset(["brought", "stretched"])

    converted: list[Conversion]
    """Conversions to the format of the track, one for each format of the source."""
    cut_after_end: int
    """Samples cut after the end of the output."""
    cut_before_start: int
    """Samples cut before the start of the output."""
    cut_overlaps: Moved
    """Samples that overlapped earlier ones and were cut, at the sample rate of the source."""
    decoded: int
    """Samples from the decoder for this track."""
    encoded: int
    """Samples given to the encoder."""
    encoder_padding: int
    """Silence that the encoder needs before the first sample and after the last one."""
    filled_gaps: Moved
    """Silence in gaps of the source, at its sample rate."""
    left_after_end: int
    """Decoded samples after the requested end."""
    silence_after: int
    """Silence after audio that is shorter than requested."""
    silence_before: int
    """Silence before audio that begins later than the output."""
    track: int
    """Number of the track among the audio tracks of the output."""
    brought: list[Conversion] | None = None
    """Conversions to one format before a time stretch, if the tempo changes and the pitch stays."""
    stretched: Conversion | None = None
    """The time stretch, if the tempo changes and the pitch stays."""


@dataclass(kw_only=True, repr=False, eq=False)
class Change(Record):
    """A change of size or format in mid-stream."""
    from_: str
    """What frames were."""
    time: Timestamp
    """When the first frame of the new shape is shown, in the source's time."""
    to: str
    """What they are from here on."""


@dataclass(kw_only=True, repr=False, eq=False)
class Conversion(Record):
    """A conversion of samples to another format."""
    given: int
    """Output samples."""
    ratio: Fraction
    """Output samples per input sample."""
    taken: int
    """Input samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class ExtrasCount(Record):
    """Number of frames of a track with each kind of data."""
    alpha_layer: int
    """Frames with a layer of opacity."""
    captions: int
    """Frames with closed captions."""
    dolby_vision: int
    """Frames with a reference processing unit of Dolby Vision."""
    hdr10_plus: int
    """Frames with a message of HDR10+."""


@dataclass(kw_only=True, repr=False, eq=False)
class FilterCounts(Record):
    """What the filter stage did to the number of frames."""
    added_by_fields: int
    """Frames added because each field became one."""
    dropped_by_rate: int
    """Frames left out for a constant rate."""
    dropped_by_telecine: int
    """Frames dropped because pulldown had repeated them."""
    given: int
    """Frames that came out."""
    repeated_by_rate: int
    """Frames repeated for a constant rate."""
    taken: int
    """Frames that went in."""


@dataclass(kw_only=True, repr=False, eq=False)
class FollowerSharedAnalysis(Record):
    """It followed the analysis of another output."""
    lead: str
    """The file of that output."""
    mode: FollowMode
    """What was decided anew."""
    type: Literal["follower"] = "follower"


@dataclass(kw_only=True, repr=False, eq=False)
class LeadSharedAnalysis(Record):
    """It was analysed, and these followed its analysis."""
    followers: list[str]
    """Their files."""
    type: Literal["lead"] = "lead"


@dataclass(kw_only=True, repr=False, eq=False)
class Ledger(Record):
    """What became of the frames of a source, for one output."""
    decoded: int
    """Frames that the decoder yielded, and those before them that it left aside."""
    dropped_after_end: int
    """Of these, frames after the end, or beyond the number, that was asked for."""
    dropped_before_start: int
    """Of these, frames before the start that was asked for."""
    emitted: int
    """Compressed frames that came out of it."""
    encoded: int
    """Frames that went into the encoder."""
    filter: FilterCounts
    """What the filter stage did to the number of frames."""
    found: int | None
    """Frames that a second look found in the written file; `None` when verification is off."""
    left_out_at_start: int
    """Frames before those, which refer to frames that the source does not have: it begins in mid-
    group.
    """
    not_decoded: int
    """Of these, frames before the start that was asked for which were not decoded: decoding began
    behind them, and the packets of the source were counted.
    """
    times_repaired: int
    """Frames of the source whose time was missing or did not increase, and was set one frame after
    the one before.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Moved(Record):
    """Filled or cut samples, and the first places where this happened."""
    places: list[Place]
    """The first places, in order of occurrence."""
    samples: int
    """Number of samples."""


@dataclass(kw_only=True, repr=False, eq=False)
class Place(Record):
    """A place where samples were filled or cut."""
    samples: int
    """Number of samples."""
    time: Timestamp
    """Time in the source."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackLoudness(Record):
    """The loudness of an audio track."""
    loudness: Loudness
    """The loudness of the encoder's input, or of the decoded track if it is copied."""
    track: int
    """Number of the track among the audio tracks of the output."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackRecord(Record):
    """What was written to, or read from, one track."""
    bytes: int
    """Bytes of compressed data."""
    codec: str
    """FFmpeg's name of the codec."""
    end: Timestamp | None
    """When the last one ends."""
    essence: str
    """XXH3 over the essence: coded slices of H.264 and HEVC, all bytes of other codecs; in
    hexadecimal.
    """
    extras: ExtrasCount
    """Frames with captions or dynamic HDR metadata in them."""
    hidden: int
    """How many of them an edit list hides: decoded, but not presented."""
    keyframes: int
    """The number of packets at which decoding can start. In H.264, these are flagged frames that
    are IDR or have a recovery point.
    """
    kind: StreamKind
    """Frames, audio or subtitles."""
    last: Timestamp | None
    """When the last is presented."""
    packets: int
    """Compressed frames, blocks of audio, or subtitles."""
    start: Timestamp | None
    """When the first is presented."""
    times: str
    """XXH3 over the presentation times in the order of decoding, counted from the first of them;
    for subtitles of text also over how long each is shown; in hexadecimal.
    """


# With which outputs an output shares an analysis.
SharedAnalysis: TypeAlias = LeadSharedAnalysis | FollowerSharedAnalysis
