"""Compares the search for scenes with av-scenechange, on films whose scenes are known. `make bench-scenes` runs it.

Trix looks for one scene near each place at which a chunk is to end, and decodes as little as it can; `trix plan` does that. The program
av-scenechange gets every frame of `ffmpeg`, and finds all scenes. The film of `chunks.py` comes in the codings of masters. Both are
bound to one core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from itertools import accumulate
from pathlib import Path
from typing import Any

import page
from chunks import FOLDER, LENGTHS, ROOT, TRIX, ffmpeg, film, median, run

AV_SCENECHANGE = ROOT / "target" / "bench" / "av-scenechange" / "bin" / "av-scenechange"
CORE = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))]
# `None`: the film as it is, H.264 with keyframes at most 50 frames apart.
CODINGS = {
    "H.264, 16 Mbit/s": None,
    "ProRes 422": ["-c:v", "prores_ks", "-profile:v", 2, "-pix_fmt", "yuv422p10le", "scenes.mov"],
    "MPEG-2 4:2:2, 50 Mbit/s, groups of 12": [
        *["-c:v", "mpeg2video", "-pix_fmt", "yuv422p", "-g", 12, "-bf", 2, "-sc_threshold", "1G"],
        *["-b:v", "50M", "-minrate", "50M", "-maxrate", "50M", "-bufsize", "17825792", "scenes.mxf"],
    ],
    "H.265, keyframes where scenes begin": ["-c:v", "libx265", "-preset", "veryfast", "-x265-params", "log-level=none", "scenes.mp4"],
}
TOOLS = ["Trix", "av-scenechange, fast", "av-scenechange, best"]


def coded(master: Path, coding: list[Any] | None) -> Path:
    if coding is None:
        return master
    path = FOLDER / str(coding[-1])
    if not path.exists():
        partial = path.with_stem("part")
        ffmpeg("-v", "error", "-i", master, "-map", "0:v", *coding[:-1], partial)
        partial.rename(path)
    return path


def trix(source: Path) -> tuple[dict[str, float], list[int]]:
    job, plan = FOLDER / "scenes.toml", FOLDER / "scenes.json"
    lines = ["[source]", f'path = "{source}"', "[[outputs]]", 'path = "out.mkv"', 'audio = "none"', 'video.type = "x265"']
    job.write_text("\n".join([*lines, ""]))
    time = run([*CORE, "sh", "-c", f"'{TRIX}' plan '{job}' --chunks on --json > '{plan}'"])
    return time, [own["start"] for own in json.loads(plan.read_text())["chunks"]["ranges"]]


def av_scenechange(source: Path, speed: int) -> tuple[dict[str, float], list[int]]:
    said = FOLDER / "scenes-found.json"
    decode = f"ffmpeg -v error -nostdin -threads 1 -i '{source}' -map 0:v -strict -1 -f yuv4mpegpipe -"
    time = run([*CORE, "sh", "-c", f"{decode} | '{AV_SCENECHANGE}' --speed {speed} - > '{said}'"])
    return time, json.loads(said.read_text())["scene_changes"]


def measure(runs: int) -> dict[str, Any]:
    master = film(quick=False)
    begins = set(accumulate(LENGTHS[:-1]))
    cases = []
    for name, coding in CODINGS.items():
        source = coded(master, coding)
        found: dict[str, list[Any]] = {tool: [] for tool in TOOLS}
        decode = []
        for _ in range(runs):
            found[TOOLS[0]].append(trix(source))
            found[TOOLS[1]].append(av_scenechange(source, 1))
            found[TOOLS[2]].append(av_scenechange(source, 0))
            whole = f"ffmpeg -v error -nostdin -threads 1 -i '{source}' -map 0:v -f null -"
            decode.append(run([*CORE, "sh", "-c", whole])["cpu"])
        tools = {}
        for tool, own in found.items():
            places = [place for place in own[0][1] if place > 0]
            tools[tool] = {
                "cpu": [time["cpu"] for time, _ in own],
                "places": places,
                "scenes": sum(place in begins for place in places),
                "other": sum(place not in begins for place in places),
            }
        cases.append({"source": name, "decode_cpu": decode, "tools": tools})
        print(f"{name}: {json.dumps(cases[-1])}", file=sys.stderr)
    return {"frames": sum(LENGTHS), "runs": runs, "begins": sorted(begins), "cases": cases}


def report(found: dict[str, Any]) -> str:
    lines = [
        f"Film of {found['frames']} frames at 1080p with {len(found['begins'])} scenes after the first, one core. CPU seconds, median of"
        f" {found['runs']} runs.",
        "",
        "| source | decoding alone | tool | CPU s | begins of scenes found | other places |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in found["cases"]:
        for tool, own in case["tools"].items():
            decode = f"{median(case['decode_cpu']):.1f}"
            lines.append(f"| {case['source']} | {decode} | {tool} | {median(own['cpu']):.1f} | {own['scenes']} | {own['other']} |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds of every search")
    parser.add_argument("--out", type=Path, help="write FILE.md and FILE.json, and docs/benchmarks.md")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = measure(arguments.runs)
    print(report(found))
    if arguments.out is not None:
        arguments.out.with_suffix(".md").write_text(report(found))
        arguments.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        page.write("scenes", report(found), arguments.out.with_suffix(".json"))


if __name__ == "__main__":
    main()
