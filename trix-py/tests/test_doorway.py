"""The way into the engine: signals, threads, processes, memory."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import trix
from conftest import ffmpeg


@pytest.fixture(scope="session")
def long_clip(clips: Path) -> Path:
    """A minute of 720p whose decoding takes seconds."""
    path = clips / "long.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=50:duration=20", "-pix_fmt", "yuv420p"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "1000", path),
    )
    return path


def interrupted(work: Callable[[], object], after: float = 0.4) -> float:
    """Sends SIGINT to this process while `work` runs, and returns the seconds from the signal to KeyboardInterrupt."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, send)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        timer.join()
    return time.monotonic() - sent[0]


def test_ctrl_c_ends_a_long_call(long_clip: Path) -> None:
    assert interrupted(lambda: trix.probe(long_clip, count=True)) < 0.5


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


def test_threads_read_one_source_at_once(clip: Path) -> None:
    with trix.open(clip) as source:
        wanted = [frame.planes[0].copy() for frame in source]

        def read(seed: int) -> bool:
            numbers = np.random.default_rng(seed).permutation(50)[:10]
            return all(np.array_equal(source[int(number)].planes[0], wanted[number]) for number in numbers)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(read, range(16)))


def test_one_frame_is_converted_by_threads_at_once(clip: Path) -> None:
    with trix.open(clip) as source:
        frame = source[5]
    wanted = frame.to_rgb()
    with ThreadPoolExecutor(8) as pool:
        assert all(np.array_equal(found, wanted) for found in pool.map(lambda _: frame.to_rgb(), range(64)))


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


def test_a_thousand_opens_keep_no_memory_and_no_file(clip: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def turn(count: int) -> None:
        for _ in range(count):
            with trix.open(clip) as source:
                assert source[0].planes[0].shape == (108, 192)

    turn(100)
    files, memory = len(os.listdir("/proc/self/fd")), resident()
    turn(1000)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= files
    assert resident() - memory < 24 << 20


def script(text: str, *arguments: os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_forked_process_is_refused_once_the_engine_ran(clip: Path) -> None:
    found = script(
        """
        import os, sys, trix
        source = trix.open(sys.argv[1])
        source[0]
        child = os.fork()
        if child == 0:
            try:
                trix.probe(sys.argv[1])
                os._exit(1)
            except trix.Unsupported as error:
                os._exit(0 if "spawn" in str(error) else 2)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        clip,
    )
    assert (found.stdout.strip(), found.returncode) == ("0", 0), found.stderr


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
