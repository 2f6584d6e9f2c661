"""Requests to the ingest service, and the errors that it answers with.

An error has the class of `trix.errors` for the kind in its document. The status of HTTP tells the narrower classes.
"""

from __future__ import annotations

import functools
import http.client
import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Any

from .errors import BugError, Error, InvalidSpec, IoError, _of_detail

FIRST_PAUSE = 0.25
"""Seconds between the first two attempts. Each further pause has twice the length."""
LONGEST_PAUSE = 5.0
"""Seconds of the longest pause: a service that is back is found soon."""


class Away(IoError, ConnectionError):
    """The service, or a part of the farm, does not answer. The same request may succeed later."""


class NotSignedIn(InvalidSpec):
    """The service does not know the token, or the name with this password."""


class Forbidden(InvalidSpec):
    """The role of the user does not allow it."""


class Missing(InvalidSpec):
    """The service has nothing of this name."""


class Conflict(InvalidSpec):
    """It cannot be done now: a job is over or is not, there are copies of the title, or a key was used for another submission."""


_NARROWER: dict[int, type[Error]] = {
    401: NotSignedIn,
    403: Forbidden,
    404: Missing,
    409: Conflict,
    # The first and the last come from a proxy whose server is away.
    502: Away,
    503: Away,
    504: Away,
}


class _AsTheyAre(urllib.request.HTTPErrorProcessor):
    """Returns answers of every status, so that all bodies are read in one place and no redirect takes the token elsewhere."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_AsTheyAre)


def address(url: str) -> str:
    """The address of a service, without a slash at its end.

    Raises:
        ValueError: It is no such address.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address of a service holds no name and no password; a token signs in")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or not _is_plain(url):
        raise ValueError(f"the address of a service is such as http://farm:9001, not {url!r}")
    return url.rstrip("/")


def secret_of(token: str) -> str:
    """A token as a header can hold it.

    Raises:
        ValueError: It cannot be one.
    """
    # Tokens are often read from files, with the end of a line.
    found = token.strip()
    if not _is_plain(found):
        # A token is shown nowhere.
        raise ValueError("a token has ASCII letters and digits, and no space")
    return found


def key_of(key: str) -> str:
    """A key of a submission as a header can hold it. The service takes any other one for none.

    Raises:
        ValueError: It cannot be one.
    """
    if not _is_plain(key):
        raise ValueError(f"a key has visible ASCII characters only, not {key!r}")
    return key


def _is_plain(text: str) -> bool:
    return bool(text) and all("!" <= character <= "~" for character in text)


def seconds(value: float, what: str, *, may_be_zero: bool) -> float:
    """A duration in seconds."""
    found = float(value)
    if not math.isfinite(found) or found < 0 or (found == 0 and not may_be_zero):
        raise ValueError(f"{what} is a number of seconds{'' if may_be_zero else ' above 0'}, not {value}")
    return found


def ask(
    url: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: object = None,
    *,
    timeout: float,
    patience: float,
) -> tuple[Any, Message]:
    """Sends a request, again and again while the service is away, and returns the JSON of the answer with its headers.

    Args:
        url: The address of the service.
        method: GET or POST.
        path: What is asked for, with its query.
        headers: Further headers.
        body: What is sent as JSON. None sends nothing.
        timeout: The longest silence of the service in seconds.
        patience: Seconds after which no further attempt begins. 0 sends the request once.

    Raises:
        Away: No attempt was answered.
        Error: The service refuses the request.
    """
    data = None if body is None else json.dumps(body).encode()
    kind = {} if data is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data, {"Accept": "application/json", **kind, **headers}, method=method)
    began, pause = time.monotonic(), FIRST_PAUSE
    while True:
        try:
            return _answer(request, timeout)
        except Away:
            left = began + patience - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)


def _answer(request: urllib.request.Request, timeout: float) -> tuple[Any, Message]:
    """Sends a request once."""
    url = request.full_url
    try:
        with _opener().open(request, timeout=timeout) as answer:
            status, headers, body = answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        away = Away(f"{url}: the ingest service does not answer: {reason or type(reason).__name__}")
        away.errno = reason.errno if isinstance(reason, OSError) else None
        raise away from error
    if not 200 <= status < 300:
        raise _refusal(url, status, headers.get("Location"), body)
    try:
        return json.loads(body), headers
    except ValueError:
        raise InvalidSpec(f"{url}: what answers is not the ingest service: its answer is no JSON") from None


def _refusal(url: str, status: int, location: str | None, body: bytes) -> Error:
    """The exception for an answer that is an error."""
    narrower = _NARROWER.get(status)
    try:
        detail = json.loads(body)["error"]
        error = _of_detail(detail, detail["file"], None)
    except (KeyError, TypeError, ValueError):
        # Not every refusal has a document: a body that cannot be read has a line of text, and a proxy has a page.
        text = " ".join(body.decode(errors="replace").split())[:300]
        said = f"it moved to {location}" if location else text or http.client.responses.get(status, "no reason is given")
        return (narrower or (InvalidSpec if status < 500 else BugError))(f"{url}: status {status}: {said}")
    # The kind of the document is right, whatever the status says.
    if narrower is None or not issubclass(narrower, type(error)):
        return error
    own = narrower(*error.args)
    own.__dict__.update(error.__dict__)
    return own
