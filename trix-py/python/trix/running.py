"""Jobs: planned, run, watched and cancelled."""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from . import _trix, jobs, records
from ._arguments import path_of, whole
from ._record import _plain, _read
from ._work import Job, given, pairs, work_of
from .errors import Error
from .progress import Bar

__all__ = ["Run", "encode", "ingest", "plan", "run", "start"]

log = logging.getLogger("trix")

Progress: TypeAlias = "bool | Callable[[records.Event], object] | None"
"""True shows a bar (tqdm), a callable gets each event. What it raises cancels the job and comes out."""

_running: weakref.WeakSet[Run] = weakref.WeakSet()
# Cancelled jobs whose threads are still inside an encoder.
_left: list[_trix.Run] = []
_ending = threading.Lock()


@atexit.register
def _stop_all() -> None:
    # Encoders that run while the process ends would use memory that is gone.
    jobs_left = [job._run for job in list(_running)] + _left
    for job in jobs_left:
        job.cancel()
    for job in jobs_left:
        job.wait(5.0, True)


# A process that is forked has no jobs.
os.register_at_fork(after_in_child=_running.clear)
os.register_at_fork(after_in_child=_left.clear)


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
        self._lock = threading.Lock()
        _running.add(self)

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
            log.warning("%s%s", f"{event.path}: " if event.path else "", event.text)
        elif isinstance(event, records.DamageFoundEvent):
            log.warning("the source is damaged: %s", event.damage.detail)
        return event

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
                for decision in self._report.decisions:
                    log.info("%s: %s", decision.what, decision.why)
            return self._report

    def _end(self) -> None:
        """Cancels the job and waits for its end, so that nothing is left. An encoder may still be inside a long call; it ends
        by itself."""
        self._run.cancel()
        self._run.wait(5.0, False)
        with _ending:
            _left[:] = [job for job in [*_left, self._run] if not job.wait(0.0, True)]

    def _watched(self, progress: Progress) -> records.Report:
        """Reads all events, shows them, and returns the report."""
        bar = Bar() if progress is True else None
        tell = progress if callable(progress) else None
        try:
            for event in self:
                if bar is not None:
                    bar.show(event)
                if tell is not None:
                    tell(event)
            return self.result()
        except BaseException:
            self._end()
            raise
        finally:
            if bar is not None:
                bar.close()


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
        set: Variables and settings, such as `{"outputs[0].video.rate.value": 20}`. Not for a plan.
        output: The folder for outputs with relative names. Not for a plan.
        overwrite: Replaces files that have the names of outputs.
        progress: True for a bar (tqdm), or a callable that gets each event.

    Raises:
        InvalidSpec: The job has mistakes, all of which are in `mistakes`.
        Error: What ended the job.
    """
    return start(job, set=set, output=output, overwrite=overwrite)._watched(progress)


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
        cores: Cores of the machine that will run the plan; by default those of this one.
        memory: Its memory in bytes.

    Raises:
        InvalidSpec: The job has mistakes, all of which are in `mistakes`.
    """
    cores = None if cores is None else whole(cores, "cores", 1, 1 << 16)
    memory = None if memory is None else whole(memory, "memory", 0, 1 << 62)
    text = _trix.plan(work_of(job, set, output, overwrite), cores, memory)
    return records.Plan.from_dict(json.loads(text))


def encode(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    video: jobs.VideoSettings | None = None,
    audio: jobs.AudioSettings | None = None,
    picture: jobs.PictureSettings | Mapping[str, Any] | None = None,
    start: Fraction | float | str | None = None,
    duration: Fraction | float | str | None = None,
    frames: int | None = None,
    verify: jobs.VerifyLevel | None = None,
    overwrite: bool = False,
    progress: Progress = None,
    **more: Any,
) -> records.Report:
    """Encodes one file into another, verified.

        >>> report = trix.encode("master.mov", "lossless.mkv", video=trix.Ffv1(), audio=trix.Flac())
        >>> all(check.ok for check in report.outputs[0].verification.checks)
        True

    Args:
        source: A local file, or a pattern for numbered files.
        output: The file to write; its extension decides the container.
        video: `trix.X264(...)`, `trix.X265(...)`, `trix.Ffv1()`, `trix.Prores(...)`, or a name: `"x265"`, `"copy"`, `"none"`.
        audio: `trix.Flac()`, `trix.Aac(kbps=128)`, ..., or a name.
        picture: Size, crop, frame rate, colour: `{"size": "1280x-2"}`.
        start: Where the output begins, in seconds or as text (`"00:01:30"`), counted from the start of the source.
        duration: How long the output is.
        frames: The largest number of frames.
        verify: `off`, `structure` or `full`.
        overwrite: Replaces a file that has the name of the output.
        progress: As for `run`.
        more: Other keys of an output in a job, such as `subtitles` and `metadata`.

    Raises:
        The same errors as `run`.
    """
    own = jobs.SourceSettings(path=path_of(source), start=start, duration=duration, frames=frames)
    target = {"path": path_of(output), "video": video, "audio": audio, "picture": picture, "verify": verify, **more}
    job = {"source": own, "outputs": [given(target)]}
    return run(job, overwrite=overwrite, progress=progress)


def ingest(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    profile: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    tracks: Iterable[jobs.TrackSettings | Mapping[str, Any]] = (),
    set: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    progress: Progress = None,
) -> records.Report:
    """Makes every copy of a master that one or more profiles list, and writes a manifest with their hashes.

    Args:
        source: The master.
        output: The folder for the copies.
        profile: Names of profiles (`archive`, `production`, `preview`, ...) or paths of profile files.
        tracks: External audio tracks.
        set: Variables and settings. `stem` names the copies; by default the name of the master.
        overwrite: Replaces files that have the names of copies.
        skip_existing: Keeps copies that are complete: made of the same source by the same job, with the bytes that were verified.
            The report is then that of the job that made them.
        progress: As for `run`.

    Raises:
        The same errors as `run`.
    """
    work = {
        "kind": "ingest",
        "source": path_of(source),
        "folder": path_of(output),
        "profiles": [os.fspath(own) for own in ([profile] if isinstance(profile, (str, os.PathLike)) else profile)],
        "tracks": [_plain(track) for track in tracks],
        "set": pairs(set),
        "overwrite": overwrite,
        "skip_existing": skip_existing,
    }
    return Run(_trix.start(json.dumps(work)))._watched(progress)
