"""Encodes with the wheel on a system that has nothing else: every depth of every encoder without loss, then the command `trix`."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import trix

WIDTH, HEIGHT, FRAMES = 128, 96, 12
SHAPES = [(HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2), (HEIGHT // 2, WIDTH // 2)]


def pictures(depth):
    """Planes of 4:2:0 that use all bits."""
    random = np.random.default_rng(depth)
    kind = np.uint8 if depth == 8 else np.uint16
    return [[random.integers(0, 1 << depth, shape, kind) for shape in SHAPES] for _ in range(FRAMES)]


def encode(path, video, depth):
    given = pictures(depth)
    with trix.Encoder(path, video=video, fps=24) as encoder:
        for planes in given:
            encoder.write(planes, format="yuv420p" if depth == 8 else f"yuv420p{depth}le")
    ledger = encoder.report.outputs[0].ledger
    assert ledger.emitted == ledger.found == FRAMES, ledger
    with trix.open(path) as source:
        for frame, planes in zip(source, given, strict=True):
            assert all(np.array_equal(one, other) for one, other in zip(frame.planes, planes, strict=True)), path
    print(f"bare: {path}: {FRAMES} frames came back as they went in")


def command(*arguments):
    # Its first line names the Python of the machine that installed it.
    return subprocess.run([sys.executable, shutil.which("trix"), *arguments], capture_output=True, text=True)


def main():
    doctor = trix.doctor()
    assert doctor.ok, doctor
    for depth in doctor.x264_depths:
        encode(f"x264-{depth}.mkv", trix.X264(lossless=True), depth)
    for depth in doctor.x265_depths:
        encode(f"x265-{depth}.mkv", trix.X265(lossless=True), depth)
    assert (doctor.x264_depths, doctor.x265_depths) == ([8, 10], [8, 10, 12]), doctor
    encode("ffv1.mkv", trix.Ffv1(), 10)

    done = command("encode", "ffv1.mkv", "-o", "copy.mp4", "--video", "x265", "--depth", "10", "--verify", "full")
    assert done.returncode == 0 and Path("copy.mp4").exists(), done
    done = command("verify", "copy.mp4")
    assert done.returncode == 0, done
    # Wrong usage.
    assert command("encode").returncode == 2
    print("bare: the command works")


if __name__ == "__main__":
    main()
