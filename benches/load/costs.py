"""What the processes of a farm cost: CPU and memory, as /proc tells them."""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from pathlib import Path

from .farm import Farm

CORES = os.cpu_count() or 1
TICKS = os.sysconf("SC_CLK_TCK")


def children() -> dict[int, list[int]]:
    found = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.read_text().rsplit(")", 1)[1].split()[1])].append(int(path.parent.name))
        except OSError:
            pass
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU of a process, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(value) for value in fields[11:15]) / TICKS


def memory(pid: int) -> tuple[float, float]:
    """Megabytes of a process: all pages (RSS), and its share of those that several have (PSS)."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0, 0.0
    values = dict(re.findall(r"^(Rss|Pss):\s+(\d+) kB", text, re.M))
    return int(values.get("Rss", 0)) / 1000, int(values.get("Pss", 0)) / 1000


class Costs:
    """CPU and memory of the farm between two moments."""

    HEAD = ["RSS, MB", "PSS, MB", "CPU, s", "of a core"]

    def __init__(self, farm: Farm) -> None:
        self.farm, self.before, self.at = farm, self.seconds(farm), time.monotonic()
        self.machine = self.ticks()

    @staticmethod
    def ticks() -> tuple[int, int]:
        """Ticks of all cores, and those in which they waited."""
        own = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(own), own[3] + own[4]

    @staticmethod
    def seconds(farm: Farm) -> dict[str, float]:
        own = children()
        found: dict[str, float] = defaultdict(float)
        for name, process in farm.processes.items():
            pids = [process.pid, *own[process.pid]] if name == "postgres" else [process.pid]
            found["workers" if name.startswith("worker-") else name] += sum(map(cpu, pids))
        found["this program"] = time.process_time()
        return found

    def table(self) -> list[list[str]]:
        after, wall, own = self.seconds(self.farm), time.monotonic() - self.at, children()
        rows = []
        for name in ("api", "dispatcher", "engine", "postgres", "worker-001"):
            process = self.farm.processes[name]
            pids = [process.pid, *own[process.pid]] if name == "postgres" else [process.pid]
            sizes = [memory(pid) for pid in pids]
            if name.startswith("worker-"):
                count = self.farm.options.workers
                spent = (after["workers"] - self.before["workers"]) / count
                name = f"one worker (CPU: mean of {count})"
            else:
                spent = after[name] - self.before[name]
            if len(pids) > 1:
                name += f" ({len(pids)} processes)"
            # Pages that several processes share would count several times.
            rss = f"{sizes[0][0]:.0f}" if len(pids) == 1 else ""
            rows.append([name, rss, f"{sum(pss for _, pss in sizes):.0f}", f"{spent:.1f}", f"{100 * spent / wall:.0f} %"])
        spent = after["this program"] - self.before["this program"]
        rows.append(["this program", "", "", f"{spent:.1f}", f"{100 * spent / wall:.0f} %"])
        total, idle = (now - then for now, then in zip(self.ticks(), self.machine))
        busy = (total - idle) / TICKS
        # What else runs here makes the figures worse: they count for an idle machine.
        others = busy - sum(value - self.before[name] for name, value in after.items())
        for name, spent in [("other programs", others), (f"the machine ({CORES} cores)", busy)]:
            rows.append([name, "", "", f"{spent:.1f}", f"{100 * spent / wall:.0f} %"])
        return rows
