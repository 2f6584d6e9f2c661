"""What a file holds.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._readable import InfoWords
from .._record import Record, Timestamp
from .reading import FullDecodeCount
from .streams import Method, StreamInfo, Timecode
from .tracks import Chapter


@dataclass(kw_only=True, repr=False, eq=False)
class ContainerInfo(Record):
    """A container."""
    bit_rate: int | None
    """Bits per second of all streams together."""
    brand: str | None
    """The major brand of MP4 and MOV: which variant of the format it is. Absent for other formats,
    even if they hold a copy of the brand of the file that they were made from.
    """
    dates: list[DateInfo]
    """Dates that the file states."""
    description: str
    """The name of the format in words."""
    duration: Timestamp | None
    """Presentation duration."""
    duration_method: Method | None
    """How the duration was found."""
    format: str
    """FFmpeg's name, which may name several related formats (`mov,mp4,m4a,3gp,3g2,mj2`)."""
    metadata: dict[str, str]
    """Titles, encoders, dates: the metadata of the container, as FFmpeg names them."""
    muxing_application: str | None
    """The library that wrote the container (MuxingApp), as Matroska and WebM state it."""
    start: Timestamp | None
    """The start of presentation."""
    writing_application: str | None
    """The program that wrote the file."""


@dataclass(kw_only=True, repr=False, eq=False)
class DateInfo(Record):
    """A date and its place in the file."""
    origin: str
    """The field that states it: a key of the metadata, or FFmpeg's or the format's name of a
    field.
    """
    value: str
    """The date and time as RFC 3339 writes them (`2014-03-09T15:32:41Z`,
    `2014-03-09T16:32:41+01:00`). Without `Z` or an offset if the file does not state the time
    zone; without a time, a day or a month if it states no more.
    """
    what: Occasion
    """What happened then."""


@dataclass(kw_only=True, repr=False, eq=False)
class Disagreement(Record):
    """A property for which the container and the bitstream state different values."""
    bitstream: str
    """The value in the frames or packets."""
    container: str
    """The value in the container or its header."""
    stream: int | None
    """Index of the stream. Absent if the property is one of the whole file."""
    what: Subject
    """The property."""


@dataclass(kw_only=True, repr=False, eq=False)
class MediaInfo(InfoWords, Record):
    """The content of a source."""
    bytes: int | None
    """Size of the file in bytes."""
    census: FullDecodeCount | None
    """The result of decoding everything; absent unless it was requested."""
    chapters: list[Chapter]
    """Chapters of the programme."""
    container: ContainerInfo
    """The container."""
    disagreements: list[Disagreement]
    """Differences between what the container states and its content."""
    file: str | None
    """The file; absent when the source is a block of memory."""
    film: int | None
    """Index of the video stream that a job encodes by default."""
    programs: list[ProgramInfo]
    """The programmes of a transport stream."""
    streams: list[StreamInfo]
    """The streams, in file order."""
    timecodes: list[TimecodeInfo]
    """Time codes of the first frame, from all places that hold one."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class ProgramInfo(Record):
    """A programme of a transport stream."""
    name: str | None
    """Its name."""
    number: int
    """Its number."""
    provider: str | None
    """The name of its provider."""
    streams: list[int]
    """Indices of its streams."""


@dataclass(kw_only=True, repr=False, eq=False)
class TimecodeInfo(Record):
    """A time code and its place."""
    origin: TimecodeOrigin
    """The place of the time code."""
    stream: int | None
    """Index of the stream; absent for a time code of the whole container."""
    value: Timecode
    """The time code of the first frame."""


# What happened at a date.
Occasion: TypeAlias = Literal["recorded", "created", "modified", "dated"]

# What a disagreement can be about.
Subject: TypeAlias = Literal[
    "size", "sample_aspect", "display_aspect", "profile", "bit_depth", "pixel_format", "primaries", "transfer", "matrix", "range",
    "field_order", "frame_rate", "mastering_display", "content_light", "dolby_vision", "sample_rate", "channels", "timecode",
    "duration",
]

# The place of a time code.
TimecodeOrigin: TypeAlias = Literal["container", "track", "stream", "group_of_pictures", "picture"]
