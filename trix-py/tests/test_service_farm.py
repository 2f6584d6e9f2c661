"""The client of the ingest service, against the API server of `trixd`: the one that was built, or the one that TRIXD names."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import socketserver
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trix
from test_service import HOST, OUTPUT, REPORT, ROOT, detail, later, new_job
from trix.service import Away, Client, Conflict, Forbidden, Missing, NotSignedIn

TRIXD = Path(os.environ.get("TRIXD", ROOT / "target/service/debug/trixd"))
PASSWORD = "a long password"

pytestmark = pytest.mark.skipif(not TRIXD.exists(), reason="trixd is not built")


class Farm:
    """An API server with an empty catalogue. No dispatcher takes its jobs: `change` does what the other parts of a farm would."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server((HOST, 0)) as listener:
            self.port: int = listener.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.folder = folder
        mounts = ("source", "output", "preview", "cache")
        for name in mounts:
            (folder / name).mkdir()
            (folder / name / ".trix-mount").touch()
        (folder / "source/film.mov").write_bytes(b"no step looks at it")
        lines = ["[mounts]", *(f'{name} = "{folder / name}"' for name in mounts)]
        lines += ["[catalogue]", f'url = "sqlite://{folder}/catalogue.db"', "[api]", f'listen = "{HOST}:{self.port}"']
        lines += ["[logs]", f'folder = "{folder}/logs"']
        (folder / "trixd.toml").write_text("\n".join(lines))
        for name, role in (("anna", "operator"), ("vera", "viewer")):
            self.user(name, role)
        self.start()

    def command(self, *arguments: str) -> list[str]:
        return [str(TRIXD), "--config", str(self.folder / "trixd.toml"), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        # What overrides a setting there would start another farm.
        return {name: value for name, value in os.environ.items() if not name.startswith("TRIXD_")}

    def user(self, name: str, role: str) -> None:
        command = self.command("user", name, "--role", role)
        subprocess.run(command, input=PASSWORD, text=True, check=True, timeout=60, env=self.environment)

    def start(self) -> None:
        self.process = subprocess.Popen(self.command("api"), env=self.environment, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.05)
        self.kill()
        pytest.fail("trixd does not listen")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def change(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        with contextlib.closing(sqlite3.connect(self.folder / "catalogue.db", timeout=30)) as catalogue, catalogue:
            for statement, values in statements:
                catalogue.execute(statement, values)

    def end(self, id: str) -> None:
        """Ends a job that is of no further use, so that no title is taken."""
        self.change(("UPDATE jobs SET state = 'cancelled' WHERE id = ?", (id,)))


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "*")
        farm = Farm(tmp_path_factory.mktemp("farm"))
        yield farm
        farm.kill()


@pytest.fixture(scope="module")
def client(farm: Farm) -> Client:
    return Client.sign_in(farm.url, "anna", PASSWORD)


@contextlib.contextmanager
def cutting(port: int, cuts: int) -> Iterator[str]:
    """The address of a server that hands requests to a port, and keeps the first answers to itself."""
    left = [cuts]

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((HOST, port)) as inner:
                there = threading.Thread(target=self.hand_over, args=(inner,))
                there.start()
                answer = b""
                while found := inner.recv(65536):
                    answer += found
                left[0] -= 1
                if left[0] < 0:
                    self.request.sendall(answer)
                self.request.shutdown(socket.SHUT_RDWR)
                there.join()

        def hand_over(self, inner: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while found := self.request.recv(65536):
                    inner.sendall(found)

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_submission_whose_answer_was_lost_makes_one_job(farm: Farm, client: Client) -> None:
    with cutting(farm.port, cuts=2) as url:
        job = Client(url, client.token).submit("Cut", "film.mov", profiles="archive", set={"crf": "20"})
    found = [*client.jobs(title="cut")]
    assert found == [job] and (job.submitter, job.state, job.submission.profiles) == ("anna", "queued", ["archive"])
    assert [change.what for change in client.changes(job.id)] == ["job.submitted"]
    # With another submission, the key is refused.
    assert client.submit("Key", "film.mov", key="k").id == client.submit("Key", "film.mov", key="k").id
    with pytest.raises(Conflict, match="key"):
        client.submit("Other", "film.mov", key="k")
    # The server of the other tests answers with the same fields.
    kinds = new_job(job.id, job.submission.to_dict())
    assert job.to_dict().keys() == kinds.keys() and job.submission.to_dict().keys() == kinds["submission"].keys()


def test_all_jobs_are_listed_page_by_page(client: Client) -> None:
    made = [client.submit(f"Page {number}", "film.mov").id for number in range(5)]
    found = [job.id for job in client.jobs(title="PAGE", page=2)]
    assert found == made[::-1]
    assert [*client.jobs(state="done", title="page")] == []
    with pytest.raises(trix.InvalidSpec, match="unknown variant `over`"):
        next(client.jobs(state="over"))  # type: ignore[arg-type]


def test_a_job_is_followed_over_a_killed_server(farm: Farm, client: Client) -> None:
    job = client.submit("Followed", "film.mov")
    states = client.follow(job.id, interval=0.05)
    assert next(states) == job
    farm.change(("UPDATE jobs SET state = 'running', units = 6, started_at = 5 WHERE id = ?", (job.id,)))
    assert next(states).units == 6
    farm.kill()
    with pytest.raises(Away, match=re.escape(farm.url)):
        Client(farm.url, client.token, patience=0).job(job.id)
    made = (job.id, OUTPUT["path"], OUTPUT["bytes"], OUTPUT["sha256"])
    with later(0.7, farm.start):
        farm.change(
            ("UPDATE jobs SET state = 'done', units_done = 6, ended_at = 9 WHERE id = ?", (job.id,)),
            ("INSERT INTO outputs (job, path, bytes, sha256) VALUES (?, ?, ?, ?)", made),
            ("INSERT INTO reports (job, document) VALUES (?, ?)", (job.id, json.dumps(REPORT))),
        )
        assert [(state.state, state.units_done, state.ended_at) for state in states] == [("done", 6, 9)]
    assert client.wait(job.id).submission == job.submission
    assert [output.to_dict() for output in client.outputs(job.id)] == [OUTPUT]
    assert client.report(job.id).to_dict() == REPORT


def test_the_end_of_a_job_without_copies_is_raised(farm: Farm, client: Client) -> None:
    job = client.submit("Failed", "film.mov")
    why = detail("malformed_input", "decode: film.mov: damaged", file="film.mov")
    farm.change(("UPDATE jobs SET state = 'failed', error = ? WHERE id = ?", (json.dumps(why), job.id)))
    with pytest.raises(trix.MalformedInput, match="damaged") as raised:
        client.wait(job.id)
    assert raised.value.path == "film.mov"
    with pytest.raises(Missing, match="report"):
        client.report(job.id)
    again = client.retry(job.id)
    assert (again.state, again.run, again.error) == ("queued", 2, None)
    farm.end(job.id)
    with pytest.raises(trix.Cancelled, match=job.id):
        client.wait(job.id)


def test_jobs_are_paused_hurried_and_cancelled(farm: Farm, client: Client) -> None:
    job = client.submit("Changed", "film.mov")
    assert client.pause(job.id).is_paused and not client.resume(job.id).is_paused
    assert client.set_priority(job.id, 1).priority == 1
    with pytest.raises(trix.InvalidSpec, match="1 to 5"):
        client.set_priority(job.id, 9)
    with pytest.raises(Conflict, match="has not failed"):
        client.retry(job.id)
    assert client.cancel(job.id).is_cancelling
    named = [change.what for change in reversed(client.changes(job.id))]
    assert named == ["job.submitted", "job.paused", "job.resumed", "job.priority", "job.cancelling"]
    farm.change(
        (
            "INSERT INTO attempts (id, job, run, step, worker, began_at, outcome) VALUES (?, ?, 1, 'chunk 2', 'w1', 7, 'done')",
            ("a", job.id),
        )
    )
    assert [(own.step, own.worker, own.outcome, own.ended_at) for own in client.attempts(job.id)] == [
        ("chunk 2", "w1", "done", None)
    ]
    farm.end(job.id)
    with pytest.raises(Conflict, match="over"):
        client.cancel(job.id)


def test_what_is_refused_says_why(farm: Farm, client: Client) -> None:
    refused: list[tuple[type[trix.Error], str, dict[str, Any]]] = [
        (Missing, "none.mov", {"source": "none.mov"}),
        (trix.InvalidSpec, "below the mount", {"source": "../catalogue.db"}),
        (trix.InvalidSpec, "cannot name a folder", {"title": "a/b"}),
        (trix.InvalidSpec, "at least one", {"profiles": []}),
        (trix.InvalidSpec, "set.crf: invalid type", {"set": {"crf": 20}}),
    ]
    for error, text, given in refused:
        with pytest.raises(error, match=text) as raised:
            client.submit(**{"title": "Refused", "source": "film.mov", **given})
        assert type(raised.value) is error
    calls = (client.job, client.cancel, client.report, client.wait, client.outputs, client.attempts, client.changes)
    for call in calls:
        with pytest.raises(Missing):
            call("none")
    # A mount that is away may come back.
    mark = farm.folder / "output/.trix-mount"
    mark.unlink()
    with pytest.raises(Away, match="mount output"):
        Client(farm.url, client.token, patience=0).submit("Later", "film.mov")
    with later(0.5, mark.touch):
        assert client.submit("Later", "film.mov").state == "queued"


def test_a_dry_run_tells_what_would_be_made(farm: Farm, client: Client) -> None:
    command = "ffmpeg -loglevel error -nostdin -f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -c:v libx264 -preset ultrafast"
    subprocess.run([*command.split(), str(farm.folder / "source" / "dry.mov")], check=True)
    plan = client.plan("Dry", "dry.mov", profiles="preview", set={"preview_preset": "ultrafast"})
    assert {"Dry.preview.mp4", "Dry.preview", "Dry.poster.jpg"} <= {output.path for output in plan.outputs}
    assert plan.bytes > 0 and plan.seconds is not None and plan.takes is not None
    assert [*client.jobs(title="Dry")] == []
    with pytest.raises(trix.InvalidSpec, match="neither a variable"):
        client.plan("Dry", "dry.mov", set={"colour": "red"})
    with pytest.raises(Missing):
        client.plan("Dry", "none.mov")


def test_users_sign_in_and_out(farm: Farm, client: Client) -> None:
    own = Client.sign_in(farm.url, "anna", PASSWORD)
    assert own.token != client.token and own.me().to_dict() == {"name": "anna", "role": "operator", "is_external": False}
    other = Client(farm.url, own.token)
    own.sign_out()
    for signed_out in (own, other, Client(farm.url, "none")):
        with pytest.raises(NotSignedIn, match="sign in first"):
            signed_out.me()
    with pytest.raises(NotSignedIn):
        Client.sign_in(farm.url, "anna", "another password")
    # The token of a viewer changes nothing.
    viewer = Client.sign_in(farm.url, "vera", PASSWORD)
    assert viewer.me().role == "viewer"
    with pytest.raises(Forbidden, match="operator"):
        viewer.submit("Film", "film.mov")
    with contextlib.closing(sqlite3.connect(farm.folder / "catalogue.db")) as catalogue:
        assert catalogue.execute("SELECT owner, label FROM tokens").fetchall() == [
            ("anna", "trix.service"),
            ("vera", "trix.service"),
        ]
