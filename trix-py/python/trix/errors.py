"""What can go wrong. Every error of the engine is a `trix.Error`; its class says the kind."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import Mistake

__all__ = [
    "AlreadyExists",
    "BugError",
    "Cancelled",
    "CodecError",
    "Error",
    "InvalidSpec",
    "IoError",
    "LimitExceeded",
    "MalformedInput",
    "NotFound",
    "NotPermitted",
    "Unsupported",
    "VerificationError",
]


class Error(Exception):
    """An error of the engine, with its place as far as it is known."""

    kind: str = "bug"
    """The kind, as JSON documents have it."""
    stage: str | None = None
    """The part of the work that failed: plan, source, probe, demux, decode, filter, encode, mux or verify."""
    path: str | None = None
    """The file."""
    stream: int | None = None
    """Index of the stream in the file, from 0."""
    time: Fraction | None = None
    """Time in the stream, in seconds."""
    frame: int | None = None
    """Number of the frame that was asked for, from 0."""

    def __reduce__(self) -> tuple[Any, ...]:
        state = dict(self.__dict__)
        if isinstance(self, OSError):
            # These do not stand among the attributes of Python.
            state |= {"errno": self.errno, "strerror": self.strerror, "filename": self.filename}
        return _rebuilt, (type(self), self.args, state)


class InvalidSpec(Error, ValueError):
    """The job, or what was asked for, makes no sense. Nothing was started."""

    kind = "invalid_spec"
    mistakes: list[Mistake]
    """All mistakes of the job, each with its place, its value and what is legal there; empty for other requests."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.mistakes = []


class Unsupported(Error):
    """The source, or the combination that was asked for, is legal but not supported."""

    kind = "unsupported"


class MalformedInput(Error):
    """The source is damaged, cut short, or not media at all."""

    kind = "malformed_input"


class LimitExceeded(Error):
    """The source exceeds a limit, or a program gives its streams too far apart."""

    kind = "limit"


class IoError(Error, OSError):
    """The operating system refused. `errno`, `strerror` and `filename` are those of `OSError`.

    A missing file is also a `FileNotFoundError`, a taken name a `FileExistsError`, and a lack of permission a
    `PermissionError`.
    """

    kind = "io"

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class NotFound(IoError, FileNotFoundError):
    """A file or folder is missing."""


class AlreadyExists(IoError, FileExistsError):
    """A name is taken."""


class NotPermitted(IoError, PermissionError):
    """A permission is lacking."""


class CodecError(Error):
    """A codec library failed at a task that it supports."""

    kind = "codec"


class VerificationError(Error):
    """An output does not hold what it should."""

    kind = "verification"


class Cancelled(Error):
    """The work was cancelled by the program. Ctrl-C raises `KeyboardInterrupt` instead."""

    kind = "cancelled"


class BugError(Error):
    """A fault of Trix itself."""

    kind = "bug"


_CLASSES: dict[str, type[Error]] = {
    own.kind: own
    for own in (
        InvalidSpec,
        Unsupported,
        MalformedInput,
        LimitExceeded,
        IoError,
        CodecError,
        VerificationError,
        Cancelled,
        BugError,
    )
}


def _class_of(kind: str, errno: int | None) -> type[Error]:
    if kind == "io":
        import errno as numbers

        own: dict[int | None, type[Error]] = {
            numbers.ENOENT: NotFound,
            numbers.EEXIST: AlreadyExists,
            numbers.EACCES: NotPermitted,
            numbers.EPERM: NotPermitted,
        }
        return own.get(errno, IoError)
    return _CLASSES.get(kind, BugError)


def _of_detail(detail: dict[str, Any], path: str | None, errno: int | None) -> Error:
    """The exception for the `error` of an error document."""
    error = _class_of(detail["kind"], errno)(detail["message"])
    error.stage = detail["stage"]
    error.path = path
    error.stream = detail["stream"]
    time = detail["time"]
    error.time = time and time["ticks"] * Fraction(time["time_base"])
    error.frame = detail.get("frame")
    if isinstance(error, InvalidSpec):
        from .records import Mistake

        error.mistakes = [Mistake.from_dict(mistake) for mistake in detail.get("mistakes", [])]
    if isinstance(error, OSError):
        error.errno = errno
        error.strerror = os.strerror(errno) if errno is not None else None
        error.filename = path
    return error


def _raised(detail: str, *, path: str | None, errno: int | None) -> Error:
    return _of_detail(json.loads(detail), path, errno)


def _rebuilt(own: type[Error], args: tuple[Any, ...], state: dict[str, Any]) -> Error:
    error = own(*args)
    for name, value in state.items():
        setattr(error, name, value)
    return error
