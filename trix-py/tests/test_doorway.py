"""The way into the engine: signals, threads, processes."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import trix
from conftest import interrupted, script


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
