"""Many threads at once, and many files after one another."""

from __future__ import annotations

import faulthandler
import gc
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import trix
from conftest import listing, planes


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


def test_two_hundred_encodes_keep_no_memory_and_no_thread(clip: Path, tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def turn(count: int) -> None:
        for _ in range(count):
            video = trix.X264(preset="ultrafast")
            trix.encode(clip, tmp_path / "copy.mkv", video=video, audio="none", frames=3, overwrite=True)

    turn(20)
    files, threads, memory = len(listing(Path("/proc/self/fd"))), len(listing(Path("/proc/self/task"))), resident()
    turn(200)
    assert len(listing(Path("/proc/self/fd"))) <= files
    assert len(listing(Path("/proc/self/task"))) <= threads
    assert resident() - memory < 48 << 20


def test_threads_decode_and_encode_at_once(clip: Path, tmp_path: Path) -> None:
    wanted = planes(clip, "yuv420p")

    def work(number: int) -> bool:
        path = tmp_path / f"{number}.mkv"
        if number % 3 == 0:
            trix.encode(clip, path, video=trix.Ffv1(), audio="none")
        else:
            with trix.open(clip) as source, trix.Encoder(path, video=trix.Ffv1(), fps=25) as encoder:
                for frame in source:
                    encoder.write(frame if number % 3 == 1 else tuple(frame.planes))
        return planes(path, "yuv420p") == wanted

    faulthandler.enable()
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(12)))
