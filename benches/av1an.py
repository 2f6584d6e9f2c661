"""Compares a film in chunks with Av1an: the same encoder, settings and number of workers. `make bench-av1an` runs it.

Both encode the film of `chunks.py` with x265, one thread for each worker and one worker for each core. Then both are killed after six
tenths of their time, with all processes that they started, and run again. In a third test, a finished chunk is cut to half its size
before the second run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import page
from chunks import FOLDER, ROOT, TRIX, film, median, psnr

AV1AN = ROOT / "target" / "bench" / "av1an"
CORES = os.cpu_count() or 1
PRESET, CRF = "medium", 23
TOOLS = ["Trix", "Av1an"]
OUT = {tool: FOLDER / f"versus-{tool.lower()}.mkv" for tool in TOOLS}
KEPT = {"Trix": FOLDER / ".versus-trix.mkv.trix-chunks", "Av1an": FOLDER / "versus-av1an"}


def command(tool: str, source: Path, *, again: bool) -> list[str]:
    if tool == "Trix":
        own = [str(TRIX), "encode", str(source), "-o", str(OUT[tool]), "--video", "x265", "--preset", PRESET, "--crf", str(CRF)]
        own += ["--depth", "10", "--audio", "none", "--verify", "off", "--progress", "none", "--chunks", "on"]
        return [*own, "--overwrite"]
    x265 = f"--preset {PRESET} --crf {CRF} --output-depth 10 --pools 1 --frame-threads 1"
    own = [str(AV1AN / "bin" / "av1an"), "-i", str(source), "-o", str(OUT[tool]), "--temp", str(KEPT[tool]), "-e", "x265"]
    # `hybrid` cuts the source with ffmpeg, and mkvmerge is what Av1an joins chunks of x265 with.
    own += ["--no-defaults", "-v", x265, "--pix-format", "yuv420p10le", "-w", str(CORES), "-m", "hybrid", "-c", "mkvmerge"]
    return [*own, "-l", str(FOLDER / "av1an"), "-y", "--keep", *(["--resume"] if again else [])]


def environment() -> dict[str, str]:
    path = f"{AV1AN / 'venv' / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, "XDG_CONFIG_HOME": str(AV1AN / "config"), "PATH": path}


def run(tool: str, source: Path, *, again: bool = False, seconds: float | None = None) -> dict[str, float]:
    """Runs a tool, or kills it with all that it started after `seconds`. Wall and CPU time in seconds, and the exit code."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    silent: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command(tool, source, again=again), env=environment(), start_new_session=True, **silent)
    try:
        code = child.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        code = child.wait()
        # The processes that it started end a little later.
        while subprocess.run(["pgrep", "-g", str(child.pid)], stdout=subprocess.DEVNULL).returncode == 0:
            time.sleep(0.1)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "code": code}


def forget(tool: str) -> None:
    shutil.rmtree(KEPT[tool], ignore_errors=True)
    OUT[tool].unlink(missing_ok=True)


def frames(tool: str) -> int | None:
    """The frames of an output that decode; `None` if there is no output."""
    if not OUT[tool].exists():
        return None
    count = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames", "-of", "json"]
    said = json.loads(subprocess.run([*count, str(OUT[tool])], capture_output=True, text=True, check=True).stdout)
    return int(said["streams"][0]["nb_read_frames"])


def kept(tool: str) -> list[Path]:
    """The files of the chunks that are done, the largest first."""
    if tool == "Trix":
        done = [path for path in KEPT[tool].rglob("*") if path.is_file() and path.suffix == ".chunk"]
    else:
        record = KEPT[tool] / "done.json"
        try:
            names = json.loads(record.read_text())["done"]
        except (FileNotFoundError, json.JSONDecodeError):
            names = {}
        files = (KEPT[tool] / "encode" / f"{name}.hevc" for name in names)
        done = [path for path in files if path.is_file()]
    return sorted(done, key=lambda path: -path.stat().st_size)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    source = film(arguments.quick)
    costs: dict[str, list[dict[str, float]]] = {tool: [] for tool in TOOLS}
    found: dict[str, Any] = {"cores": CORES, "rounds": arguments.runs, "frames": int(source.stem.split("-")[1]), "tools": {}}
    for number in range(arguments.runs):
        for turn in range(len(TOOLS)):
            tool = TOOLS[(turn + number) % len(TOOLS)]
            forget(tool)
            costs[tool].append(run(tool, source))
            if costs[tool][-1]["code"] != 0:
                sys.exit(f"{tool} failed: {costs[tool][-1]}")
            print(f"{tool}: {costs[tool][-1]['wall']:.1f} s", file=sys.stderr)
    for tool in TOOLS:
        wall = median([cost["wall"] for cost in costs[tool]])
        own: dict[str, Any] = {"wall": wall, "cpu": median([cost["cpu"] for cost in costs[tool]])}
        own |= {"bytes": OUT[tool].stat().st_size, "psnr": psnr(source, OUT[tool], 1080), "frames": frames(tool)}
        forget(tool)
        run(tool, source, seconds=0.6 * wall)
        own["kept"] = len(kept(tool))
        resumed = run(tool, source, again=True)
        own |= {"resumed_wall": resumed["wall"], "resumed_code": resumed["code"], "resumed_frames": frames(tool)}
        # Again, with a chunk that lost its second half in the meantime.
        forget(tool)
        run(tool, source, seconds=0.6 * wall)
        for path in kept(tool)[:1]:
            os.truncate(path, path.stat().st_size // 2)
        last = run(tool, source, again=True)
        own |= {"cut_wall": last["wall"], "cut_code": last["code"], "cut_frames": frames(tool)}
        found["tools"][tool] = own
        forget(tool)
    return found


def report(found: dict[str, Any]) -> str:
    lines = [
        f"x265 {PRESET}, 10 bits, crf {CRF}; film of {found['frames']} frames at 1080p; {found['cores']} cores, a worker for each; "
        f"{found['rounds']} round(s). Times are medians. Both are killed after six tenths of their time.",
        "",
        "| tool | wall s | CPU s | bytes | PSNR | frames | chunks kept by a kill | wall of the second run | its frames | frames if a kept chunk is cut |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for tool, own in found["tools"].items():
        cells = [f"{own['wall']:.1f}", f"{own['cpu']:.1f}", own["bytes"], f"{own['psnr']:.2f}", own["frames"], own["kept"]]
        cells += [f"{own['resumed_wall']:.1f}", own["resumed_frames"], f"{own['cut_frames']} (exit code {own['cut_code']})"]
        lines.append(f"| {tool} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds of the whole encode")
    parser.add_argument("--quick", action="store_true", help="a short film: shows that everything works, and nothing about speed")
    parser.add_argument("--out", type=Path, help="write FILE.md and FILE.json; a whole run also writes docs/benchmarks.md")
    parser.add_argument("--of", type=Path, help="measure nothing, and take the figures of FILE.json")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = measure(arguments) if arguments.of is None else json.loads(arguments.of.read_text())
    print(report(found))
    if arguments.out is not None:
        arguments.out.with_suffix(".md").write_text(report(found))
        arguments.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        if not arguments.quick:
            page.write("av1an", report(found), arguments.out.with_suffix(".json"))


if __name__ == "__main__":
    main()
