"""The client of the ingest service, against a server of this process that answers as the service does."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trix
from trix.service import Away, Client, Conflict, Forbidden, Missing, NotSignedIn, Track

ROOT = Path(__file__).parent.parent.parent
HOST = "127.0.0.1"

OUTPUT = {"path": "Film.archive.mkv", "bytes": 123_456, "sha256": "ab" * 32}
REPORT: dict[str, Any] = {
    **{"trix": 1, "version": "1.0.0", "source": "film.mov", "seek": None, "fixity": None, "timing_of_source": {}},
    **{name: [] for name in ("decisions", "discontinuities", "encodes", "failed", "filters", "libraries", "notes")},
    **{name: [] for name in ("outputs", "packages", "stills", "tracks")},
    "damage": {"counts": {}, "first": []},
    "timing": {"encode_seconds": 2.5, "fps": 20.0, "verify_seconds": 1.0},
}


def detail(kind: str, message: str, **more: Any) -> dict[str, Any]:
    """An `ErrorDetail` of Rust as JSON."""
    return {"kind": kind, "stage": "plan", "file": None, "stream": None, "time": None, "message": message, **more}


def new_job(id: str, submission: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A `Job` of Rust as JSON."""
    defaults = {"profiles": ["archive", "preview"], "set": {}, "tracks": [], "priority": 3, "check": "full", "overwrite": False}
    flags = {"is_paused": False, "is_cancelling": False, "run": 1, "units": 0, "units_done": 0, "detail": "", "error": None}
    times = {"created_at": 1_790_000_000_000, "started_at": None, "ended_at": None, "plan": None, "profile_versions": {}}
    own = {"id": id, "submission": {**defaults, **submission}, "submitter": "anna", "priority": 3, "state": "queued"}
    return {**own, **flags, **times, **more}


class Fake:
    """A server that answers as the service does. `answers` replaces its next answers: a status with a body, or "cut"."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[Any] = []
        # What becomes of a job, one change at each look.
        self.coming: list[dict[str, Any]] = []
        self.port = 0
        self.start()

    def start(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = (self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body or b"null"))
                fake.asked.append(asked)
                told = fake.answers.pop(0) if fake.answers else None
                if not isinstance(told, tuple):
                    found = fake.answer(*asked)
                    if told == "cut":
                        # What was asked for is done, and nobody learns of it.
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    told = found
                status, document, *headers = told
                text = document.encode() if isinstance(document, str) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in [("Content-Length", str(len(text))), *headers]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer((HOST, self.port), Handler)
        self.port = self.server.server_port
        self.url = f"http://{HOST}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[Any, ...]:
        parts = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        match parts.path.split("/")[2:]:
            case ["sign-in"]:
                return (
                    200,
                    {"name": body["name"], "role": "operator"},
                    ("Set-Cookie", "trix_session=s1; Path=/; HttpOnly; Max-Age=9"),
                )
            case ["tokens"] if headers.get("cookie") == "trix_session=s1":
                return 200, {"token": "t1"}
            case ["sign-out"]:
                return 200, None, ("Set-Cookie", "trix_session=; Path=/; Max-Age=0")
            case ["jobs"] if method == "POST":
                id = self.keys.setdefault(headers["idempotency-key"], f"{len(self.jobs):04}")
                return 200, self.jobs.setdefault(id, new_job(id, body))
            case ["jobs"]:
                fitting = [job for id, job in sorted(self.jobs.items(), reverse=True) if id < query.get("before", "~")]
                return 200, fitting[: min(int(query["limit"]), 4)]
            case ["jobs", id] if id in self.jobs:
                self.jobs[id].update(self.coming.pop(0) if self.coming else {})
                return 200, self.jobs[id]
            case ["jobs", id, "outputs"]:
                return 200, [OUTPUT] if self.jobs[id]["state"] == "done" else []
            case ["jobs", id, "report"]:
                return 200, REPORT
        return 404, {"trix": 1, "error": detail("invalid_spec", f"plan: there is no {path}")}


@pytest.fixture(scope="module", autouse=True)
def directly() -> Iterator[None]:
    """No proxy is asked, and nothing of the environment signs in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "*")
        for name in ("TRIX_SERVICE_URL", "TRIX_SERVICE_TOKEN"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    yield server
    server.stop()


@pytest.fixture
def client(fake: Fake) -> Client:
    return Client(fake.url, "t0", patience=5)


@contextlib.contextmanager
def later(after: float, work: Any) -> Iterator[None]:
    """Does some work during the block."""
    timer = threading.Timer(after, work)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_a_submission_that_was_cut_is_sent_again_with_its_key(fake: Fake, client: Client) -> None:
    fake.answers = ["cut", "cut"]
    tracks = [Track(files=["left.wav", "right.wav"], language="de")]
    job = client.submit("Film", "film.mov", profiles="preview", set={"crf": "20"}, tracks=tracks)
    assert [*fake.jobs] == [job.id] and len(fake.asked) == 3
    assert len({headers["idempotency-key"] for _, _, headers, _ in fake.asked}) == 1
    track = {"files": ["left.wav", "right.wav"], "language": "de", "offset": None}
    sent = {
        "title": "Film",
        "source": "film.mov",
        "profiles": ["preview"],
        "set": {"crf": "20"},
        "tracks": [track],
        "overwrite": False,
    }
    assert all(body == sent for *_, body in fake.asked)
    assert job.submission.tracks == tracks and job.to_dict() == fake.jobs[job.id]
    # Another call is another submission, unless the program gives the key.
    assert client.submit("Film", "film.mov", key="delivery-7").id != job.id
    assert client.submit("Film", "film.mov", key="delivery-7").id == "0001"
    for key in ("", "two words", "schlüssel", "a\nb"):
        with pytest.raises(ValueError, match="visible ASCII"):
            client.submit("Film", "film.mov", key=key)


def test_what_changes_a_job_is_sent_once(fake: Fake, client: Client) -> None:
    fake.answers = ["cut"]
    with pytest.raises(Away, match=re.escape(f"{fake.url}/api/jobs/0000/cancel: the ingest service does not answer: Remote end")):
        client.cancel("0000")
    assert len(fake.asked) == 1


def test_all_pages_are_read(fake: Fake, client: Client) -> None:
    fake.jobs = {f"{number:04}": new_job(f"{number:04}", {"title": f"Film {number}", "source": "a.mov"}) for number in range(11)}
    jobs = client.jobs(state="queued", title="film & co", page=7)
    first = next(jobs)
    fake.jobs["0011"] = new_job("0011", {"title": "Late", "source": "a.mov"})
    assert [job.id for job in (first, *jobs)] == [f"{number:04}" for number in reversed(range(11))]
    queries = [dict(urllib.parse.parse_qsl(path.split("?")[1])) for _, path, *_ in fake.asked]
    assert [query.pop("before", None) for query in queries] == [None, "0007", "0003", "0000"]
    assert all(query == {"state": "queued", "title": "film & co", "limit": "7"} for query in queries)
    with pytest.raises(ValueError, match="1 to 500"):
        client.jobs(page=501)


def test_a_job_is_followed_over_an_outage(fake: Fake, client: Client) -> None:
    job = client.submit("Film", "film.mov")
    fake.coming = [{}, {}, {"state": "running", "units": 6}, {"units_done": 6}, {"state": "done", "ended_at": 1_790_000_009_000}]
    states = client.follow(job.id, interval=0.01)
    assert [next(states).state for _ in range(2)] == ["queued", "running"]
    fake.stop()
    began = time.monotonic()
    with later(0.6, fake.start):
        # Between two servers, the service is there, and the catalogue is not.
        fake.answers = [(503, {"trix": 1, "error": detail("io", "plan: the catalogue does not answer: closed")}), (502, "<html>")]
        assert next(states).units_done == 6
    assert time.monotonic() - began > 0.5 and not fake.answers
    assert [(state.state, state.is_over) for state in states] == [("done", True)]
    assert client.wait(job.id).ended_at == 1_790_000_009_000
    assert [output.to_dict() for output in client.outputs(job.id)] == [OUTPUT]
    assert client.report(job.id).to_dict() == REPORT


def test_an_outage_that_is_too_long_is_told_with_the_address(fake: Fake, client: Client) -> None:
    job = client.submit("Film", "film.mov")
    states = client.follow(job.id, patience=0.6, interval=0.01)
    next(states)
    fake.stop()
    began = time.monotonic()
    try:
        with pytest.raises(Away, match=re.escape(f"{fake.url}/api/jobs/{job.id}: the ingest service does not answer")) as raised:
            next(states)
    finally:
        fake.start()
    assert 0.6 <= time.monotonic() - began < 5
    assert isinstance(raised.value, (trix.Error, ConnectionError)) and raised.value.kind == "io" and raised.value.errno
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match="patience"):
            client.follow(job.id, patience=wrong)


def test_a_silent_service_costs_the_time_limit() -> None:
    with socket.create_server((HOST, 0)) as listener:
        silent = Client(f"http://{HOST}:{listener.getsockname()[1]}", "t0", timeout=0.3, patience=0)
        began = time.monotonic()
        with pytest.raises(Away, match="timed out"):
            silent.job("0000")
        assert 0.3 <= time.monotonic() - began < 5
    assert Client("http://farm:9001").timeout == 10


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        *((401, "invalid_spec", NotSignedIn), (403, "invalid_spec", Forbidden), (404, "invalid_spec", Missing)),
        *((409, "invalid_spec", Conflict), (409, "cancelled", trix.Cancelled), (422, "invalid_spec", trix.InvalidSpec)),
        *(
            (422, "unsupported", trix.Unsupported),
            (422, "malformed_input", trix.MalformedInput),
            (422, "limit", trix.LimitExceeded),
        ),
        *((500, "bug", trix.BugError), (500, "codec", trix.CodecError), (500, "verification", trix.VerificationError)),
        *((500, "io", trix.IoError), (503, "io", Away)),
    ],
)
def test_each_error_has_the_class_of_its_kind(status: int, kind: str, error: type[trix.Error], fake: Fake) -> None:
    mistake = {"place": "priority", "value": "9", "problem": "must be 1 to 5"}
    fake.answers = [(status, {"trix": 1, "error": detail(kind, "plan: a.mov: no", file="a.mov", mistakes=[mistake])})]
    with pytest.raises(trix.Error, match=r"^plan: a\.mov: no$") as raised:
        Client(fake.url, "t0", patience=0).job("0000")
    found = raised.value
    assert type(found) is error and (found.kind, found.stage, found.path) == (kind, "plan", "a.mov")
    if isinstance(found, trix.InvalidSpec):
        assert [own.place for own in found.mistakes] == ["priority"]


def test_answers_without_a_document_are_told_too(fake: Fake) -> None:
    client = Client(fake.url, "t0", patience=0)
    for answer, error, text in [
        ((422, "Failed to deserialize: missing field"), trix.InvalidSpec, "/api/jobs/a%2Fb: status 422: Failed to deserialize"),
        ((404, ""), Missing, "status 404: Not Found"),
        ((500, "<html>"), trix.BugError, "status 500: <html>"),
        ((504, ""), Away, "status 504"),
        ((200, "<html>"), trix.InvalidSpec, "is not the ingest service"),
        ((200, {"id": "0000"}), trix.BugError, "missing"),
        ((200, [1]), trix.BugError, "not that of this version"),
    ]:
        fake.answers = [answer]
        with pytest.raises(error, match=re.escape(text)) as raised:
            client.job("a/b")
        assert type(raised.value) is error


def test_the_token_goes_to_the_service_and_nowhere_else(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIX_SERVICE_URL", fake.url + "/")
    monkeypatch.setenv("TRIX_SERVICE_TOKEN", "secret-token\n")
    client = Client()
    other = Fake()
    try:
        fake.answers = [(307, "", ("Location", f"{other.url}/api/jobs/0000"))]
        with pytest.raises(trix.InvalidSpec, match=f"it moved to {other.url}"):
            client.job("0000")
        assert other.asked == []
    finally:
        other.stop()
    assert fake.asked[0][2]["authorization"] == "Bearer secret-token"
    assert repr(client) == f"Client('{fake.url}')"
    with pytest.raises(ValueError, match="token") as raised:
        Client(fake.url, "secret token")
    assert "secret" not in str(raised.value)
    monkeypatch.delenv("TRIX_SERVICE_URL")
    for url in (None, "", "farm:9001", "ftp://farm", "http://", "http://anna:password@farm", "http://farm/?a=b"):
        with pytest.raises(ValueError, match="address") as raised:
            Client(url, "t0")
        assert "password@" not in str(raised.value)


def test_sign_in_makes_a_token_and_leaves_no_session(fake: Fake) -> None:
    client = Client.sign_in(fake.url, "anna", "a long password", label="nightly")
    assert client.token == "t1"
    assert [(path, headers.get("authorization"), headers.get("cookie"), body) for _, path, headers, body in fake.asked] == [
        ("/api/sign-in", None, None, {"name": "anna", "password": "a long password"}),
        ("/api/tokens", None, "trix_session=s1", {"label": "nightly"}),
        ("/api/sign-out", None, "trix_session=s1", None),
    ]
    client.sign_out()
    assert client.token is None and fake.asked[-1][2]["authorization"] == "Bearer t1"


def test_the_example_of_the_page_runs(fake: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/python.md").read_text()
    example = re.search(r"^```python no_run\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert example is not None
    monkeypatch.setenv("TRIX_SERVICE_URL", fake.url)
    monkeypatch.setattr("time.sleep", lambda _: None)
    fake.coming = [{"state": "running", "units": 2}, {"units_done": 2}, {"state": "done"}]
    exec(compile(example.group(1), "docs/python.md", "exec"), {"trix": trix})
    assert capsys.readouterr().out == f"running 0 2\nrunning 2 2\ndone 2 2\n{OUTPUT['path']} {OUTPUT['sha256']}\n"
