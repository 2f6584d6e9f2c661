"""A film in chunks: divided once, encoded by any number of processes or machines, joined.

    >>> job = {"source": {"path": "master.mov"}, "outputs": [{"path": "joined.mkv", "video": "x264"}]}
    >>> plan = trix.plan_chunks(job)
    >>> [trix.encode_chunk(plan, number, "chunks").frames for number in range(len(plan.chunks.ranges))]
    [50]
    >>> trix.stitch(plan, "chunks").outputs[0].path
    'joined.mkv'

Equal calls give equal bytes. To run one twice does no harm: a chunk that is in the store is kept. A worker needs the plan, which can
be pickled or sent as JSON, and sees the source and the store under the same paths.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _trix, records
from ._arguments import path_of, whole
from ._record import path_text
from ._work import Job, work_of
from .running import Progress, Run, Watcher

__all__ = ["EncodedChunk", "encode_chunk", "measure_chunk", "plan_chunks", "stitch"]


@dataclass(frozen=True)
class EncodedChunk:
    """A chunk that is in a store, or the first of its two passes."""

    start: int
    """Number of its first frame in the source."""
    end: int
    """The frame after its last one."""
    is_new: bool
    """False if it was in the store already."""

    @property
    def frames(self) -> int:
        """Number of frames of the source."""
        return self.end - self.start


def plan_chunks(
    job: Job,
    *,
    set: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> records.Plan:
    """The plan of a job whose film is encoded in chunks: `plan.chunks.ranges` has the frames of each.

    The division depends on the source and the job alone. The arguments are those of `run`.

    Raises:
        Unsupported: The job needs an encode of the whole film: a bit rate in one pass, frames in place of damaged ones.
        InvalidSpec: The job has mistakes, all of which are in `mistakes`.
    """
    return records.Plan.from_dict(json.loads(_trix.plan_chunks(work_of(job, set, output, overwrite))))


def encode_chunk(plan: records.Plan, number: int, store: str | os.PathLike[str]) -> EncodedChunk:
    """Encodes chunk `number` (from 0) of a plan into the folder `store`, for all outputs, unless it is there.

    A bit rate in two passes needs the first pass of all chunks, and some chunks before all others. What is missing of that is made
    here, too; `measure_chunk` makes the first pass of one chunk.

    Raises:
        InvalidSpec: The plan has no such chunk, or the source has changed.
        Error: What ended the encode; it names the frames of the chunk.
    """
    return EncodedChunk(*_trix.encode_chunk(*_arguments(plan, number, store)))


def measure_chunk(plan: records.Plan, number: int, store: str | os.PathLike[str]) -> EncodedChunk:
    """Makes the first of two passes of chunk `number` (from 0), and keeps what it finds out in the folder `store`.

    Does nothing for a plan without two passes.

    Raises:
        InvalidSpec: The plan has no such chunk, or the source has changed.
        Error: What ended the pass; it names the frames of the chunk.
    """
    return EncodedChunk(*_trix.measure_chunk(*_arguments(plan, number, store)))


def _arguments(plan: records.Plan, number: int, store: str | os.PathLike[str]) -> tuple[str, int, str]:
    return json.dumps(plan.to_dict()), whole(number, "number", 0, 1 << 32), os.fspath(path_of(store))


def stitch(plan: records.Plan, store: str | os.PathLike[str], *, progress: Progress = None) -> records.Report:
    """Joins the chunks of a plan, encodes its audio once, writes all outputs, verifies them, and gives them their names.

    Chunks that miss the bit rate of two passes, or the buffer of a decoder, are encoded again.

    Args:
        plan: The plan of `plan_chunks`.
        store: The folder with all of its chunks. It is kept.
        progress: True for a bar (tqdm), or a callable that gets each event.

    Raises:
        MalformedInput: A chunk is missing, or is not what was written; its frames are named.
        Error: What ended the job.
    """
    watcher = Watcher(progress)
    work = {"kind": "stitch", "plan": json.dumps(plan.to_dict()), "store": path_text(path_of(store))}
    return Run(_trix.start(json.dumps(work)))._watched(watcher)
