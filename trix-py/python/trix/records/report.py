"""What became of a job.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._readable import ReportWords
from .._record import Record
from .checks import Verification
from .content import Decision, EncodePlan, OutputPlan
from .doctor import Library
from .errors import ErrorKind
from .fixity import Fixity
from .ledgers import AudioChange, AudioLedger, Change, ExtrasCount, Ledger, SharedAnalysis, TrackLoudness, TrackRecord
from .packages import PackageReport
from .reading import DamageReport, Discontinuity, Seek, TimingReport
from .stills import StillReport
from .video import FilterPlan


@dataclass(kw_only=True, repr=False, eq=False)
class FailedOutput(Record):
    """An output that failed."""
    error: str
    """The error, with its place."""
    kind: ErrorKind
    """The kind of the error."""
    path: str
    """Its intended name."""


@dataclass(kw_only=True, repr=False, eq=False)
class OutputReport(Record):
    """The report of an output."""
    _may_be_absent = frozenset(["audio_changes", "audio_ledgers", "cpu_seconds", "sharing"])

    bytes: int
    """Its size in bytes."""
    changes: list[Change]
    """The places where the source changed its size or format in mid-stream."""
    extras: ExtrasCount
    """Frames of the source with captions or dynamic HDR metadata; `tracks` states what was
    written.
    """
    frame_threads: int | None
    """Frame threads of the video encoder. Another number would have produced other bytes."""
    ledger: Ledger | None
    """The account of every frame; `None` if no video was decoded."""
    loudness: list[TrackLoudness]
    """The loudness of its audio tracks, if the job requests it."""
    path: str
    """The file that was written."""
    plan: OutputPlan
    """The plan that ran."""
    sha256: str | None
    """SHA-256 of its bytes, 64 lower-case hexadecimal digits, if the job requests hashes."""
    tracks: list[TrackRecord]
    """The record of each written track."""
    verification: Verification
    """How the output was verified, and the results."""
    warnings: list[str]
    """Warnings of the video encoder."""
    audio_changes: list[AudioChange] | None = None
    """The places where the audio of the source changed its codec, rate or channels in mid-stream.
    """
    audio_ledgers: list[AudioLedger] | None = None
    """The account of every audio sample of the encoded tracks."""
    cpu_seconds: float | None = None
    """Processor time of the video encoder in seconds, of all its threads: of x264 and x265. Files
    that share an encode share its time. `None` for other encoders, and if it was not kept with
    the chunks.
    """
    sharing: SharedAnalysis | None = None
    """With which outputs it shares an analysis; `None` if it was analysed for itself."""


@dataclass(kw_only=True, repr=False, eq=False)
class Report(ReportWords, Record):
    """The report of a finished job."""
    damage: DamageReport
    """Damage of the source."""
    decisions: list[Decision]
    """Automatic decisions about all outputs together."""
    discontinuities: list[Discontinuity]
    """Discontinuities of the source's clock, after which later times were moved."""
    encodes: list[EncodePlan]
    """What was encoded, once for all files and renditions that have its packets."""
    failed: list[FailedOutput]
    """The outputs that failed, if the job continues without them."""
    filters: list[FilterPlan]
    """What was done to frames between the decoder and the encoders."""
    fixity: Fixity | None
    """The hashes of the source, if the job requests them."""
    libraries: list[Library]
    """Versions of the libraries in use."""
    notes: list[str]
    """Other observations about the source that are no damage."""
    outputs: list[OutputReport]
    """The files that were written."""
    packages: list[PackageReport]
    """The packages that were written."""
    seek: Seek | None
    """Where decoding of video began; `None` if the job sets no start, or encodes no video."""
    source: str
    """The source."""
    stills: list[StillReport]
    """The still images that were made."""
    timing: ReportTiming
    """How long the job took."""
    timing_of_source: dict[int, TimingReport]
    """Gaps and repeats in the times of each stream of the source, by index; streams without any
    are left out.
    """
    tracks: list[TrackReport]
    """The external audio tracks."""
    trix: int
    """Version of this format: 1."""
    version: str
    """Version of Trix."""


@dataclass(kw_only=True, repr=False, eq=False)
class ReportTiming(Record):
    """How long a job took."""
    encode_seconds: float
    """Seconds for reading, encoding and writing, in all passes."""
    fps: float
    """Frames of the source per second during encoding; frames of several passes are counted once.
    """
    verify_seconds: float
    """Seconds for verification."""


@dataclass(kw_only=True, repr=False, eq=False)
class TrackReport(Record):
    """The report of an external audio track."""
    damage: list[DamageReport]
    """Damage of these files."""
    files: list[str]
    """Its files."""
