"""Errors, and the mistakes of a job.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._record import Record, Timestamp


@dataclass(kw_only=True, repr=False, eq=False)
class ErrorDetail(Record):
    """Description and place of the error."""
    _may_be_absent = frozenset(["excerpt", "frame", "mistakes"])

    file: str | None
    """The file, where known: a source, an output, or a document."""
    kind: ErrorKind
    """Kind of the error."""
    message: str
    """Message with file, stage, stream and time."""
    stage: Stage
    """Stage of the error."""
    stream: int | None
    """Index of the stream, where known."""
    time: Timestamp | None
    """Time in the stream, where known."""
    excerpt: Excerpt | None = None
    """The line of a document, or the argument, that cannot be read. Each mistake has its own."""
    frame: int | None = None
    """Number of the frame that was asked for, from 0, where known."""
    mistakes: list[Mistake] | None = None
    """All mistakes of the job, if the error is about these."""


@dataclass(kw_only=True, repr=False, eq=False)
class ErrorDocument(Record):
    """An error as a JSON document.

    ``` use trix_model::{error::{Error, ErrorKind, Stage}, error_document::ErrorDocument};

    let error = Error::new(ErrorKind::Limit, Stage::Source, "2000 streams; the limit is 1000");
    let text = serde_json::to_string(&ErrorDocument::from(&error)).expect("plain data"); let
    read: ErrorDocument = serde_json::from_str(&text).expect("the same document");
    assert_eq!((read.error.kind, read.error.message), (ErrorKind::Limit, error.to_string()));
    ```
    """
    error: ErrorDetail
    """The error."""
    trix: int
    """Version of this format: 1."""


@dataclass(kw_only=True, repr=False, eq=False)
class Excerpt(Record):
    """A line of a document, or an argument of the command line, and the part of it that is wrong.
    """
    _may_be_absent = frozenset(["line"])

    length: int
    """Length of the wrong part, in characters: 1 or more. It can begin behind the last character,
    where something is missing.
    """
    start: int
    """Start of the wrong part in `text`, in characters."""
    text: str
    """The line. `...` stands for the rest of a long one."""
    line: int | None = None
    """Number of the line in its document, from one. An argument of the command line has none."""


@dataclass(kw_only=True, repr=False, eq=False)
class Mistake(Record):
    """One thing that is wrong with a job."""
    _may_be_absent = frozenset(["excerpt", "line"])

    place: str
    """Place in the job, e.g. `outputs[1].video.depth`."""
    problem: str
    """What is wrong with the value, and what is legal."""
    value: str
    """Value at this place."""
    excerpt: Excerpt | None = None
    """The line itself, and the part of it that is wrong."""
    line: str | None = None
    """Document and line of the value, such as `job.toml:12`."""


# The kind of a failure, for a caller that reacts to it.
ErrorKind: TypeAlias = Literal[
    "invalid_spec", "unsupported", "malformed_input", "limit", "io", "codec", "verification", "cancelled", "bug",
]

# The stage, on the path from source to verified output, in which an error arose.
Stage: TypeAlias = Literal["plan", "source", "probe", "measure", "demux", "decode", "filter", "encode", "mux", "verify"]
