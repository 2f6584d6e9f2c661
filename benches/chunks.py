"""Compares a film in chunks with the same film in one piece, and with the ffmpeg program. `make bench-chunks` runs it.

Wall time and CPU time come from whole encodes at 1080p, in rounds whose order rotates. The loss of quality is a BD-rate (Bjontegaard,
VCEG-M33) of four qualities of the same film at 360p, with the PSNR of ffmpeg. The plan, each unit, reading the store and joining are
timed on one core, to which the program is bound, while nothing else runs. A film of two hours is simulated from that: the plan, whose
stretches are searched side by side; the units, the longest first; then the joining, on one core. For the archive set of a 2160p
master, each copy of a short clip is timed, and the units of the film take as long a frame as that.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import page

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "target" / "bench" / "chunks"
TRIX = ROOT / "target" / "release" / "trix"
UNITS = ROOT / "target" / "release" / "units"
CASES = [("x264", "slow", 8, 21), ("x265", "medium", 10, 23), ("x265", "slow", 10, 23)]
TOOLS = ["ffmpeg", "in one piece", "in chunks"]
# The copies of the profile archive.
ARCHIVE = [("x264", "medium", 8, 16), ("x264", "medium", 10, 16), *(("x265", "medium", depth, 18) for depth in (8, 10, 12))]
ARCHIVE_NAME = "archive set of a 2160p master"
RATE = 25
# Seconds of a stretch of the film in which scenes are looked for independently (`planner/chunk_lengths.rs`).
STRETCH = 160

# Scenes of 25 frames a second, and their lengths in frames: between one and ten seconds, as in a feature film, and one of 24 seconds,
# within which a chunk has to end.
SOURCES = [
    "mandelbrot=s=960x540:r=25:start_scale=1.2:end_scale=0.02:end_pts=600:maxiter=200,scale=1920:1080",
    "gradients=s=480x270:r=25:n=4:c0=0x10243f:c1=0x4f86b8:c2=0xe0b070:c3=0x6b2d4a:speed=0.01:seed=4,scale=1920:1080",
    "testsrc2=s=1920x1080:r=25",
    "mandelbrot=s=960x540:r=25:start_x=-1.25066:start_y=0.02012:start_scale=0.3:end_scale=0.001:end_pts=500:maxiter=300,scale=1920:1080",
    "gradients=s=480x270:r=25:n=6:c0=#e0c080:c1=#203040:c2=#90a0b0:speed=0.03:seed=9,scale=1920:1080,rotate=0.05*t:c=gray",
]
LENGTHS = [45, 130, 80, 210, 60, 600, 95, 40, 250]


def ffmpeg(*arguments: object) -> str:
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stderr


def film(quick: bool) -> Path:
    """The film: scenes one after the other, with noise."""
    lengths = LENGTHS[:4] if quick else LENGTHS
    path = FOLDER / f"film-{sum(lengths)}.mp4"
    if path.exists():
        return path
    inputs, parts = [], []
    for number, length in enumerate(lengths):
        inputs += ["-f", "lavfi", "-i", SOURCES[number % len(SOURCES)]]
        begin = 17 * number % 100
        trim = f"trim=start_frame={begin}:end_frame={begin + length},setpts=PTS-STARTPTS"
        parts.append(f"[{number}:v]{trim},format=yuv420p,setsar=1[s{number}]")
    joined = "".join(f"[s{number}]" for number in range(len(lengths)))
    graph = ";".join(parts) + f";{joined}concat=n={len(lengths)}:v=1,noise=alls=2:allf=t:all_seed=7[frames]"
    partial = path.with_suffix(".part.mp4")
    options = ["-c:v", "libx264", "-preset", "fast", "-crf", 18, "-g", 50, "-bf", 2]
    ffmpeg("-v", "error", *inputs, "-filter_complex", graph, "-map", "[frames]", *options, partial)
    partial.rename(path)
    return path


def command(tool: str, source: Path, target: Path, case: tuple[str, str, int, int], height: int | None) -> list[str]:
    encoder, preset, depth, crf = case
    if tool == "ffmpeg":
        chain = [] if height is None else ["-vf", f"scale=-2:{height}"]
        pixels = "yuv420p10le" if depth == 10 else "yuv420p"
        quiet = ["-x265-params", "log-level=none"] if encoder == "x265" else []
        coding = ["-c:v", f"lib{encoder}", "-preset", preset, "-crf", str(crf), "-pix_fmt", pixels, *quiet]
        return ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(source), "-an", *chain, *coding, str(target)]
    own = [str(TRIX), "encode", str(source), "-o", str(target), "--video", encoder, "--preset", preset, "--overwrite"]
    own += ["--crf", str(crf), "--depth", str(depth), "--audio", "none", "--verify", "off", "--progress", "none"]
    own += [] if height is None else [f"--size=-2x{height}"]
    return [*own, "--chunks", "on" if tool == "in chunks" else "off"]


def run(arguments: list[str]) -> dict[str, float]:
    """Runs a command; wall and CPU time in seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def psnr(source: Path, target: Path, height: int, log: Path | None = None) -> float:
    """PSNR of luma. `log` receives that of each frame."""
    stats = "" if log is None else f"=stats_file={log}"
    graph = f"[0:v]scale=-2:{height},format=yuv420p[a];[1:v]format=yuv420p[b];[b][a]psnr{stats}"
    said = ffmpeg("-i", source, "-i", target, "-lavfi", graph, "-f", "null", "-")
    found = re.search(r"PSNR.* y:(\S+)", said)
    assert found is not None, said
    return float(found[1])


def seam(logs: dict[str, Path], starts: list[int]) -> float | None:
    """How much PSNR chunks lose in the four frames on both sides of each boundary, beside one piece; `None` without a boundary."""
    # Equal frames have an infinite PSNR.
    frames = {tool: [min(float(own), 100.0) for own in re.findall(r"psnr_y:(\S+)", log.read_text())] for tool, log in logs.items()}
    near = {at for start in starts for at in range(start - 4, start + 4) if 0 <= at < len(frames[TOOLS[1]])}
    lost = [frames[TOOLS[1]][at] - frames[TOOLS[2]][at] for at in near]
    return sum(lost) / len(lost) if lost else None


def bd_rate(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> float:
    """How many per cent more bits `other` takes for the quality of `one`: points of bytes and PSNR."""

    def fitted(points: list[tuple[float, float]]) -> list[float]:
        # A polynomial through four points, of the logarithm of the rate over the quality: Lagrange.
        coefficients = [0.0] * 4
        for rate, quality in points:
            basis, scale = [1.0], math.log(rate)
            for _, than in points:
                if than != quality:
                    basis = [low - than * high for low, high in zip([0.0, *basis], [*basis, 0.0], strict=True)]
                    scale /= quality - than
            coefficients = [sum(pair) for pair in zip(coefficients, (scale * own for own in basis), strict=True)]
        return coefficients

    def integral(coefficients: list[float], at: float) -> float:
        return sum(own * at ** (power + 1) / (power + 1) for power, own in enumerate(coefficients))

    low = max(min(quality for _, quality in points) for points in (one, other))
    high = min(max(quality for _, quality in points) for points in (one, other))
    # Around the middle of the qualities, so that powers of PSNR lose no digits.
    middle = (low + high) / 2
    areas = []
    for points in (one, other):
        fit = fitted([(rate, quality - middle) for rate, quality in points])
        areas.append((integral(fit, high - middle) - integral(fit, low - middle)) / (high - low))
    return 100 * (math.exp(areas[1] - areas[0]) - 1)


def makespan(seconds: list[float], cores: int) -> float:
    """The time in which `cores` do units of these lengths, the longest first."""
    ends = [0.0] * cores
    heapq.heapify(ends)
    for own in sorted(seconds, reverse=True):
        heapq.heappush(ends, heapq.heappop(ends) + own)
    return max(ends)


def simulated(copies: list[list[dict[str, float]]], plan: float, join: float, film_seconds: int) -> list[dict[str, float]]:
    """A film of `film_seconds`. The chunks of each copy are as long, and take as long, as its units, in turn. `plan` and `join` are
    the seconds that planning and joining take for a second of the film."""
    seconds: list[float] = []
    plan, join = plan * film_seconds, join * film_seconds
    for units in copies:
        turn = itertools.cycle(units)
        frames = 0
        while frames < film_seconds * RATE:
            own = next(turn)
            seconds.append(own["seconds"])
            frames += int(own["frames"])
    found = []
    for cores in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        span = plan / min(cores, film_seconds // STRETCH) + makespan(seconds, cores) + join
        found.append({"cores": cores, "seconds": span, "efficiency": (plan + sum(seconds) + join) / cores / span})
    return found


def plot(curves: dict[str, list[dict[str, float]]]) -> str:
    """Efficiency over cores, as SVG."""
    width, height, left, bottom = 640, 360, 60, 50
    across = [point["cores"] for point in next(iter(curves.values()))]
    x = {cores: left + (width - left - 20) * at / (len(across) - 1) for at, cores in enumerate(across)}

    def y(value: float) -> float:
        return 20 + (height - bottom - 20) * (1 - value)

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    lines.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for value in (0, 0.25, 0.5, 0.75, 0.85, 1):
        color = "#c33" if value == 0.85 else "#ddd"
        lines.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(value):.0f}" y2="{y(value):.0f}" stroke="{color}"/>')
        lines.append(f'<text x="{left - 8}" y="{y(value) + 4:.0f}" text-anchor="end">{value:g}</text>')
    for cores in across:
        lines.append(f'<text x="{x[cores]:.0f}" y="{height - bottom + 18}" text-anchor="middle">{cores:g}</text>')
    lines.append(f'<text x="{width / 2:.0f}" y="{height - 10}" text-anchor="middle">cores</text>')
    for number, (name, points) in enumerate(curves.items()):
        color = ("#1f5fa8", "#2a8a4a", "#a8661f", "#7a3fa8")[number % 4]
        path = " ".join(f"{x[point['cores']]:.1f},{y(point['efficiency']):.1f}" for point in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        lines.append(f'<text x="{left + 12}" y="{y(0.46) + 18 * number:.0f}" fill="{color}">{name}</text>')
    return "\n".join([*lines, "</svg>\n"])


def median(values: list[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def named(case: tuple[str, str, int, int]) -> str:
    return f"{case[0]} {case[1]} {case[2]} bits"


def units(source: Path, case: tuple[str, str, int, int]) -> dict[str, Any]:
    """How long the plan, each unit, and the joining take on one core."""
    subprocess.run(["rm", "-rf", FOLDER / "units"], check=True)
    (FOLDER / "units").mkdir()
    own = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), UNITS, source, FOLDER / "units", *map(str, case)]
    return json.loads(subprocess.run(own, capture_output=True, text=True, check=True).stdout)


def archive(source: Path, quick: bool) -> list[dict[str, Any]]:
    """How long a frame of each archive copy of a 2160p master takes on one core."""
    frames = 12 if quick else 50
    clip = FOLDER / f"clip-2160p-{frames}.mkv"
    if not clip.exists():
        # From the last frames of the first scene on.
        graph = f"trim=start_frame={LENGTHS[0] - frames // 3}:end_frame={LENGTHS[0] - frames // 3 + frames},setpts=PTS-STARTPTS"
        graph += ",scale=3840:2160,noise=alls=3:allf=t:all_seed=5,format=yuv422p10le"
        ffmpeg("-v", "error", "-i", source, "-vf", graph, "-c:v", "libx264", "-preset", "veryfast", "-crf", 14, "-g", 1, clip)
    found = []
    for case in ARCHIVE:
        done = units(clip, case)["units"]
        seconds = sum(unit["seconds"] for unit in done) / sum(unit["frames"] for unit in done)
        print(f"{ARCHIVE_NAME}, {named(case)}: {seconds:.2f} s a frame", file=sys.stderr)
        found.append({"case": named(case), "frames": frames, "seconds_per_frame": seconds})
    return found


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    source = film(arguments.quick)
    cases = [case for case in CASES if not arguments.only or named(case).startswith(tuple(arguments.only))]
    found: dict[str, Any] = {"cores": os.cpu_count(), "frames": int(source.stem.split("-")[1]), "rounds": arguments.runs, "cases": []}
    for case in cases:
        costs: dict[str, list[dict[str, float]]] = {tool: [] for tool in TOOLS}
        sizes = {}
        for number in range(arguments.runs):
            for turn in range(len(TOOLS)):
                tool = TOOLS[(turn + number) % len(TOOLS)]
                target = FOLDER / "film.mkv"
                cost = run(command(tool, source, target, case, None))
                costs[tool].append(cost)
                sizes[tool] = target.stat().st_size
                print(f"{named(case)}, {tool}: {cost['wall']:.1f} s, CPU {cost['cpu']:.1f} s", file=sys.stderr)
        points: dict[str, list[tuple[float, float]]] = {tool: [] for tool in TOOLS[1:]}
        logs = {tool: FOLDER / f"psnr-{tool.replace(' ', '-')}.log" for tool in TOOLS[1:]}
        for crf in (18, 23, 28, 33):
            for tool in TOOLS[1:]:
                target = FOLDER / "small.mkv"
                run(command(tool, source, target, (*case[:3], crf), 360))
                log = logs[tool] if crf == 23 else None
                points[tool].append((target.stat().st_size, psnr(source, target, 360, log)))
        loss = bd_rate(points[TOOLS[1]], points[TOOLS[2]])
        steps = units(source, case)
        # Cuts depend on the film and not on the size or the quality of its copies.
        starts = list(itertools.accumulate(int(unit["frames"]) for unit in steps["units"]))[:-1]
        # Where a scene begins, one piece has a keyframe, too.
        scenes = set(itertools.accumulate(LENGTHS))
        lost = seam(logs, [start for start in starts if start not in scenes])
        print(f"{named(case)}: BD-rate {loss:+.2f} %", file=sys.stderr)
        case_found = {"case": named(case), "crf": case[3], "costs": costs, "bytes": sizes, "points": points, "steps": steps}
        found["cases"].append({**case_found, "bd_rate": loss, "seam_db": lost})
    found["archive"] = archive(source, arguments.quick)
    return found


def report(found: dict[str, Any]) -> tuple[str, str]:
    lines = [
        f"Film of {found['frames']} frames at 1080p, {found['cores']} cores, {found['rounds']} round(s). Times are medians.",
        "",
        "| encode | tool | wall s | wall / one piece | wall / ffmpeg | CPU s | CPU / one piece | bytes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for own in found["cases"]:
        wall = {tool: median([cost["wall"] for cost in own["costs"][tool]]) for tool in TOOLS}
        cpu = {tool: median([cost["cpu"] for cost in own["costs"][tool]]) for tool in TOOLS}
        for tool in TOOLS:
            ratios = f"{wall[tool] / wall[TOOLS[1]]:.2f} | {wall[tool] / wall['ffmpeg']:.2f}"
            shares = f"{cpu[tool]:.1f} | {cpu[tool] / cpu[TOOLS[1]]:.2f} | {own['bytes'][tool]}"
            lines.append(f"| {own['case']} crf {own['crf']} | {tool} | {wall[tool]:.1f} | {ratios} | {shares} |")
    columns = ["encode", "chunks", "BD-rate of chunks", "PSNR lost beside boundaries inside scenes", "plan with scenes, of the units"]
    columns += ["store, of the units", "joining, of the units"]
    lines += ["", f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    curves = {}
    for own in found["cases"]:
        steps = own["steps"]
        whole = sum(unit["seconds"] for unit in steps["units"])
        # An entry of the store is hashed when it is written, when it is looked for, and when it is joined; the last is in the joining.
        plan, store, joined = steps["plan_seconds"] / whole, 2 * steps["store_seconds"] / whole, steps["stitch_seconds"] / whole
        lost = "-" if own["seam_db"] is None else f"{own['seam_db']:+.2f} dB"
        lines.append(f"| {own['case']} | {len(steps['units'])} | {own['bd_rate']:+.2f} % | {lost} | {100 * plan:.1f} % | {100 * store:.2f} % | {100 * joined:.1f} % |")
        film = found["frames"] / RATE
        per_second = (steps["plan_seconds"] / film, steps["stitch_seconds"] / film)
        curves[f"{own['case']}, 1080p"] = simulated([steps["units"]], *per_second, 7200)
    if found["cases"]:
        lengths = [unit["frames"] for unit in found["cases"][-1]["steps"]["units"]]
        copies = [
            [{"frames": frames, "seconds": frames * copy["seconds_per_frame"]} for frames in lengths] for copy in found["archive"]
        ]
        # Looking for scenes decodes four times as many samples as at 1080p. Five copies are joined, of four times as many bytes.
        curves[ARCHIVE_NAME] = simulated(copies, 4 * per_second[0], 20 * per_second[1], 7200)
        each = ", ".join(f"{copy['case']} {copy['seconds_per_frame']:.2f}" for copy in found["archive"])
        lines += ["", f"Seconds a frame of the {ARCHIVE_NAME}: {each}."]
    lines += ["", "A film of two hours, simulated from these units:", "", "| encode | 16 cores | 64 cores | 256 cores |", "| --- | --- | --- | --- |"]
    for name, points in curves.items():
        by = {point["cores"]: point for point in points}
        cells = " | ".join(f"{by[cores]['seconds'] / 60:.0f} min, efficiency {by[cores]['efficiency']:.2f}" for cores in (16, 64, 256))
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines) + "\n", plot(curves)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds of every encode")
    parser.add_argument("--only", action="append", help="encodes whose name begins so: x264, 'x265 medium'")
    parser.add_argument("--quick", action="store_true", help="a short film: shows that everything works, and nothing about speed")
    parser.add_argument("--out", type=Path, help="write FILE.md, FILE.json and FILE.svg; a whole run also writes docs/benchmarks.md")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = measure(arguments)
    text, picture = report(found)
    print(text)
    if arguments.out is not None:
        arguments.out.with_suffix(".md").write_text(text)
        arguments.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        arguments.out.with_suffix(".svg").write_text(picture)
        if arguments.quick or arguments.only:
            return
        picture_link = os.path.relpath(arguments.out.with_suffix(".svg"), page.PAGE.parent)
        page.write("chunks", f"{text}\n![Efficiency over cores]({picture_link})\n", arguments.out.with_suffix(".json"))


if __name__ == "__main__":
    main()
