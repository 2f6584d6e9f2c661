"""What a job resolves to.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._readable import PlanWords
from .._record import Record
from .checks import VerifyLevel
from .content import Container, ContentPlan, Decision, EncodePlan
from .packages import PackagePlan
from .source import ExternalAudioPlan, SourcePlan
from .stills import StillPlan
from .video import FilterPlan


@dataclass(kw_only=True, repr=False, eq=False)
class ChunkPlan(Record):
    """How the film is divided. It depends on the source and the job alone, not on the machine.

    Filters also get frames before a part and after it, as many as they look at. x264 gets
    frames after a part, too, as many as it looks ahead at; their encode is thrown away.
    """
    lead_in: int
    """Frames before a part that are decoded and filtered for the sake of its first frames, and
    thrown away.
    """
    ranges: list[FrameRange]
    """The parts."""


@dataclass(kw_only=True, repr=False, eq=False)
class FilePlan(Record):
    """A file that will be written."""
    container: Container
    """Its container."""
    content: ContentPlan
    """What is written into it."""
    overwrite: bool
    """True if a file of this name may be replaced."""
    path: str
    """The file."""
    verify: VerifyLevel
    """How it is checked."""


@dataclass(kw_only=True, repr=False, eq=False)
class FrameRange(Record):
    """Frames `start..end` of the source, by their numbers from zero."""
    end: int
    """The frame after the last one."""
    start: int
    """The first frame."""


@dataclass(kw_only=True, repr=False, eq=False)
class Machine(Record):
    """The machine that runs a job. Threads, and the length of queues, are planned for it.

    ``` use trix_model::machine::Machine; let machine: Machine = "16,64GiB".parse()?;
    assert_eq!(machine, Machine { cores: 16, memory: Some(64 << 30) });
    assert_eq!(machine.to_string(), "16 cores, 64.0 GiB"); # Ok::<(), String>(()) ```
    """
    cores: int
    """Cores that the job can use, 1 to 1024."""
    memory: int | None
    """Memory that the job can use, in bytes; `None`: not stated."""


@dataclass(kw_only=True, repr=False, eq=False)
class MemoryPlan(Record):
    """The memory that a job needs."""
    _may_be_absent = frozenset(["unit"])

    bound: int | None
    """The limit of the job, in bytes."""
    estimate: int
    """The largest number of bytes, as estimated."""
    shares: list[MemoryShare]
    """The parts of the estimate."""
    short_queues: bool
    """True if queues between stages hold one item each, to stay within the limit or the memory of
    the machine.
    """
    unit: UnitMemory | None = None
    """For a film in chunks: what one unit of the work takes. As many run at the same time as fit,
    so that the estimate is what the job needs at least.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class MemoryShare(Record):
    """A part of the memory that a job needs."""
    bytes: int
    """Bytes."""
    what: str
    """What needs the memory: `process`, `source`, `decoder`, `step 0`, an output file or folder,
    `queues`, `verification`.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class Plan(PlanWords, Record):
    """The plan of a job. A plan is complete: it can be written as JSON, sent to another machine,
    and run there with the same bytes.
    """
    _may_be_absent = frozenset(["chunks", "on_lead_failure"])

    check_threads: int
    """Threads that check finished outputs. The number does not change any result."""
    decisions: list[Decision]
    """Automatic decisions about the whole job."""
    encodes: list[EncodePlan]
    """What is encoded. Each encode runs once for all files and renditions that take its packets."""
    external_audio: list[ExternalAudioPlan]
    """The external audio tracks. Their streams are numbered after those of the source."""
    filter_threads: int
    """Threads that convert frames. The number does not change any byte."""
    filters: list[FilterPlan]
    """What is done to frames between the decoder and the encoders. Each step runs once for all
    outputs that need it.
    """
    hash: bool
    """True if source and outputs are hashed (SHA-256)."""
    machine: Machine
    """The machine that threads and memory are planned for. The plan runs with the same numbers on
    every machine.
    """
    measure_loudness: bool
    """True if the loudness of every audio track is measured (EBU R 128)."""
    memory: MemoryPlan
    """The memory that the job needs."""
    on_output_failure: OnOutputFailure
    """What happens to the other outputs when one fails."""
    outputs: list[FilePlan]
    """The output files."""
    packages: list[PackagePlan]
    """The packages."""
    source: SourcePlan
    """The source."""
    stills: list[StillPlan]
    """The stills."""
    threads: int
    """Threads of the decoder. The number does not change any byte."""
    trix: int
    """Version of this format: 1."""
    chunks: ChunkPlan | None = None
    """How the film is divided; `None` if it is encoded as a whole."""
    on_lead_failure: OnLeadFailure | None = None
    """What happens to the outputs that follow the analysis of another one when its encoder fails.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class UnitMemory(Record):
    """The memory of a unit: the encode of one chunk for some outputs."""
    _may_be_absent = frozenset(["together"])

    base: int
    """Bytes of reading, decoding and filtering in a unit."""
    encodes: list[int]
    """Bytes of each encoder, by the number of the encode; 0 for audio."""
    process: int
    """Bytes of the process, whatever the number of units."""
    together: list[list[int]] | None = None
    """The encodes that share an analysis, and therefore run together: the numbers of each group."""


# What happens to the outputs that follow the analysis of another one when its encoder fails.
OnLeadFailure: TypeAlias = Literal["fail", "alone"]

# What happens to the other outputs when one fails.
OnOutputFailure: TypeAlias = Literal["fail", "continue"]
