"""Measures one package in one case, in a process of its own: measure.py TOOL FUNCTION, with the rest as JSON from standard input.

It prints JSON: seconds of wall and CPU time, the memory at most, the number of frames, and with `hash` the hash of each.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import resource
import subprocess
import sys
import time

import numpy as np


def cpu_seconds() -> float:
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def peak_bytes() -> int:
    """The memory of this process at most, and that of its largest child at most."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1024 * sum(usage.ru_maxrss for usage in both)


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def given_frames(path: str, count: int, pixel_format: str, size: tuple[int, int]) -> list:
    """The first frames of a clip in memory, as the ffmpeg program gives them."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-frames:v", str(count), "-f", "rawvideo"]
    data = subprocess.run([*command, "-pix_fmt", pixel_format, "-"], check=True, capture_output=True).stdout
    width, height = size
    if pixel_format == "rgb24":
        return list(np.frombuffer(data, np.uint8).reshape(count, height, width, 3))
    frames = np.frombuffer(data, np.uint16).reshape(count, -1)
    luma, chroma = width * height, width * height // 4
    half = height // 2, width // 2
    return [
        [frame[:luma].reshape(height, width), frame[luma : luma + chroma].reshape(half), frame[luma + chroma :].reshape(half)]
        for frame in frames
    ]


def digest(frame) -> str:
    hashed = hashlib.blake2b(digest_size=8)
    for plane in frame if isinstance(frame, list) else [frame]:
        hashed.update(np.ascontiguousarray(plane))
    return hashed.hexdigest()


def touched(frame) -> None:
    """Reads the last sample of a frame, so that the frame has to be there."""
    int((frame[-1] if isinstance(frame, list) else frame).flat[-1])


def main() -> None:
    tool, function = sys.argv[1:3]
    wanted = json.load(sys.stdin)
    if function == "import":
        begin, cpu = time.perf_counter(), cpu_seconds()
        importlib.import_module(wanted["package"])
        print(json.dumps({"seconds": time.perf_counter() - begin, "cpu": cpu_seconds() - cpu, "peak": peak_bytes()}))
        return
    module = importlib.import_module(f"tools.{tool}")
    work, path = getattr(module, function), wanted["path"]
    found: dict = {"count": 0}
    if function == "once":
        for _ in range(20):
            work(path)
        before = resident_bytes()
        begin, cpu = time.perf_counter(), cpu_seconds()
        for _ in range(wanted["times"]):
            work(path)
        found.update(count=wanted["times"], growth=resident_bytes() - before)
    elif function.startswith("encode"):
        frames = given_frames(path, wanted["count"], wanted["format"], wanted["size"])
        begin, cpu = time.perf_counter(), cpu_seconds()
        work(wanted["out"], frames, wanted["rate"])
        found["count"] = len(frames)
    else:
        hashes = []
        begin, cpu = time.perf_counter(), cpu_seconds()
        for frame in work(path, *wanted["arguments"]):
            found["count"] += 1
            touched(frame)
            if wanted["hash"]:
                hashes.append(digest(frame))
        if wanted["hash"]:
            found["hashes"] = hashes
    found.update(seconds=time.perf_counter() - begin, cpu=cpu_seconds() - cpu, peak=peak_bytes())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
