"""What happens in a job.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Record
from .errors import ErrorDetail, Stage
from .reading import Damage


@dataclass(kw_only=True, repr=False, eq=False)
class ChunkFailedEvent(Record):
    """The encode of a chunk has failed, and is tried again."""
    end: int
    """The frame after its last one."""
    error: ErrorDetail
    """What ended the attempt."""
    start: int
    """The first frame of the chunk."""
    type: Literal["chunk_failed"] = "chunk_failed"


@dataclass(kw_only=True, repr=False, eq=False)
class DamageFoundEvent(Record):
    """The source is damaged in one place, and the job goes on. The report has the same damage."""
    damage: Damage
    """What was found: kind, stream, time."""
    track: int | None
    """Number of the external audio track that is damaged; `None`: the source itself."""
    type: Literal["damage_found"] = "damage_found"


@dataclass(kw_only=True, repr=False, eq=False)
class FactorTriedEvent(Record):
    """Parts of the film were encoded, to find the rate factor with which an output reaches a
    score.
    """
    factor: float
    """The factor (`crf`)."""
    metric: TargetMetric
    """What is measured."""
    path: str
    """The output, or the package of the rendition."""
    score: float
    """The score of the parts with it."""
    target: float
    """The score that is wanted."""
    type: Literal["factor_tried"] = "factor_tried"


@dataclass(kw_only=True, repr=False, eq=False)
class JobEndedEvent(Record):
    """The job ended. It is the last event of a job."""
    error: ErrorDetail | None
    """Why it failed; `None` if it did not."""
    type: Literal["job_ended"] = "job_ended"


@dataclass(kw_only=True, repr=False, eq=False)
class MissedEvent(Record):
    """Events were left out here, because too many waited for the reader."""
    count: int
    """How many."""
    type: Literal["missed"] = "missed"


@dataclass(kw_only=True, repr=False, eq=False)
class OutputDoneEvent(Record):
    """An output has its final name: it is whole and verified. The outputs of a job get their names
    together, at its end.
    """
    bytes: int
    """Its size, with all of its files."""
    path: str
    """The file or folder; of a still with several files, the first."""
    type: Literal["output_done"] = "output_done"


@dataclass(kw_only=True, repr=False, eq=False)
class OutputFailedEvent(Record):
    """An output failed, and the job goes on without it."""
    error: ErrorDetail
    """Why."""
    path: str
    """The path that it would have had."""
    type: Literal["output_failed"] = "output_failed"


@dataclass(kw_only=True, repr=False, eq=False)
class ProgressEvent(Record):
    """How far an output is. A progress that no one has read is replaced by the next one of the
    same output.
    """
    bitrate_kbps: float
    """Thousands of bits of this output in a second of its playing time."""
    bytes: int
    """Bytes written in this part of the job."""
    eta_seconds: float | None
    """Seconds to the end of this part of the job, where known."""
    fps: float
    """Frames a second, over the last few seconds. 0 without encoded video."""
    frames: int
    """Frames done in this part of the job. Of a package, by its slowest rendition. Without encoded
    video, packets of its first track.
    """
    frames_expected: int | None
    """Frames expected, where the source declares them. `None` without encoded video."""
    output: int
    """Number of the output: files first, then packages, in the order of the job, from 0."""
    path: str
    """Its path."""
    seconds: float
    """Seconds of playing time that are done."""
    seconds_expected: float | None
    """Seconds of playing time expected, where the source declares them."""
    speed: float
    """Seconds of playing time in a second, over the last few seconds."""
    stage: Stage
    """`encode` or `verify`."""
    type: Literal["progress"] = "progress"


@dataclass(kw_only=True, repr=False, eq=False)
class StageBeganEvent(Record):
    """A part of the job began. The parts follow one another: `source` (opening it), `plan` (with
    the measurement of loudness; a job that runs a plan has none), `encode` (reading the source
    and writing all outputs), `verify`.
    """
    pass_: int
    """Number of the reading of the source, from 1."""
    passes: int
    """2 for `encode` of a job with two passes; else 1."""
    stage: Stage
    """Which part."""
    type: Literal["stage_began"] = "stage_began"


@dataclass(kw_only=True, repr=False, eq=False)
class WarningEvent(Record):
    """Something that a person should know, and that is no error."""
    path: str | None
    """The output that it is about; `None`: the source, or the whole job."""
    text: str
    """In words."""
    type: Literal["warning"] = "warning"


# Something that happened in a job.
Event: TypeAlias = (
    StageBeganEvent | ProgressEvent | FactorTriedEvent | WarningEvent | ChunkFailedEvent | DamageFoundEvent | OutputDoneEvent |
    OutputFailedEvent | MissedEvent | JobEndedEvent
)

# A measure of quality that an encode can aim at.
TargetMetric: TypeAlias = Literal["psnr", "ssim", "vmaf"]
