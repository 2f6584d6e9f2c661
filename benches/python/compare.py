"""Compares Trix with other packages for Python: compare.py [--rounds N] [--only CASE,...] [--out PATH].

Every package does every case that it can, once in each round, each time in a process of its own. The order turns from round
to round. PATH.json, PATH.md and PATH.svg are written; `make bench-python` runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import report
from cases import CASES, CLIPS, RATE, Case

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# The module below `tools` and the package that is imported.
TOOLS = {
    "trix": "trix",
    "trix_verified": None,
    "pyav": "av",
    "opencv": "cv2",
    "imageio": "imageio_ffmpeg",
    "decord": "decord",
    "torchcodec": "torchcodec",
}


def run(tool: str, function: str, **wanted) -> dict:
    """What measure.py prints; `error` if it failed."""
    command = [sys.executable, str(HERE / "measure.py"), tool, function]
    done = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True, cwd=HERE, timeout=900)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def asked(code: str) -> tuple[bool, str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HERE)
    return done.returncode == 0, (done.stdout if done.returncode == 0 else done.stderr).strip()


def available() -> tuple[dict[str, str], dict[str, str], dict[str, list[str]]]:
    """The versions of the packages that are there, why the others are not, and the functions of each."""
    versions, missing, functions = {}, {}, {}
    for tool in TOOLS:
        code = f"import json, tools.{tool} as tool; print(json.dumps([tool.version(), dir(tool)]))"
        works, text = asked(code)
        if works:
            versions[tool], names = json.loads(text.splitlines()[-1])
            functions[tool] = sorted({case.function for case in CASES}.intersection(names))
        else:
            missing[tool] = text.splitlines()[-1]
    return versions, missing, functions


def clip(name: str) -> str:
    kind, frames = CLIPS[name]
    command = ["cargo", "run", "--quiet", "--release", "--locked", "-p", "trix-benches", "--bin", "clip", "--", kind, str(frames)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def quality(path: str, reference: str) -> tuple[float, float]:
    """Bit rate in kbit/s, and PSNR in dB over all planes against the clip that the frames come from."""
    graph = "[0:v]settb=1/1000,setpts=N[a];[1:v]settb=1/1000,setpts=N[b];[a][b]psnr=shortest=1"
    command = ["ffmpeg", "-nostdin", "-v", "info", "-i", path, "-i", reference, "-lavfi", graph, "-f", "null", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    line = next(line for line in text.splitlines() if "PSNR" in line)
    psnr = float(line.split("average:")[1].split()[0])
    probe = ["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v", "-of", "json"]
    entries = ["-show_entries", "stream=nb_read_packets:packet=size", path]
    found = json.loads(subprocess.run([*probe, *entries], check=True, capture_output=True, text=True).stdout)
    bits = 8 * sum(int(packet["size"]) for packet in found["packets"])
    return bits * RATE / len(found["packets"]) / 1000, psnr


class Comparison:
    def __init__(self, cases: list[Case]) -> None:
        self.versions, self.missing, self.functions = available()
        self.cases = [case for case in cases if any(self.does(tool, case) for tool in self.versions)]
        self.clips = {case.clip: clip(case.clip) for case in self.cases if case.clip}
        # By case and tool: one result for each round.
        self.results: dict[str, dict[str, list[dict]]] = {case.name: {} for case in self.cases}
        self.folder = tempfile.TemporaryDirectory(dir=Path(next(iter(self.clips.values()), __file__)).parent)

    def does(self, tool: str, case: Case) -> bool:
        return TOOLS[tool] is not None if case.function == "import" else case.function in self.functions[tool]

    def measure(self, tool: str, case: Case) -> dict:
        if case.function == "import":
            return run(tool, "import", package=TOOLS[tool])
        path = self.clips[case.clip]
        if case.function == "once":
            return run(tool, "once", path=path, times=1000)
        if case.given is None:
            return run(tool, case.function, path=path, arguments=case.arguments, hash=False)
        (count, pixel_format), out = case.given, os.path.join(self.folder.name, f"{tool}.mkv")
        found = run(
            tool, case.function, path=path, out=out, rate=RATE, count=count, format=pixel_format, size=(1920, 1080)
        )  # fmt: skip
        if "error" not in found:
            found["kbps"], found["psnr"] = quality(out, path)
            os.remove(out)
        return found

    def wrong(self, tool: str, case: Case) -> int | None:
        """How many frames differ from those of a decode from the start by the same package."""
        path = self.clips[case.clip]
        whole = run(tool, "rgb", path=path, arguments=[], hash=True)
        found = run(tool, case.function, path=path, arguments=case.arguments, hash=True)
        if "error" in whole or "error" in found:
            return None
        frames, numbers = dict(enumerate(whole["hashes"])), case.arguments[0]
        return sum(frames.get(number) != own for number, own in zip(numbers, found["hashes"], strict=True))

    def round(self, turn: int) -> None:
        """Does every case once with every package; what costs much, in the first round alone."""
        for number, case in enumerate(self.cases):
            tools = [tool for tool in self.versions if self.does(tool, case)]
            first = (turn + number) % len(tools)
            if case.function == "once" and turn:
                continue
            for tool in tools[first:] + tools[:first]:
                found = self.measure(tool, case)
                if turn == 0 and case.is_exact:
                    found["wrong"] = self.wrong(tool, case)
                self.results[case.name].setdefault(tool, []).append(found)
                print(f"round {turn + 1}: {case.name}, {tool}: {found.get('error') or format(found['seconds'], '.3f')}", flush=True)


def machine() -> dict[str, str]:
    def line(path: str, field: str) -> str:
        with open(path) as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith(field))

    gib = int(line("/proc/meminfo", "MemTotal").split()[0]) / 1024**2
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "cpu": f"{line('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores, {gib:.0f} GiB",
        "system": f"Linux {platform.release()}, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each case is measured [3]")
    parser.add_argument("--only", default="", help="cases, separated by commas")
    parser.add_argument("--out", type=Path, help="path of the results without its extension")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name]
    unknown = sorted(set(wanted) - {case.name for case in CASES})
    if unknown:
        parser.error(f"there is no case {unknown[0]}; there are {', '.join(case.name for case in CASES)}")
    about = machine()
    comparison = Comparison([case for case in CASES if not wanted or case.name in wanted])
    out = arguments.out
    if out is None and not wanted:
        out = ROOT / "benches/runs" / f"{about['date']}-{len(os.sched_getaffinity(0))}-cores-python"
    for turn in range(arguments.rounds):
        comparison.round(turn)
        # A run that is ended later keeps its whole rounds.
        kept = {
            "machine": about,
            "versions": comparison.versions,
            "missing": comparison.missing,
            "functions": comparison.functions,
            "rounds": turn + 1,
            "cases": {case.name: case.title for case in comparison.cases},
            "results": comparison.results,
        }
        report.write(kept, out)


if __name__ == "__main__":
    main()
