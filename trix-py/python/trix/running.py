"""Jobs: planned, run, watched and cancelled."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from . import _trix, records
from ._arguments import whole
from ._record import _read
from ._work import Job, is_plan, work_of
from .errors import Error
from .progress import Bar

__all__ = ["Run", "plan", "run", "start"]

log = logging.getLogger("trix")

Progress: TypeAlias = "bool | Callable[[records.Event], object] | None"
"""True shows a bar (tqdm), a callable gets each event. What it raises cancels the job and comes out."""

# Jobs that someone can still read.
_running: weakref.WeakSet[Run] = weakref.WeakSet()
# Cancelled jobs whose threads may still be inside an encoder.
_stopping: list[_trix.Run] = []


@atexit.register
def _stop_all() -> None:
    # Encoders that run while the process ends would use memory that is gone.
    unfinished = [job._run for job in list(_running)] + _stopping
    for job in unfinished:
        job.cancel()
    for job in unfinished:
        job.wait(5.0, True)


def _stop(job: _trix.Run) -> None:
    """Cancels a job, and keeps it until its threads have ended."""
    job.cancel()
    # Garbage collection can call this at any time, so that it takes no lock.
    _stopping.append(job)
    for ended in [own for own in list(_stopping) if own.wait(0.0, True)]:
        with contextlib.suppress(ValueError):
            _stopping.remove(ended)


def _forget_all() -> None:
    # A process that is forked has no jobs.
    for job in list(_running):
        job._dropped.detach()
    _running.clear()
    _stopping.clear()


os.register_at_fork(after_in_child=_forget_all)


class Run:
    """A running job: an iterator of its events, with its result.

        >>> job = {"source": {"path": "master.mov"}, "outputs": [{"path": "watched.mkv", "video": "copy"}]}
        >>> with trix.start(job) as running:
        ...     kinds = [event.type for event in running]
        >>> running.result().outputs[0].path
        'watched.mkv'

    A `Run` that is dropped before its end is cancelled. As a context manager, it is cancelled if the block raises, also by
    Ctrl-C; otherwise the end of the block waits for the job, and raises what ended it.
    """

    def __init__(self, run: _trix.Run) -> None:
        self._run = run
        self._report: records.Report | None = None
        self._failure: Error | None = None
        self._is_cancelled = False
        # What was logged when its event was read.
        self._logged: set[str] = set()
        self._lock = threading.Lock()
        _running.add(self)
        self._dropped = weakref.finalize(self, _stop, run)
        # `_stop_all` ends the jobs that are left at the end of the program.
        self._dropped.atexit = False

    def __iter__(self) -> Iterator[records.Event]:
        return self

    def __next__(self) -> records.Event:
        try:
            text = self._run.event()
        except Error:
            raise
        except BaseException:
            # Ctrl-C; nothing is left.
            self._end()
            raise
        if text is None:
            raise StopIteration
        event: records.Event = _read(_event_type(), json.loads(text))
        if isinstance(event, records.WarningEvent):
            self._warn(f"{event.path}: {event.text}" if event.path else event.text)
        elif isinstance(event, records.ChunkFailedEvent):
            self._warn(f"a chunk is tried again: {event.error.message}")
        elif isinstance(event, records.DamageFoundEvent):
            self._warn(f"the source is damaged: {event.damage.detail}")
        return event

    def _warn(self, text: str) -> None:
        if text not in self._logged:
            self._logged.add(text)
            log.warning("%s", text)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None or self._is_cancelled:
            self._end()
        else:
            self.result()

    def cancel(self) -> None:
        """Asks the job to stop. It ends within 200 ms and leaves nothing under the names of its outputs."""
        self._is_cancelled = True
        self._run.cancel()

    @property
    def done(self) -> bool:
        """True after the end of the job."""
        return self._run.done

    def result(self) -> records.Report:
        """The report. Waits for the end of the job.

        Raises:
            Cancelled: The job was cancelled.
            Error: What ended the job.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._report is None:
                try:
                    self._report = records.Report.from_dict(json.loads(self._run.result()))
                except Error as failure:
                    self._failure = failure
                    raise
                except BaseException:
                    # Ctrl-C; nothing is left.
                    self._end()
                    raise
                # A program that reads no events learns of damage here.
                log_report(self._report, self._warn)
            return self._report

    def _end(self) -> None:
        """Cancels the job and waits for its end, so that nothing is left. An encoder may still be inside a long call; it ends
        by itself."""
        self._run.cancel()
        self._run.wait(5.0, False)
        _stop(self._run)

    def _watched(self, watcher: Watcher) -> records.Report:
        """Reads all events, shows them, and returns the report."""
        try:
            with watcher:
                for event in self:
                    watcher.show(event)
            return self.result()
        except BaseException:
            self._end()
            raise


class Watcher:
    """Shows the events of a job as `progress` says. It is made before the job starts, so that a wrong value starts none.

    Raises:
        TypeError: `progress` is neither a bool nor callable.
    """

    def __init__(self, progress: Progress) -> None:
        if not (progress is None or isinstance(progress, bool) or callable(progress)):
            raise TypeError(f"progress is True, False, None or a callable, not {type(progress).__name__}")
        self._bar = Bar() if progress is True else None
        self._tell = progress if callable(progress) else None

    def show(self, event: records.Event) -> None:
        """Shows an event."""
        if self._bar is not None:
            self._bar.show(event)
        if self._tell is not None:
            self._tell(event)

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def log_report(report: records.Report, warn: Callable[[str], None]) -> None:
    """Logs the decisions of a report, and warns of the damage of the source."""
    for damage in report.damage.first:
        warn(f"the source is damaged: {damage.detail}")
    for output in report.outputs:
        for text in output.warnings:
            warn(f"{output.path}: {text}")
    for decision in report.decisions:
        log.info("%s: %s", decision.what, decision.why)


def _event_type() -> Any:
    import typing

    return typing.get_type_hints(_Event)["event"]


class _Event:
    event: records.Event


def start(
    job: Job,
    *,
    set: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Run:
    """Starts a job and returns at once.

        >>> job = {"source": {"path": "master.mov"}, "outputs": [{"path": "started.mkv", "video": "copy"}]}
        >>> running = trix.start(job)
        >>> [event.type for event in running if event.type != "progress"]
        ['stage_began', 'stage_began', 'stage_began', 'output_done', 'job_ended']
        >>> running.result().outputs[0].path
        'started.mkv'

    The arguments are those of `run`.
    """
    return Run(_trix.start(work_of(job, set, output, overwrite)))


def run(
    job: Job,
    *,
    set: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress = None,
) -> records.Report:
    """Runs a job: decodes the source once, writes all outputs, verifies them, and gives them their names.

    Ctrl-C cancels the job and raises `KeyboardInterrupt`; nothing is then left under the names of the outputs.

    Args:
        job: A `trix.jobs.Job`, a dict, TOML text, the path of a job file, or a `Plan`.
        set: Variables and settings, such as `{"outputs[0].video.rate.value": 20}`. A text is read as an argument of the command
            line. Not for a plan.
        output: The folder for outputs with relative names. Not for a plan.
        overwrite: Replaces files that have the names of outputs.
        progress: True for a bar (tqdm), or a callable that gets each event.

    Raises:
        InvalidSpec: The job has mistakes, all of which are in `mistakes`.
        Error: What ended the job.
    """
    watcher = Watcher(progress)
    return start(job, set=set, output=output, overwrite=overwrite)._watched(watcher)


def plan(
    job: Job,
    *,
    set: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    cores: int | None = None,
    memory: int | None = None,
) -> records.Plan:
    """What a job resolves to: every default, every decision, the memory that it needs. Nothing is encoded.

        >>> job = {"source": {"path": "master.mov"}, "outputs": [{"path": "planned.mp4", "video": "x264"}]}
        >>> [output.path for output in trix.plan(job).outputs]
        ['planned.mp4']

    A plan can be pickled, or sent as JSON, and run on another machine.

    Args:
        job: As for `run`.
        set: As for `run`.
        output: As for `run`.
        overwrite: As for `run`.
        cores: Cores of the machine that will run the plan; by default those of this one. Not for a plan.
        memory: Its memory in bytes. Not for a plan.

    Raises:
        InvalidSpec: The job has mistakes, all of which are in `mistakes`.
        ValueError: `job` is a plan, which was made for a machine already.
    """
    if (cores is not None or memory is not None) and is_plan(job):
        raise ValueError("a plan was made for a machine already; cores and memory belong to a job")
    cores = None if cores is None else whole(cores, "cores", 1, 1 << 16)
    memory = None if memory is None else whole(memory, "memory", 0, 1 << 62)
    text = _trix.plan(work_of(job, set, output, overwrite), cores, memory)
    return records.Plan.from_dict(json.loads(text))
