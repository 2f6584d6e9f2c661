"""The lines of `--progress json`.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Record


@dataclass(kw_only=True, repr=False, eq=False)
class Progress(Record):
    """A moment of a job."""
    bitrate_kbps: float
    """Thousands of bits of all outputs together in a second of playing time."""
    bytes: int
    """Bytes written."""
    elapsed_seconds: float
    """Seconds since the phase began."""
    eta_seconds: float | None
    """Seconds to the end of the phase, where known."""
    fps: float
    """Frames in a second, over the last few seconds. 0 without encoded video."""
    frame: int
    """Frames done in this phase, by the output that is least far. Without encoded video, packets
    of the first track.
    """
    frames_expected: int | None
    """Frames expected, where the source declares them. `None` without encoded video."""
    phase: Phase
    """What the job is doing."""
    queues: list[Queue]
    """What waits between the stages."""
    seconds: float
    """Seconds of playing time that are done, by the output that is least far."""
    seconds_expected: float | None
    """Seconds of playing time expected, where the source declares them."""
    speed: float
    """Seconds of playing time in a second, over the last few seconds."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class Queue(Record):
    """What waits between two stages."""
    bytes: int
    """Bytes."""
    items: int
    """Packets or frames."""
    name: str
    """The stage that it waits for."""


@dataclass(kw_only=True, repr=False, eq=False)
class ReadingProgress(Record):
    """How far a command without a job has read its file; of two files, the first."""
    bytes: int
    """Bytes that were read: the place in the file, or the sum over all files that are compared."""
    bytes_expected: int | None
    """Bytes of the file or of these files, where known."""
    elapsed_seconds: float
    """Seconds since the command began to read."""
    eta_seconds: float | None
    """Seconds to the end, where known: after the first second."""
    reading: Reading
    """What the file is read for."""
    trix: int
    """Version of this format: 1."""


# What a job is doing.
Phase: TypeAlias = Literal["first_pass", "encode", "verify"]

# A line of `--progress json`.
ProgressLine: TypeAlias = Progress | ReadingProgress

# What a command without a job reads a file for.
Reading: TypeAlias = Literal["count", "verify", "compare", "check_copies"]
