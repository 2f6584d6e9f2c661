"""Trix: a media engine that accounts for every frame, in the process of a Python program.

    >>> import trix
    >>> with trix.open("master.mov") as source:
    ...     frame = source[12]
    >>> frame.planes[0].shape       # a view of luma, without a copy
    (108, 192)
    >>> frame.to_rgb().shape        # red, green and blue, uint8
    (108, 192, 3)
    >>> report = trix.encode("master.mov", "copy.mkv", video=trix.X265(depth=10, crf=28, preset="ultrafast"))
    >>> report.outputs[0].ledger.emitted
    50

Errors are below `trix.Error`. What a file holds, what a job does and what it did are records: `to_dict()` gives JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import _trix
from ._later import later
from ._record import Record, Timestamp
from ._trix import Block
from .errors import (
    BugError,
    Cancelled,
    CodecError,
    Error,
    InvalidSpec,
    IoError,
    LimitExceeded,
    MalformedInput,
    Unsupported,
    VerificationError,
)
from .frame import Frame
from .readers import Audio, Frames
from .source import Source, open, probe

if TYPE_CHECKING:
    from . import aio, jobs, records, service
    from .checking import compare, verify
    from .chunks import EncodedChunk, encode_chunk, measure_chunk, plan_chunks, stitch
    from .encoder import Encoder
    from .files import encode, ingest
    from .jobs import Aac, Ac3, Alac, Eac3, Ffv1, Flac, Job, Opus, Pcm, Prores, X264, X265
    from .records import Doctor, MediaInfo, Plan, Report
    from .running import Run, plan, run, start
    from .tracks import AudioTrack

# The modules that are loaded when something of them is used first: they take longer than all others together.
_LATER = {
    "aio": (),
    "checking": ("compare", "verify"),
    "chunks": ("EncodedChunk", "encode_chunk", "measure_chunk", "plan_chunks", "stitch"),
    "encoder": ("Encoder",),
    "files": ("encode", "ingest"),
    "jobs": ("Aac", "Ac3", "Alac", "Eac3", "Ffv1", "Flac", "Job", "Opus", "Pcm", "Prores", "X264", "X265"),
    "records": ("Doctor", "MediaInfo", "Plan", "Report"),
    "running": ("Run", "plan", "run", "start"),
    "service": (),
    "tracks": ("AudioTrack",),
}

if not TYPE_CHECKING:

    __getattr__ = later(__name__, _LATER)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATER, *__all__})


__version__: str = _trix.version()


def doctor() -> Doctor:
    """What this build can do, and what it lacks."""
    from .records import Doctor

    return Doctor.from_dict(json.loads(_trix.doctor()))


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document: job, plan, media-info, report, progress, event, verify, compare, doctor, error, manifest
    or summary.

    Raises:
        ValueError: There is no such document.
    """
    return json.loads(_trix.schema(name))  # type: ignore[no-any-return]


__all__ = [
    "Aac",
    "Ac3",
    "Alac",
    "Audio",
    "AudioTrack",
    "Block",
    "BugError",
    "Cancelled",
    "CodecError",
    "Doctor",
    "Eac3",
    "EncodedChunk",
    "Encoder",
    "Error",
    "Ffv1",
    "Flac",
    "Frame",
    "Frames",
    "InvalidSpec",
    "IoError",
    "Job",
    "LimitExceeded",
    "MalformedInput",
    "MediaInfo",
    "Opus",
    "Pcm",
    "Plan",
    "Prores",
    "Record",
    "Report",
    "Run",
    "Source",
    "Timestamp",
    "Unsupported",
    "VerificationError",
    "X264",
    "X265",
    "__version__",
    "aio",
    "compare",
    "doctor",
    "encode",
    "encode_chunk",
    "ingest",
    "jobs",
    "measure_chunk",
    "open",
    "plan",
    "plan_chunks",
    "probe",
    "records",
    "run",
    "schema",
    "service",
    "start",
    "stitch",
    "verify",
]
