"""Packages for streaming: how they are made, and what became of them.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from .._record import Record, Timestamp
from .checks import Check
from .content import ContentPlan, Decision, OutputPlan, SubtitlePlan
from .fixity import FileFixity
from .ledgers import AudioChange, AudioLedger, Change, ExtrasCount, Ledger, TrackLoudness, TrackRecord
from .tracks import TrackTags


@dataclass(kw_only=True, repr=False, eq=False)
class PackagePlan(Record):
    """The plan of one package."""
    decisions: list[Decision]
    """Automatic decisions."""
    notes: list[str]
    """Content of the source that the package lacks."""
    origin: Timestamp
    """The source time at time zero of all renditions."""
    overwrite: bool
    """True if a folder of this name may be replaced."""
    path: str
    """The folder."""
    renditions: list[RenditionPlan]
    """Its renditions of video and audio."""
    settings: PackageSettings
    """How it is segmented."""
    subtitles: list[TextPlan]
    """Its subtitle renditions."""


@dataclass(kw_only=True, repr=False, eq=False)
class PackageReport(Record):
    """The report of a package."""
    _may_be_absent = frozenset(["files"])

    bytes: int
    """The size of all its files in bytes."""
    checks: list[Check]
    """All comparisons; each of them holds."""
    path: str
    """The folder that was written."""
    plan: PackagePlan
    """The plan that ran."""
    renditions: list[RenditionReport]
    """Its renditions: video, audio, text."""
    files: list[FileFixity] | None = None
    """Its files and their hashes, if the job requests them."""


@dataclass(kw_only=True, repr=False, eq=False)
class PackageSettings(Record):
    """How a package is written."""
    layout: Layout
    """How segments are stored. Default: each in a file of its own."""
    segment: Fraction
    """Duration of a segment in seconds, 1 to 60. Default 6, as Apple's authoring specification
    recommends.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class RenditionPlan(Record):
    """A rendition of video or audio."""
    content: ContentPlan
    """What is written into it."""
    id: str
    """Its name, and that of its folder."""


@dataclass(kw_only=True, repr=False, eq=False)
class RenditionRecord(Record):
    """What was written of a rendition."""
    average_bit_rate: int
    """Bits in a second of all of its segments."""
    codecs: str | None
    """What its samples are, by RFC 6381; `None` for text."""
    duration: Timestamp
    """How long it lasts."""
    id: str
    """Its name."""
    peak_bit_rate: int
    """Bits in a second of its densest run of segments (HLS: peak segment bit rate)."""
    segments: int
    """How many segments it has."""
    start: Timestamp
    """When it begins."""
    track: TrackRecord
    """The record of its packets."""


@dataclass(kw_only=True, repr=False, eq=False)
class RenditionReport(Record):
    """The report of a rendition of a package."""
    _may_be_absent = frozenset(["audio_changes", "audio_ledgers", "cpu_seconds"])

    changes: list[Change]
    """The places where the source changed its size or format in mid-stream."""
    extras: ExtrasCount
    """Frames of the source with captions or dynamic HDR metadata."""
    frame_threads: int | None
    """Frame threads of the video encoder."""
    ledger: Ledger | None
    """The account of every frame; `None` for audio and text."""
    loudness: list[TrackLoudness]
    """The loudness of its audio, if the job requests it."""
    plan: OutputPlan | None
    """The plan that ran; `None` for text."""
    record: RenditionRecord
    """The record of what was written."""
    warnings: list[str]
    """Warnings of the video encoder."""
    audio_changes: list[AudioChange] | None = None
    """The places where the audio of the source changed its codec, rate or channels in mid-stream.
    """
    audio_ledgers: list[AudioLedger] | None = None
    """The account of every audio sample of the encoded tracks."""
    cpu_seconds: float | None = None
    """Processor time of the video encoder in seconds, of all its threads."""


@dataclass(kw_only=True, repr=False, eq=False)
class TextPlan(Record):
    """A subtitle rendition."""
    id: str
    """Its name, and that of its folder."""
    subtitle: SubtitlePlan
    """The subtitles that are converted to WebVTT."""
    tags: TrackTags
    """Language, title and purpose."""


# How the segments of a rendition are stored.
Layout: TypeAlias = Literal["files", "single"]
