"""Films in chunks: the three steps, and the examples that spread them over processes, one of which is killed."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trix
from conftest import ffmpeg, planes

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 40 seconds, with a scene change at frame 260."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    scenes = "negate=enable='gte(n,260)'"
    options = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=40", "-vf", scenes, "-c:v", "libx264", "-qp", "12", path]
    ffmpeg(*options)
    return path


def planned(film: Path, target: Path) -> trix.Plan:
    video = trix.X264(crf=30, preset="medium")
    return trix.plan_chunks(trix.Job(source=trix.jobs.SourceSettings(path=str(film)), outputs=[
        trix.jobs.OutputSettings(path=str(target), video=video)
    ]))


def test_the_three_steps_give_the_bytes_of_one_run(film: Path, tmp_path: Path) -> None:
    plan = planned(film, tmp_path / "steps.mkv")
    assert plan.chunks is not None
    ranges = [(own.start, own.end) for own in plan.chunks.ranges]
    assert ranges[0][0] == 0 and ranges[-1][1] == 1000 and (0, 260) in ranges
    sent = pickle.loads(pickle.dumps(plan))
    store = tmp_path / "store"
    for number in reversed(range(len(ranges))):
        chunk = trix.encode_chunk(sent, number, store)
        assert (chunk.start, chunk.end, chunk.is_new) == (*ranges[number], True)
        assert not trix.encode_chunk(sent, number, store).is_new
    report = trix.stitch(plan, store)
    assert report.outputs[0].ledger is not None and report.outputs[0].ledger.found == 1000
    whole = tmp_path / "whole.mkv"
    video = trix.X264(crf=30, preset="medium")
    trix.encode(film, whole, video=video, chunks="on")
    assert whole.read_bytes() == (tmp_path / "steps.mkv").read_bytes()
    assert len(planes(whole, "yuv420p")) == 1000 * 320 * 180 * 3 // 2


def test_what_cannot_be_done_says_why(film: Path, tmp_path: Path) -> None:
    plan = planned(film, tmp_path / "a.mkv")
    with pytest.raises(trix.MalformedInput, match=r"the chunk of frames 0\.\.260: it is missing"):
        trix.stitch(plan, tmp_path / "empty")
    with pytest.raises(trix.InvalidSpec, match="the plan has no chunk 99"):
        trix.encode_chunk(plan, 99, tmp_path / "store")
    with pytest.raises(ValueError, match="number"):
        trix.encode_chunk(plan, -1, tmp_path / "store")
    one_pass = {"type": "x264", "bitrate": 500}
    with pytest.raises(trix.Unsupported, match="has a bit rate in one pass"):
        trix.plan_chunks({"source": {"path": str(film)}, "outputs": [{"path": "b.mkv", "video": one_pass}]})
    assert not (tmp_path / "a.mkv").exists()


class Killed:
    """An example that runs, of which one worker is killed while it writes a chunk, when another one is in the store."""

    def __init__(self, process: subprocess.Popen[str], store: Path) -> None:
        self.process = process
        self.store = store

    def chunks(self) -> int:
        return len(list(self.store.glob("*.chunk")))

    def writes(self, worker: int) -> bool:
        """True if the process has a part of a chunk open."""
        try:
            files = [str(file.readlink()) for file in Path(f"/proc/{worker}/fd").iterdir()]
        except OSError:
            return False
        return any(file.startswith(f"{self.store.resolve()}/.") and file.endswith(".part") for file in files)

    def kill(self, workers: Callable[[], list[int]]) -> None:
        deadline = time.monotonic() + 60
        while not (self.chunks() and (busy := [worker for worker in workers() if self.writes(worker)])):
            assert time.monotonic() < deadline, "no worker writes a second chunk"
            time.sleep(0.002)
        os.kill(busy[0], signal.SIGKILL)

    def done(self) -> str:
        text, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, text
        return text


def children(process: int) -> list[int]:
    """The processes below `process`."""
    found = []
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, tasks.read_text().split()):
            found += [child, *children(child)]
    return found


def units(process: int) -> list[int]:
    """The processes below `process` that use Trix: its module is in their memory."""
    return [child for child in children(process) if "_trix" in Path(f"/proc/{child}/maps").read_text()]


def started(arguments: list[str], **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, *arguments]
    own = {**os.environ, **environment}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=own, cwd=EXAMPLES)


@pytest.fixture(scope="module")
def wanted(film: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the job of the examples makes in one process."""
    folder = tmp_path_factory.mktemp("wanted")
    video = {"type": "x265", "crf": 24}
    plan = trix.plan_chunks({"source": {"path": str(film)}, "outputs": [{"path": str(folder / "a.mkv"), "video": video}]})
    trix.run(plan)
    return (folder / "a.mkv").read_bytes()


@pytest.mark.parametrize("name", ["pool", "dask"])
def test_an_example_survives_a_worker_that_is_killed(name: str, film: Path, wanted: bytes, tmp_path: Path) -> None:
    if name == "dask":
        pytest.importorskip("distributed")
    target, store = tmp_path / "a.mkv", tmp_path / "store"
    process = started([f"chunks_{name}.py", str(film), str(target), str(store)])
    example = Killed(process, store)
    example.kill(lambda: units(process.pid))
    said = example.done()
    assert target.read_bytes() == wanted
    if name == "pool":
        assert "a worker died in attempt 1" in said and ": kept" in said


@pytest.fixture
def celery(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A Celery worker whose queue is a folder."""
    pytest.importorskip("celery")
    queue, results = tmp_path / "queue", tmp_path / "results"
    queue.mkdir()
    results.mkdir()
    environment = {
        "CELERY_BROKER": "filesystem://",
        "CELERY_FOLDER": str(queue),
        "CELERY_RESULTS": f"file://{results}",
    }
    options = ["--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    worker = started(["-m", "celery", "-A", "chunks_celery", "worker", *options], **environment)
    yield worker, environment
    worker.terminate()
    worker.communicate(timeout=30)


def test_the_example_with_celery_survives_a_worker_that_is_killed(
    celery: tuple[subprocess.Popen[str], dict[str, str]], film: Path, wanted: bytes, tmp_path: Path
) -> None:
    worker, environment = celery
    target, store = tmp_path / "a.mkv", tmp_path / "store"
    process = started(["chunks_celery.py", str(film), str(target), str(store)], **environment)
    example = Killed(process, store)
    example.kill(lambda: children(worker.pid))
    example.done()
    assert target.read_bytes() == wanted


def test_the_plan_of_a_short_film_has_one_chunk(clip: Path, tmp_path: Path) -> None:
    plan = planned(clip, tmp_path / "a.mkv")
    assert plan.chunks is not None and len(plan.chunks.ranges) == 1
    assert json.loads(json.dumps(plan.to_dict()))["chunks"]["ranges"] == [{"start": 0, "end": 50}]


def test_two_passes_are_measured_first(film: Path, tmp_path: Path) -> None:
    video = trix.X264(bitrate=150, passes=2, preset="ultrafast")
    output = trix.jobs.OutputSettings(path=str(tmp_path / "a.mkv"), video=video)
    plan = trix.plan_chunks(trix.Job(source=trix.jobs.SourceSettings(path=str(film)), outputs=[output]))
    assert plan.chunks is not None
    store, numbers = tmp_path / "store", range(len(plan.chunks.ranges))
    assert all(trix.measure_chunk(plan, number, store).is_new for number in numbers)
    assert not trix.measure_chunk(plan, 0, store).is_new
    for number in reversed(numbers):
        trix.encode_chunk(plan, number, store)
    report = trix.stitch(plan, store)
    assert report.outputs[0].ledger is not None and report.outputs[0].ledger.found == 1000
