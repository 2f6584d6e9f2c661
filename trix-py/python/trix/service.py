"""The ingest service from Python: submit masters, follow their jobs, read what became of them.

    client = trix.service.Client("http://farm:9001", token)
    job = client.submit("Film", "deliveries/film.mov")
    for job in client.follow(job.id):
        print(job.state, job.units_done, job.units)

It needs nothing but the standard library. Errors are below `trix.Error`. `Away` is an `IoError`: the service does not answer.
`NotSignedIn`, `Forbidden`, `Missing` and `Conflict` are each an `InvalidSpec`. Others have the class for the kind that the
service tells.
"""

from __future__ import annotations

import contextlib
import os
import time
import urllib.parse
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Literal, TypeVar

from ._arguments import path_of, whole
from ._catalogue import (
    Attempt,
    Change,
    Check,
    Job,
    JobState,
    Output,
    Planned,
    PlannedOutput,
    Reason,
    Role,
    Submission,
    Track,
    User,
)
from ._record import _read
from ._transport import Away, Conflict, Forbidden, Missing, NotSignedIn, address, ask, key_of, seconds, secret_of
from .errors import BugError, Cancelled, Error, _of_detail

if TYPE_CHECKING:
    from .records import Report

__all__ = [
    "Attempt",
    "Away",
    "Change",
    "Check",
    "Client",
    "Conflict",
    "Forbidden",
    "Job",
    "JobState",
    "Missing",
    "NotSignedIn",
    "Output",
    "Planned",
    "PlannedOutput",
    "Reason",
    "Role",
    "Submission",
    "Track",
    "User",
]

T = TypeVar("T")

_COOKIE = "trix_session"


class Client:
    """A user of the ingest service.

    Every method can raise `Away`, `NotSignedIn` and `Forbidden`. A client holds no connection, so that threads can share it.

    Args:
        url: The address of an API server, such as `http://farm:9001`; by default that of TRIX_SERVICE_URL.
        token: The token of the user; by default that of TRIX_SERVICE_TOKEN.
        timeout: The longest silence of the service in seconds. After it, a request counts as cut.
        patience: Seconds for which a request is sent again while the service does not answer; 0 sends it once. Requests that
            change a job or a token are sent once, because a second one could meet what the first one did. `submit` has a key
            against that.

    Raises:
        ValueError: There is no address, or an argument is wrong.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, timeout: float = 10.0, patience: float = 30.0
    ) -> None:
        url = url if url is not None else os.environ.get("TRIX_SERVICE_URL")
        if not url:
            raise ValueError("the address of the service is missing: give url, or set TRIX_SERVICE_URL")
        token = token if token is not None else os.environ.get("TRIX_SERVICE_TOKEN") or None
        self.url = address(url)
        self.token = None if token is None else secret_of(token)
        self.timeout = seconds(timeout, "timeout", may_be_zero=False)
        self.patience = seconds(patience, "patience", may_be_zero=True)

    def __repr__(self) -> str:
        # The token is a secret.
        return f"Client({self.url!r})"

    @classmethod
    def sign_in(cls, url: str, name: str, password: str, *, label: str = "trix.service") -> Client:
        """Makes a token for a user. Returns a client with this token.

        The token holds until `sign_out`, or until the password changes. Keep `token` of the client, and sign in once.

        Args:
            url: The address of an API server.
            name: The name of the user.
            password: The password.
            label: What the token is for.

        Raises:
            NotSignedIn: The service does not know the name with this password.
        """
        client = cls(url)
        # That of the environment is another user's.
        client.token = None
        _, headers = client._send("POST", "/api/sign-in", body={"name": name, "password": password})
        cookie = SimpleCookie(headers.get("Set-Cookie", "")).get(_COOKIE)
        if cookie is None:
            raise BugError(f"{client.url}: the answer to the sign-in holds no session")
        session = {"Cookie": f"{_COOKIE}={cookie.value}"}
        try:
            made, _ = client._send("POST", "/api/tokens", session, {"label": label})
        finally:
            # The session was for this only. One that cannot be ended now expires.
            with contextlib.suppress(Error):
                client._send("POST", "/api/sign-out", session)
        client.token = secret_of(client._as(_Token, made)["token"])
        return client

    def sign_out(self) -> None:
        """Ends the token. The service knows it no longer, and other clients with it are signed out, too."""
        self._send("POST", "/api/sign-out")
        self.token = None

    def me(self) -> User:
        """The user of the token, with the role."""
        return self._get(User, "/api/me")

    def submit(
        self,
        title: str,
        source: str | os.PathLike[str],
        *,
        profiles: str | Sequence[str] | None = None,
        set: Mapping[str, str] | None = None,
        tracks: Sequence[Track] | None = None,
        priority: int | None = None,
        check: Check | None = None,
        overwrite: bool = False,
        key: str | None = None,
    ) -> Job:
        """Submits a master, once: a request that was cut is sent again with the same key, and the service knows the job by it.

        Args:
            title: The title. Its copies go into a folder of this name.
            source: The master: a path below the mount `source` of the service.
            profiles: Names of profiles of the service; by default `archive` and `preview`.
            set: Values of the variables of the profiles.
            tracks: Audio tracks from other files.
            priority: 1 is the most urgent, 5 the least; by default that of the service.
            check: `full` decodes copies and scores them, `structure` does not; by default that of the service.
            overwrite: Replaces copies of the same title.
            key: Identifies the submission among those of the user: visible ASCII characters. A program that may be started again
                gives its own, so that it submits once; by default there is a new one for each call.

        Raises:
            InvalidSpec: The submission is wrong.
            Missing: The master, or the file of a track, is not in the mount.
            Conflict: There are copies of the title; a job with the title is not over; or the key was used for another submission.
            ValueError: The key cannot stand in a header.
        """
        body = _submission(title, source, profiles, set, tracks, priority, check, overwrite)
        headers = {"Idempotency-Key": key_of(uuid.uuid4().hex if key is None else key)}
        found, _ = self._send("POST", "/api/jobs", headers, body, self.patience)
        return self._as(Job, found)

    def plan(
        self,
        title: str,
        source: str | os.PathLike[str],
        *,
        profiles: str | Sequence[str] | None = None,
        set: Mapping[str, str] | None = None,
        tracks: Sequence[Track] | None = None,
        check: Check | None = None,
    ) -> Planned:
        """What `submit` with these arguments would make, how large, and how long it would take. Nothing is begun.

        Args:
            title: As for `submit`.
            source: As for `submit`.
            profiles: As for `submit`.
            set: As for `submit`.
            tracks: As for `submit`.
            check: As for `submit`.

        Raises:
            InvalidSpec: The submission is wrong.
            Missing: The master, or the file of a track, is not in the mount.
        """
        body = _submission(title, source, profiles, set, tracks, None, check, False)
        found, _ = self._send("POST", "/api/plan", None, body, self.patience)
        return self._as(Planned, found)

    def jobs(self, *, state: JobState | None = None, title: str | None = None, page: int = 100) -> Iterator[Job]:
        """All jobs, the last one first, page by page as they are read. Jobs that come meanwhile are left out.

        Args:
            state: Only jobs that stand so.
            title: Only titles that contain this text, in upper or lower case.
            page: The most jobs of a page, 1 to 500.

        Raises:
            ValueError: There is no such page.
            InvalidSpec: There is no such state.
        """
        query = {"state": state, "title": title, "limit": str(whole(page, "page", 1, 500))}
        return self._pages({name: value for name, value in query.items() if value is not None})

    def _pages(self, query: dict[str, str]) -> Iterator[Job]:
        # A page may be shorter than what was asked for, so that only an empty one is the end.
        while found := self._get(list[Job], "/api/jobs?" + urllib.parse.urlencode(query)):
            yield from found
            query = {**query, "before": found[-1].id}

    def job(self, id: str) -> Job:
        """A job as it is now.

        Raises:
            Missing: There is none of this id.
        """
        return self._get(Job, _path(id))

    def follow(self, id: str, *, patience: float = 600.0, interval: float = 1.0) -> Iterator[Job]:
        """The job as it is now, then again whenever it has changed. Ends after the state in which the job is over.

        What changes twice between two looks is seen once. How the job ended raises nothing here: see `state` and `error`.

        Args:
            id: The id of the job.
            patience: Seconds for which the service may be away at a time.
            interval: Seconds between two looks.

        Raises:
            Missing: There is none of this id.
            Away: The service was away for longer.
            ValueError: A number of seconds is wrong.
        """
        seconds(patience, "patience", may_be_zero=True)
        seconds(interval, "interval", may_be_zero=False)
        return self._states(id, patience, interval)

    def _states(self, id: str, patience: float, interval: float) -> Iterator[Job]:
        last: Job | None = None
        while last is None or not last.is_over:
            job = self._get(Job, _path(id), patience)
            if job != last:
                yield job
            last = job
            if not job.is_over:
                time.sleep(interval)

    def wait(self, id: str, *, patience: float = 600.0, interval: float = 1.0) -> Job:
        """Waits until the job is done. Returns it.

        Args:
            id: The id of the job.
            patience: As for `follow`.
            interval: As for `follow`.

        Raises:
            Missing: There is none of this id.
            Away: The service was away for longer.
            Cancelled: A user has cancelled the job.
            Error: Why the job failed, with the class for its kind.
        """
        [job] = deque(self.follow(id, patience=patience, interval=interval), maxlen=1)
        if job.state == "done":
            return job
        if job.state == "cancelled":
            raise Cancelled(f"job {id} was cancelled")
        if job.error is None:
            raise BugError(f"job {id} has failed, and the service does not say why")
        raise _of_detail(job.error.to_dict(), job.error.file, None)

    def cancel(self, id: str) -> Job:
        """Cancels a job. Returns it with `is_cancelling`: it is over when its steps have stopped, which `follow` tells.

        Raises:
            Missing: There is none of this id.
            Conflict: It is over.
        """
        return self._act(id, "cancel")

    def retry(self, id: str) -> Job:
        """Begins the next run of a job that has failed or was cancelled. Its chunks are kept.

        Raises:
            Missing: There is none of this id.
            Conflict: It is not over, or is done, or another job with its title is not over.
        """
        return self._act(id, "retry")

    def pause(self, id: str) -> Job:
        """Pauses a job: no further chunk of it begins.

        Raises:
            Missing: There is none of this id.
            Conflict: It is over.
        """
        return self._act(id, "pause")

    def resume(self, id: str) -> Job:
        """Lets a paused job go on.

        Raises:
            Missing: There is none of this id.
            Conflict: It is over.
        """
        return self._act(id, "resume")

    def set_priority(self, id: str, priority: int) -> Job:
        """Changes the priority of a job: 1 is the most urgent, 5 the least.

        Raises:
            Missing: There is none of this id.
            Conflict: It is over.
            InvalidSpec: There is no such priority.
        """
        return self._act(id, "priority", {"priority": priority})

    def outputs(self, id: str) -> list[Output]:
        """The files that a job has made, by their paths. Empty until it is done, and for an id that the service does not know."""
        return self._get(list[Output], _path(id, "outputs"))

    def report(self, id: str) -> Report:
        """What a job that is done reports: ledgers, checks, scores.

        Raises:
            Missing: There is no report.
        """
        from .records import Report

        return self._get(Report, _path(id, "report"))

    def attempts(self, id: str) -> list[Attempt]:
        """All attempts at the steps of a job, the last one first. Empty for an id that the service does not know."""
        return self._get(list[Attempt], _path(id, "attempts"))

    def changes(self, id: str) -> list[Change]:
        """What has happened to a job, the last change first, at most 500. Empty for an id that the service does not know."""
        return self._get(list[Change], _path(id, "changes"))

    def _act(self, id: str, action: str, value: Mapping[str, object] | None = None) -> Job:
        found, _ = self._send("POST", _path(id, action), body=value or {})
        return self._as(Job, found)

    def _get(self, kind: type[T], path: str, patience: float | None = None) -> T:
        found, _ = self._send("GET", path, patience=self.patience if patience is None else patience)
        return self._as(kind, found)

    def _send(
        self,
        method: Literal["GET", "POST"],
        path: str,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        patience: float = 0.0,
    ) -> tuple[object, Message]:
        own = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return ask(self.url, method, path, {**own, **(headers or {})}, body, timeout=self.timeout, patience=patience)

    def _as(self, kind: type[T], found: object) -> T:
        """An answer as what it should be."""
        try:
            if found is not None:
                own: T = _read(kind, found)
                return own
            reason = "it is null"
        except (AttributeError, KeyError, TypeError) as error:
            reason = str(error)
        raise BugError(f"{self.url}: the answer is not that of this version of the service: {reason}")


_Token = dict[str, str]


def _submission(
    title: str,
    source: str | os.PathLike[str],
    profiles: str | Sequence[str] | None,
    set: Mapping[str, str] | None,
    tracks: Sequence[Track] | None,
    priority: int | None,
    check: Check | None,
    overwrite: bool,
) -> dict[str, object]:
    """A submission as JSON. What is None has the default of the service."""
    given: dict[str, object | None] = {
        "title": title,
        "source": path_of(source),
        "profiles": [profiles] if isinstance(profiles, str) else None if profiles is None else list(profiles),
        "set": None if set is None else dict(set),
        "tracks": None if tracks is None else [track.to_dict() for track in tracks],
        "priority": priority,
        "check": check,
        "overwrite": bool(overwrite),
    }
    return {name: value for name, value in given.items() if value is not None}


def _path(id: str, what: str | None = None) -> str:
    return f"/api/jobs/{urllib.parse.quote(id, safe='')}" + (f"/{what}" if what else "")
