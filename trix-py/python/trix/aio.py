"""Jobs for asyncio. A job is cancelled when its task is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

from . import records, running
from ._work import Job

__all__ = ["events", "run"]


async def events(job: running.Run) -> AsyncIterator[records.Event]:
    """The events of a job that `trix.start` started."""
    while True:
        event = await asyncio.to_thread(next, job, None)
        if event is None:
            return
        yield event


async def run(
    job: Job,
    *,
    set: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> records.Report:
    """Runs a job, as `trix.run`, without blocking the event loop. Cancelling the task cancels the job.

    Raises:
        The same errors as `trix.run`.
    """
    started = running.start(job, set=set, output=output, overwrite=overwrite)
    try:
        async for _ in events(started):
            pass
        return await asyncio.to_thread(started.result)
    except BaseException:
        # Nothing is left when the task ends.
        await asyncio.shield(asyncio.to_thread(started._end))
        raise
