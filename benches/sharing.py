"""Measures what HEVC copies of 8, 10 and 12 bits save and lose when they share one analysis. `make bench-sharing` runs it.

Each clip is encoded at four qualities: three copies that are analysed for themselves, then three that share, balanced and fast. The
copies are those of `trix run`; processor time, bytes and scores are those of its report. The loss is the BD-rate against the copy of the
same depth that was analysed for itself: the mean difference of bytes at equal scores, with cubic interpolation that keeps the order
(PCHIP).

Clips are made from the real media in TRIX_MEDIA, scaled down and joined, and from ffmpeg's generators. A clip whose files are missing
is left out, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CRFS = (18, 23, 28, 33)
DEPTHS = (8, 10, 12)
MODES = ("off", "balanced", "fast")


class Clip(NamedTuple):
    """A clip: what it shows, and how ffmpeg makes it."""

    about: str
    # Files of TRIX_MEDIA, joined.
    files: tuple[str, ...]
    # Filters after scaling, or a generator.
    filters: str = "null"
    width: int = 960
    height: int = 540


CLIPS = {
    "camera": Clip("handheld and tripod, 8 bits", ("hdv-1080p25.mov", "avts.mts", "xdcam-ex-1080i50.mov"), "yadif"),
    "hdr": Clip("high dynamic range, 10 bits", ("hdr10-video-with-sdr-container.mp4", "hlg10-color-test.mp4")),
    "film": Clip("cuts of a film", ("scene_cuts.mp4",), width=960, height=204),
    "animation": Clip("animation", ("bbb_2500ms.ts",)),
    "lecture": Clip("a speaker before a still background", ("nasa_13013.mp4",), width=480, height=270),
    "grain": Clip("film grain, synthesised over a camera", ("hdv-1080p25.mov",), "noise=alls=14:allf=t+u"),
    "sport": Clip(
        "fast pans, synthesised",
        ("hdr10-video-with-sdr-container.mp4",),
        "scale=1600:900,crop=960:540:'320+300*sin(n/9)':'180+170*sin(n/13)'",
    ),
}


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *arguments], check=True)


def made(name: str, clip: Clip, media: Path, folder: Path, seconds: float) -> Path | None:
    """The file of a clip, without loss at 10 bits. `None` if media are missing."""
    files = [media / file for file in clip.files]
    if not all(file.is_file() for file in files):
        return None
    path = folder / f"{name}-{seconds:g}.mkv"
    if path.is_file():
        return path
    inputs = [word for file in files for word in ("-stream_loop", "-1", "-t", f"{seconds / len(files):.3f}", "-i", str(file))]
    # Copies of 8 bits would be tone mapped otherwise, and show other frames than those of 10.
    colour = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
    shape = f"fps=25,scale={clip.width}:{clip.height}:flags=lanczos,setsar=1,{colour},format=yuv420p10le"
    each = "".join(f"[{number}:v:0]{shape}[v{number}];" for number in range(len(files)))
    joined = "".join(f"[v{number}]" for number in range(len(files))) + f"concat=n={len(files)}:v=1"
    part = path.with_suffix(".part.mkv")
    ffmpeg(*inputs, "-filter_complex", f"{each}{joined},{clip.filters},format=yuv420p10le[v]", "-map", "[v]", "-c:v", "ffv1", str(part))
    part.rename(path)
    return path


class Copy(NamedTuple):
    """A copy: its processor time in seconds, its bytes, and its scores in decibels."""

    seconds: float
    bytes: int
    ssim: float
    psnr: float


def encoded(trix: Path, clip: Path, folder: Path, preset: str, crf: int, mode: str) -> tuple[dict[int, Copy], float]:
    """Encodes a clip at all depths. Returns the copies, and the most memory of the process in MiB."""
    job = {
        "source": {"path": str(clip)},
        "share_analysis": mode,
        "outputs": [
            {
                "path": f"{depth}.mkv",
                "audio": {"type": "none"},
                "verify": "full",
                "overwrite": True,
                "video": {"type": "x265", "depth": depth, "preset": preset, "rate": {"type": "crf", "value": crf}, "gop": 48, "open_gop": False},
            }
            for depth in DEPTHS
        ],
    }
    (folder / "job.json").write_text(json.dumps(job))
    words = [str(trix), "run", str(folder / "job.json"), "-o", str(folder), "--report", str(folder / "report.json")]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)}: exit status {os.waitstatus_to_exitcode(status)}")
    report = json.loads((folder / "report.json").read_text())
    copies = {}
    for depth, output in zip(DEPTHS, report["outputs"]):
        score = output["verification"]["score"]
        ssim = -10 * math.log10(1 - score["ssim"])
        copies[depth] = Copy(output["cpu_seconds"], output["tracks"][0]["bytes"], ssim, score["psnr_db"])
        if mode != "off" and "sharing" not in output:
            sys.exit(f"{clip.name}, {depth} bits: it does not share: {report['decisions']}")
    return copies, usage.ru_maxrss / 1024


def slopes(x: list[float], y: list[float]) -> list[float]:
    """The slopes of a cubic interpolation that keeps the order of its points (Fritsch and Carlson)."""
    steps = [b - a for a, b in zip(x, x[1:])]
    rises = [(b - a) / step for a, b, step in zip(y, y[1:], steps)]
    found = [0.0] * len(x)
    for at in range(1, len(x) - 1):
        if rises[at - 1] * rises[at] > 0:
            before, after = 2 * steps[at] + steps[at - 1], steps[at] + 2 * steps[at - 1]
            found[at] = (before + after) / (before / rises[at - 1] + after / rises[at])

    def at_end(near: float, far: float, first: float, second: float) -> float:
        slope = ((2 * near + far) * first - near * second) / (near + far)
        if slope * first <= 0:
            return 0.0
        return 3 * first if first * second <= 0 and abs(slope) > 3 * abs(first) else slope

    found[0] = at_end(steps[0], steps[1], rises[0], rises[1])
    found[-1] = at_end(steps[-1], steps[-2], rises[-1], rises[-2])
    return found


def mean_between(x: list[float], y: list[float], low: float, high: float, parts: int = 1000) -> float:
    """The mean of the interpolation of points between two places."""
    found, total = slopes(x, y), 0.0
    for part in range(parts):
        place = low + (high - low) * (part + 0.5) / parts
        at = max(index for index in range(len(x) - 1) if x[index] <= place or index == 0)
        step = x[at + 1] - x[at]
        share = (place - x[at]) / step
        total += y[at] * (1 + 2 * share) * (1 - share) ** 2 + step * found[at] * share * (1 - share) ** 2
        total += y[at + 1] * share**2 * (3 - 2 * share) + step * found[at + 1] * share**2 * (share - 1)
    return total / parts


def bd_rate(anchor: list[Copy], tested: list[Copy], metric: str) -> float:
    """How many per cent more bytes `tested` takes at equal scores."""
    curves = [sorted((getattr(copy, metric), math.log(copy.bytes)) for copy in copies) for copies in (anchor, tested)]
    low, high = max(curve[0][0] for curve in curves), min(curve[-1][0] for curve in curves)
    means = [mean_between([place for place, _ in curve], [size for _, size in curve], low, high) for curve in curves]
    return 100 * (math.exp(means[1] - means[0]) - 1)


class Result(NamedTuple):
    """What a mode costs and loses with a clip."""

    clip: str
    mode: str
    # Processor time of the three copies, with that of three independent ones as 1.
    cost: float
    # Of each copy, by depth, with that of the copy of its depth that was analysed for itself as 1.
    costs: dict[int, float]
    # BD-rate in per cent, by depth: SSIM, PSNR.
    loss: dict[int, tuple[float, float]]
    # The most memory, in MiB.
    memory: float


def measure(trix: Path, name: str, clip: Path, folder: Path, preset: str) -> list[Result]:
    """Encodes a clip in all modes, in turns."""
    copies: dict[str, dict[int, list[Copy]]] = {mode: {depth: [] for depth in DEPTHS} for mode in MODES}
    memory = dict.fromkeys(MODES, 0.0)
    for crf in CRFS:
        for mode in MODES:
            found, most = encoded(trix, clip, folder, preset, crf, mode)
            memory[mode] = max(memory[mode], most)
            for depth, copy in found.items():
                copies[mode][depth].append(copy)
    seconds = {mode: {depth: sum(copy.seconds for copy in own) for depth, own in copies[mode].items()} for mode in MODES}
    results = []
    for mode in MODES:
        cost = sum(seconds[mode].values()) / sum(seconds["off"].values())
        costs = {depth: seconds[mode][depth] / seconds["off"][depth] for depth in DEPTHS}
        pairs = {depth: (copies["off"][depth], copies[mode][depth]) for depth in DEPTHS}
        loss = {depth: (bd_rate(*pair, "ssim"), bd_rate(*pair, "psnr")) for depth, pair in pairs.items()}
        results.append(Result(name, mode, cost, costs, loss, memory[mode]))
    return results


def table(results: list[Result]) -> str:
    head = ["clip", "mode", "processor time", *(f"{depth} bits" for depth in DEPTHS), *(f"loss at {depth} bits" for depth in DEPTHS), "memory"]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for own in results:
        loss = [f"{ssim:+.1f} / {psnr:+.1f}" for ssim, psnr in own.loss.values()]
        lines.append([own.clip, own.mode, f"{own.cost:.2f}", *(f"{cost:.2f}" for cost in own.costs.values()), *loss, f"{own.memory:.0f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plot(results: list[Result]) -> str:
    """Cost and loss of each clip and mode, as SVG: the worst BD-rate by SSIM of its copies over the processor time."""
    width, height, left, bottom = 640, 400, 60, 350
    worst = [max(ssim for ssim, _ in own.loss.values()) for own in results]
    most = max(10.0, *worst)
    colours = {"balanced": "#1857a4", "fast": "#b4541a"}
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for tenth in range(3, 11):
        x = left + (tenth / 10 - 0.3) / 0.7 * (width - left - 20)
        parts.append(f'<line x1="{x:.0f}" y1="20" x2="{x:.0f}" y2="{bottom}" stroke="#ddd"/><text x="{x:.0f}" y="{bottom + 16}" text-anchor="middle">{tenth / 10}</text>')
    for per_cent in range(0, math.ceil(most) + 1, 2):
        y = bottom - per_cent / most * (bottom - 20)
        parts.append(f'<line x1="{left}" y1="{y:.0f}" x2="{width - 20}" y2="{y:.0f}" stroke="#ddd"/><text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{per_cent} %</text>')
    labels: list[tuple[float, float]] = []
    for own, loss in zip(results, worst):
        if own.mode in colours:
            x, y = left + (own.cost - 0.3) / 0.7 * (width - left - 20), bottom - max(loss, 0) / most * (bottom - 20)
            label = y + 4
            while any(abs(x - across) < 70 and abs(label - up) < 12 for across, up in labels):
                label -= 12
            labels.append((x, label))
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{colours[own.mode]}"/><text x="{x + 7:.0f}" y="{label:.0f}">{own.clip}</text>')
    parts.append(f'<text x="{width / 2:.0f}" y="{height - 8}" text-anchor="middle">processor time of three copies; 1: each is analysed for itself</text>')
    for number, (mode, colour) in enumerate(colours.items()):
        parts.append(f'<circle cx="{width - 120}" cy="{36 + 18 * number}" r="4" fill="{colour}"/><text x="{width - 110}" y="{40 + 18 * number}">{mode}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="length of each clip (60)")
    parser.add_argument("--preset", default="slow", help="preset of x265 (slow)")
    parser.add_argument("--only", default="", help="names of clips, separated by commas")
    parser.add_argument("--save", help="base name of the JSON, table and plot in benches/runs")
    arguments = parser.parse_args()
    trix = ROOT / "target/release/trix"
    media = Path(os.environ.get("TRIX_MEDIA", ROOT / "../shared/media"))
    folder = ROOT / "target/bench/sharing"
    folder.mkdir(parents=True, exist_ok=True)
    only = [name for name in arguments.only.split(",") if name]
    results: list[Result] = []
    for name, clip in CLIPS.items():
        if only and name not in only:
            continue
        path = made(name, clip, media, folder, arguments.seconds)
        if path is None:
            print(f"{name}: left out: {', '.join(clip.files)} are missing", file=sys.stderr)
            continue
        results += measure(trix, name, path, folder, arguments.preset)
        print(table(results[-len(MODES):]), file=sys.stderr, flush=True)
    if not results:
        sys.exit("no clip could be made: TRIX_MEDIA names no folder with media")
    print(table(results))
    if arguments.save:
        base = ROOT / "benches/runs" / arguments.save
        about = {"seconds": arguments.seconds, "preset": arguments.preset, "crf": CRFS, "cores": os.cpu_count()}
        base.with_suffix(".json").write_text(json.dumps({**about, "results": [own._asdict() for own in results]}, indent=1) + "\n")
        base.with_suffix(".md").write_text(table(results) + "\n")
        base.with_suffix(".svg").write_text(plot(results))


if __name__ == "__main__":
    main()
