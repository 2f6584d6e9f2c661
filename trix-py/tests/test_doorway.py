"""The way into the engine: signals, threads, processes."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trix
from conftest import interrupted, listing, script


# What takes seconds, of a film, of audio, and for a folder.
LONG: dict[str, Callable[[Path, Path, Path], object]] = {
    "probe": lambda film, sound, folder: trix.probe(film, count=True),
    "frames": lambda film, sound, folder: [frame.number for frame in trix.open(film).frames(size=(1920, 1080))],
    "batch": lambda film, sound, folder: trix.open(film).batch([999, 0] * 20, format="gray"),
    "audio": lambda film, sound, folder: trix.open(sound).audio(rate=192_000, layout="mono").read(),
    "verify": lambda film, sound, folder: trix.verify(film),
    "compare": lambda film, sound, folder: trix.compare(film, film),
    "plan": lambda film, sound, folder: trix.plan(loud(sound, folder)),
    "ingest": lambda film, sound, folder: trix.ingest(film, folder, profile="archive"),
    "frames at": lambda film, sound, folder: list(trix.open(film).frames_at([999 / 25, 0] * 20)),
    "events": lambda film, sound, folder: [event.type for event in trix.start(slow(film, folder))],
    "result": lambda film, sound, folder: trix.start(slow(film, folder)).result(),
    "a block": lambda film, sound, folder: in_a_block(trix.start(slow(film, folder))),
}


def slow(path: Path, folder: Path) -> dict[str, Any]:
    """A job that takes long."""
    output = {"path": str(folder / "slow.mkv"), "video": {"type": "x265", "preset": "slow"}, "audio": "none"}
    return {"source": {"path": str(path)}, "outputs": [output]}


def in_a_block(running: trix.Run) -> None:
    with running:
        time.sleep(60)


def loud(path: Path, folder: Path) -> dict[str, Any]:
    """A job whose plan needs the loudness of the source."""
    output = {"path": str(folder / "loud.mkv"), "video": "none", "audio": "flac", "audio_shape": {"loudness": {}}}
    return {"source": {"path": str(path)}, "outputs": [output]}


@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_every_long_call(name: str, long_clip: Path, long_sound: Path, tmp_path: Path) -> None:
    assert interrupted(lambda: LONG[name](long_clip, long_sound, tmp_path)) < 0.5
    assert listing(tmp_path) == []


def test_ctrl_c_ends_the_search_for_a_frame(long_clip: Path) -> None:
    with trix.open(long_clip) as source:
        assert interrupted(lambda: source[999], after=0.2) < 0.5
        # The source goes on.
        assert source[0].number == 0


def test_the_gil_is_free_while_the_engine_works(long_clip: Path) -> None:
    turns, done = 0, threading.Event()

    def work() -> None:
        trix.probe(long_clip, count=True)
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    began = time.monotonic()
    while not done.is_set():
        turns += 1
        time.sleep(0.001)
    worker.join()
    # A thread that held the GIL would leave no turn in between.
    assert turns > 100 * (time.monotonic() - began)


def test_readers_that_are_dropped_end(clip: Path) -> None:
    def running() -> int:
        return len(os.listdir("/proc/self/task"))

    with trix.open(clip) as source:
        before = running()
        for _ in range(20):
            next(source.frames())
        gc.collect()
        deadline = time.monotonic() + 5
        while running() > before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert running() <= before


def test_a_forked_process_is_refused_once_the_engine_ran(long_clip: Path, tmp_path: Path) -> None:
    # The process has a reader, a job and an encoder that are at work. The one that is forked gets an error from each, and
    # neither it nor the first one waits for what is not there.
    found = script(
        """
        import os, sys, time, numpy as np, trix

        path, folder = sys.argv[1:]
        source = trix.open(path)
        frames, frame = source.frames(), source[0]
        next(frames)
        job = trix.start({"source": {"path": path}, "outputs": [{"path": folder + "/job.mkv", "video": "x265"}]})
        next(job)
        encoder = trix.Encoder(folder + "/given.mkv", video=trix.Ffv1(), fps=25)
        encoder.write(frame)
        child = os.fork()
        if child == 0:
            calls = [
                lambda: trix.probe(path),
                lambda: next(frames),
                lambda: source[1],
                lambda: frame.to_rgb(),
                lambda: encoder.write(frame),
                lambda: encoder.abort(),
                lambda: next(job),
                lambda: job.result(),
                lambda: trix.start({}),
            ]
            for call in calls:
                try:
                    call()
                    print("not refused")
                except trix.Unsupported as error:
                    assert "spawn" in str(error), error
            # Memory that is there stays readable.
            print("refused", frame.planes[0].shape)
            frames.close()
            source.close()
            began = time.monotonic()
            del frames, source, job, encoder
            sys.exit(0 if time.monotonic() - began < 1 else 3)
        began = time.monotonic()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), time.monotonic() - began < 5)
        print(next(frames).number)
        job.cancel()
        encoder.abort()
        """,
        long_clip,
        tmp_path,
    )
    assert found.stdout.split("\n")[:3] == ["refused (720, 1280)", "0 True", "1"], found.stdout + found.stderr
    assert (found.returncode, found.stderr) == (0, "")
    assert listing(tmp_path) == []


def test_a_process_may_fork_before_the_engine_runs(clip: Path) -> None:
    found = script(
        """
        import os, sys, trix
        child = os.fork()
        if child == 0:
            os._exit(0 if trix.open(sys.argv[1])[3].number == 3 else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        clip,
    )
    assert (found.stdout.strip(), found.returncode) == ("0", 0), found.stderr


def test_spawned_processes_work(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "spawning.py"
    path.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys, trix

            def size(path):
                with trix.open(path) as source:
                    return len(source)

            if __name__ == "__main__":
                trix.probe(sys.argv[1])
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    print(pool.map(size, [sys.argv[1]] * 3))
            """
        )
    )
    found = subprocess.run([sys.executable, path, clip], capture_output=True, text=True, timeout=120, check=False)
    assert found.stdout.strip() == "[50, 50, 50]", found.stderr


def test_a_program_may_end_while_frames_are_read(long_clip: Path) -> None:
    found = script(
        """
        import sys, trix
        frames = trix.open(sys.argv[1]).frames()
        print(next(frames).number)
        """,
        long_clip,
    )
    assert (found.stdout.strip(), found.stderr, found.returncode) == ("0", "", 0)
