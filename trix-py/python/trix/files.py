"""Whole files: one encoded into another, or all copies of a master."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from . import _trix, jobs, records
from ._arguments import path_of
from ._record import _plain, path_text
from ._work import given, pairs
from .running import Progress, Run, Watcher

__all__ = ["encode", "ingest"]


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
    chunks: jobs.Chunks | None = None,
    overwrite: bool = False,
    progress: Progress = None,
    **more: Any,
) -> records.Report:
    """Encodes one file into another, verified.

        >>> report = trix.encode("master.mov", "lossless.mkv", video=trix.Ffv1(), audio=trix.Flac())
        >>> all(check.ok for check in report.outputs[0].verification.checks)
        True

    An MP4 is made for common players: chroma and depth that `video` does not state are 4:2:0, and at most 8 bits of H.264 or 10
    of HEVC. `compatible=False` keeps what the source has, and so do other containers.

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
        chunks: `auto` (films longer than ten minutes), `on` or `off`: chunks are kept if the job is killed.
        overwrite: Replaces a file that has the name of the output.
        progress: As for `run`.
        more: Other keys of an output in a job, such as `subtitles` and `metadata`.

    Raises:
        The same errors as `run`.
    """
    own = jobs.SourceSettings(path=path_of(source), start=start, duration=duration, frames=frames)
    target = {"path": path_of(output), "video": video, "audio": audio, "picture": picture, "verify": verify, **more}
    text = json.dumps(_plain(given({"source": own, "outputs": [given(target)], "chunks": chunks})))
    work: dict[str, Any] = {
        "kind": "text",
        "text": text,
        "language": "json",
        "set": [],
        "folder": None,
        "overwrite": bool(overwrite),
        "for_players": "compatible" not in more,
    }
    watcher = Watcher(progress)
    return Run(_trix.start(json.dumps(work)))._watched(watcher)


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
        "source": path_text(path_of(source)),
        "folder": path_text(path_of(output)),
        "profiles": [os.fspath(own) for own in ([profile] if isinstance(profile, (str, os.PathLike)) else profile)],
        "tracks": [_plain(track) for track in tracks],
        "set": pairs(set),
        "overwrite": overwrite,
        "skip_existing": skip_existing,
    }
    watcher = Watcher(progress)
    return Run(_trix.start(json.dumps(work)))._watched(watcher)
