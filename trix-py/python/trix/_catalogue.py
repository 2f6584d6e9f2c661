"""What the ingest service says of jobs. The fields are those of its JSON, with their names.

Times are in milliseconds since 1970, as the service has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ._record import Record
from .records.errors import ErrorDetail

JobState: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
"""How a job stands."""

Role: TypeAlias = Literal["viewer", "operator", "administrator"]
"""What a user may do: look, submit and change jobs, or change users and workers, too."""


Check: TypeAlias = Literal["full", "structure"]
"""How copies are checked: decoded and scored against the frames of the master, or by streams, counts and times alone."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Track(Record):
    """An audio track from another file."""

    files: list[str]
    """The files, each a path below the mount `source`: one, or one a channel."""
    language: str | None = None
    """Its language (ISO 639)."""
    offset: str | None = None
    """Seconds by which it is later than the frames."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Submission(Record):
    """What a user has submitted."""

    title: str
    """The title. Its copies go into a folder of this name."""
    source: str
    """The master: a path below the mount `source`."""
    profiles: list[str]
    """The profiles, as of `trix ingest --profile`."""
    set: dict[str, str]
    """Values of the variables of the profiles."""
    tracks: list[Track]
    """Audio tracks from other files."""
    priority: int
    """The priority at first: 1 is the most urgent, 5 the least."""
    check: Check
    """How copies are checked."""
    overwrite: bool
    """True if copies of the same title may be replaced."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class PlannedOutput(Record):
    """A file or folder that a job will make."""

    path: str
    """Its path below the folder of the title."""
    detail: str
    """What it holds, in a line."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Reason(Record):
    """What Trix chose, and why."""

    what: str
    """What was chosen."""
    why: str
    """Why."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Planned(Record):
    """What a job will make."""

    outputs: list[PlannedOutput]
    """The copies, packages and stills."""
    frames: int | None
    """Frames, where the master declares its length."""
    seconds: float | None
    """Playing time in seconds, where the master declares it."""
    units: int
    """Number of chunks; 0: the film is encoded in one piece. A dry run estimates it."""
    bytes: int
    """Bytes that all copies may take."""
    free: int | None
    """Bytes that are free on the mount of copies; None if they are not known."""
    takes: float | None
    """Seconds that one worker may take for all. Only a dry run estimates it."""
    decisions: list[Reason]
    """What Trix chose, and why."""
    warnings: list[str]
    """What may keep the job from its end."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Job(Record):
    """A job, as it was when the service answered."""

    id: str
    """Its id. Ids of later jobs sort after those of earlier ones."""
    submission: Submission
    """What was submitted."""
    submitter: str
    """Who submitted it."""
    priority: int
    """1 is the most urgent, 5 the least."""
    state: JobState
    """How it stands."""
    is_paused: bool
    """True if no further unit of it begins."""
    is_cancelling: bool
    """True if a user has cancelled it, and it has not ended yet."""
    run: int
    """The number of the run, from 1. A retry begins the next."""
    units: int
    """Number of chunks, once the job is planned; 0 before."""
    units_done: int
    """Chunks that are encoded."""
    detail: str
    """What it waits for, or does; may be empty."""
    error: ErrorDetail | None
    """Why it failed."""
    created_at: int
    """When it was submitted."""
    started_at: int | None
    """When its first step began."""
    ended_at: int | None
    """When it ended."""
    plan: Planned | None
    """What it will make, once it is planned. Lists of jobs leave it out."""
    profile_versions: dict[str, int]
    """The versions of the farm's own profiles that were in force when it was submitted."""

    @property
    def is_over(self) -> bool:
        """True if nothing more will happen to the job by itself."""
        return self.state not in ("queued", "running")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Output(Record):
    """A file that a job has made."""

    path: str
    """Its path below the folder of the title."""
    bytes: int
    """Its size in bytes."""
    sha256: str
    """Its SHA-256, as 64 hexadecimal digits."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Attempt(Record):
    """An attempt at a step of a job."""

    id: str
    """Its id."""
    run: int
    """The run of the job."""
    step: str
    """The step: `plan`, `chunk 12`, `finish`, `publish`."""
    worker: str
    """The worker."""
    began_at: int
    """When it began."""
    ended_at: int | None
    """When it ended."""
    outcome: Literal["done", "failed", "waited", "cancelled", "fenced"] | None
    """How it ended. None while it runs, and if its worker was lost."""
    error: ErrorDetail | None
    """Why it failed."""
    frames: int
    """Frames that are done."""
    frames_expected: int | None
    """Frames that are to be done, where known."""
    doing: str
    """What is done with them: `encode`, `verify` or `first_pass`; may be empty."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Change(Record):
    """A change of a job."""

    number: int
    """Its number among all changes of the farm, from 1, without gaps."""
    at: int
    """When it became visible."""
    what: str
    """What changed: `job.submitted`, `job.progress` and others."""
    job: str | None
    """The id of the job."""
    who: str
    """The user, or the part of the farm, that did it."""
    detail: Any
    """What is said about it: JSON."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class User(Record):
    """A user."""

    name: str
    """The name."""
    role: Role
    """What the user may do."""
    is_external: bool
    """True if the user signs in with an OpenID provider."""
