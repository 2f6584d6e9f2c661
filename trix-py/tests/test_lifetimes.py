"""What happens to files and jobs when the objects of Python are closed or dropped."""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trix
from conftest import listing, script


def openings(path: Path) -> int:
    """How often this process has a file open."""
    count = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{number}") == str(path)
        except FileNotFoundError:
            continue
    return count


READERS: dict[str, Callable[[trix.Source], Any]] = {
    "frame": lambda source: source[30],
    "slice": lambda source: next(source[::-1]),
    "frames": lambda source: next(source.frames()),
    "frames_at": lambda source: next(iter(source.frames_at([0.5]))),
    "batch": lambda source: source.batch([3], size=(96, 54)),
    "audio": lambda source: source.audio().read(),
    "times": lambda source: source.times(),
    "length": len,
    "info": lambda source: source.info,
}


@pytest.mark.parametrize("which", READERS)
def test_a_closed_source_is_refused_as_a_closed_file_is(which: str, clip: Path) -> None:
    source = trix.open(clip)
    READERS[which](source)
    fresh = trix.open(clip)
    source.close()
    fresh.close()
    with pytest.raises(ValueError, match="closed"):
        READERS[which](fresh)


def test_a_reader_ends_with_its_source(clip: Path) -> None:
    source = trix.open(clip)
    frames, blocks, at = source.frames(), source.audio(), source.frames_at([0, 1])
    first, block = next(frames), next(blocks)
    assert next(iter(at)) is not None
    source.close()
    for reader in (frames, blocks):
        with pytest.raises(ValueError, match="closed"):
            next(reader)  # type: ignore[call-overload]
    # What was returned stays.
    assert first.planes[0].shape == (108, 192) and len(block.array) == len(block)


def test_a_closed_source_keeps_no_file_open(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    shutil.copy(clip, path)
    source = trix.open(path)
    frames = [source[number] for number in (3, 40, 12)]
    assert len(source.batch([1, 30], size=(96, 54))) == 2
    assert openings(path) >= 1
    source.close()
    # A reader closes its own when it has ended.
    until = time.monotonic() + 2
    while openings(path) and time.monotonic() < until:
        time.sleep(0.01)
    assert openings(path) == 0 and frames[1].number == 40


def test_an_encoder_that_is_dropped_leaves_nothing_and_warns(tmp_path: Path) -> None:
    encoder = trix.Encoder(tmp_path / "a.mkv", video=trix.X264(preset="ultrafast"))
    encoder.write(np.zeros((64, 96, 3), np.uint8))
    assert listing(tmp_path) != []
    with pytest.warns(ResourceWarning, match=r"a\.mkv"):
        del encoder
        gc.collect()
    assert listing(tmp_path) == []


@pytest.mark.parametrize("ending", ["", "del encoder", "raise SystemExit"])
def test_a_program_that_ends_leaves_no_part_of_an_encoder(ending: str, tmp_path: Path) -> None:
    done = script(
        f"""
        import sys, warnings
        import numpy as np
        import trix
        warnings.simplefilter("ignore", ResourceWarning)
        encoder = trix.Encoder(sys.argv[1] + "/a.mkv", video=trix.X264(preset="ultrafast"))
        encoder.write(np.zeros((64, 96, 3), np.uint8))
        {ending}
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("ending", ["", "del running", "raise SystemExit"])
def test_a_program_that_ends_leaves_no_part_of_a_job(ending: str, long_clip: Path, tmp_path: Path) -> None:
    done = script(
        f"""
        import sys, time
        import trix
        video = {{"type": "x265", "preset": "slow"}}
        running = trix.start({{"source": {{"path": sys.argv[1]}}, "outputs": [{{"path": sys.argv[2] + "/a.mkv", "video": video}}]}})
        time.sleep(1)
        {ending}
        """,
        long_clip,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert listing(tmp_path) == []


def test_an_encoder_that_was_forked_is_left_to_its_own_process(tmp_path: Path) -> None:
    done = script(
        """
        import os, sys, warnings
        import numpy as np
        import trix
        warnings.simplefilter("ignore", DeprecationWarning)
        encoder = trix.Encoder(sys.argv[1] + "/a.mkv", video=trix.X264(preset="ultrafast"))
        encoder.write(np.zeros((64, 96, 3), np.uint8))
        child = os.fork()
        if child == 0:
            del encoder
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        encoder.write(np.zeros((64, 96, 3), np.uint8))
        print(encoder.close().outputs[0].ledger.emitted)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
