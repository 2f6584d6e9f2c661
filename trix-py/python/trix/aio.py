"""Jobs for asyncio. A job is cancelled when its task is."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from typing import Any

from . import records, running
from ._work import Job

__all__ = ["Events", "events", "run"]


class Events:
    """The events of a job, as an asynchronous iterator. No event is lost if a wait for the next one is cancelled.

    A thread reads the events, from the first wait on.
    """

    def __init__(self, job: running.Run) -> None:
        self._job = job
        # Events, then what ended them: None, or the error.
        self._queue: asyncio.Queue[records.Event | BaseException | None] = asyncio.Queue()
        self._has_begun = False
        self._end: BaseException | None = None
        self._is_over = False

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> records.Event:
        if not self._has_begun:
            self._has_begun = True
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._read, args=(loop,), name="trix-events", daemon=True).start()
        if self._is_over:
            raise StopAsyncIteration
        found = await self._queue.get()
        if found is None:
            self._is_over = True
            raise StopAsyncIteration
        if isinstance(found, BaseException):
            self._is_over = True
            raise found
        return found

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        def put(item: records.Event | BaseException | None) -> None:
            loop.call_soon_threadsafe(self._queue.put_nowait, item)

        try:
            try:
                for event in self._job:
                    put(event)
            except BaseException as error:
                put(error)
            else:
                put(None)
        except RuntimeError:
            # The loop was closed. Nobody reads any more.
            return


def events(job: running.Run) -> Events:
    """The events of a job that `trix.start` started."""
    return Events(job)


async def run(
    job: Job,
    *,
    set: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: running.Progress = None,
) -> records.Report:
    """Runs a job, as `trix.run`, without blocking the event loop. Cancelling the task cancels the job.

    A callable for `progress` is called in the thread of the event loop.

    Raises:
        The same errors as `trix.run`.
    """
    watcher = running.Watcher(progress)
    started = running.start(job, set=set, output=output, overwrite=overwrite)
    try:
        with watcher:
            async for event in events(started):
                watcher.show(event)
        return await asyncio.to_thread(started.result)
    except BaseException:
        # Nothing is left when the task ends.
        await asyncio.shield(asyncio.to_thread(started._end))
        raise
