"""Measures how much load the ingest service bears. `scripts/bench-service.sh` runs it.

It starts a farm in a temporary folder: PostgreSQL, the engine, one dispatcher, one API server, and many workers. The workers run a shell
script in place of a step, which sleeps. So the machine has the load of the service, and not that of the encoders.

1. It measures how soon the first step of a title begins while nothing else is to be done.
2. It submits many titles, and waits until the workers do steps.
3. It measures the first page of the list of jobs.
4. It sends requests at a steady rate. The time of an answer counts from the moment at which the request was due.
5. It measures how soon the first step of an urgent title begins while all the others wait. Workers end their steps one after the other,
   so that one is soon free.

The exit code is 1 if a limit is not kept: 300 ms for 99 of 100 requests, 2 s for the start on an idle farm, 1 s for the first page, and
no request or process that fails.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable

from load.costs import Costs
from load.farm import Farm, say
from load.requests import CONNECTIONS, Api, Load

LIMIT_P99, LIMIT_START, LIMIT_PAGE = 0.3, 2.0, 1.0
# How often the start of a title is measured.
STARTS = 3
# The most lines of a table of what is slow.
LINES = 12
OPERATIONS = "operation of the engine, during the requests"


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else math.nan


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"


def show(head: list[str], rows: list[list[str]]) -> None:
    """Prints a table, if there is something in it."""
    if rows:
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *([cell.replace("|", "\\|") for cell in row] for row in rows)]
        print("\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n")


class Measurement:
    """What is measured, one thing after the other."""

    def __init__(self, farm: Farm) -> None:
        self.farm, self.options = farm, farm.options
        self.api = Api(farm.ports["api"])
        self.load = Load(self.api)
        self.values: list[list[str]] = []
        self.idle: list[tuple[float, float]] = []
        self.urgent: list[tuple[float, float]] = []
        self.pages: dict[int, float] = {}
        self.times: dict[str, list[float]] = {}
        self.tables: list[tuple[list[str], list[list[str]]]] = []

    def note(self, what: str, value: str) -> None:
        say(f"{what}: {value}")
        self.values.append([what, value])

    async def most(self, which: str) -> None:
        self.note(f"requests a second at the most, {which}", f"{await self.load.most(5):.0f}")

    async def wait(self, most: float, what: str, share: float, is_so: Callable[[dict[str, Any]], bool]) -> None:
        """Waits until so many workers are as they should be."""
        began, all_of_them = time.monotonic(), self.options.workers
        while True:
            count = sum(map(is_so, await self.api.get("GET", "/api/workers")))
            if count >= math.ceil(share * all_of_them) or time.monotonic() - began > most:
                return self.note(f"{count} of {all_of_them} workers {what} after", f"{time.monotonic() - began:.1f} s")
            await asyncio.sleep(0.5)

    async def without_work(self) -> None:
        await self.api.sign_in()
        await self.load.leave_out()
        # A first job, so that every request has something to be about. No worker is there to do it.
        self.load.jobs.append((await self.api.submit("Title 00000"))["id"])
        await self.most("without workers")
        self.farm.start_workers()
        await self.wait(300, "are there", 1.0, lambda worker: True)
        # Their start is no part of what follows.
        for _ in range(60):
            before = Costs.seconds(self.farm)["workers"]
            await asyncio.sleep(1)
            if Costs.seconds(self.farm)["workers"] - before < 0.2:
                break
        costs = Costs(self.farm)
        await self.most("with workers that only give signs")
        self.tables.append((["process, workers only give signs", *Costs.HEAD], costs.table()))
        self.idle = [await self.load.start_of(f"Idle {number}", 3) for number in range(STARTS)]
        say(f"start on an idle farm: {self.idle}")

    async def submit(self) -> None:
        rate = await self.load.submit_all(self.options.titles)
        self.note(f"titles submitted a second, {CONNECTIONS} connections", f"{rate:.0f}")
        await self.wait(self.options.wait, "do a step", 0.95, lambda worker: worker["work"] is not None)
        self.pages = {limit: await self.load.pages(limit) for limit in (100, 500)}

    async def requests(self) -> None:
        farm = self.farm
        handed = "SELECT count(*) FROM jobs WHERE handed_run = run"
        ended = "SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL"
        farm.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
        before, operations = [int(farm.sql(query)) for query in (handed, ended)], farm.engine_times()
        costs = Costs(farm)
        self.times = await self.load.steady(self.options.seconds, self.options.rate)
        wall = time.monotonic() - costs.at
        self.tables.append((["process, during the requests", *Costs.HEAD], costs.table()))
        for what, query, count in zip(("jobs handed to the engine", "steps ended"), (handed, ended), before):
            self.note(f"{what} a second, during the requests", f"{(int(farm.sql(query)) - count) / wall:.1f}")
        counts = "SELECT state || ' ' || count(*) FROM jobs GROUP BY state ORDER BY state"
        self.note("jobs", farm.sql(counts).replace("\n", ", "))
        self.note("connections of PostgreSQL", farm.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'trix'"))
        self.tables.append(([OPERATIONS, "a second", "mean, ms"], self.operations(operations, wall)))
        self.tables.append((["statement, during the requests", "all, ms", "calls", "mean, ms"], self.statements()))

    def operations(self, before: dict[tuple[str, str], tuple[float, float]], wall: float) -> list[list[str]]:
        found: list[tuple[float, list[str]]] = []
        for key, (count, total) in self.farm.engine_times().items():
            then = before.get(key, (0.0, 0.0))
            count, total = count - then[0], total - then[1]
            # A poll waits on purpose.
            if count > 0 and not key[1].startswith("Poll"):
                what = f"{key[1]} ({'written' if key[0] == 'persistence' else 'answered'})"
                found.append((total, [what, f"{count / wall:.1f}", f"{1000 * total / count:.1f}"]))
        return [row for _, row in sorted(found, reverse=True)[:LINES]]

    def statements(self) -> list[list[str]]:
        text = self.farm.sql(
            "SELECT round(total_exec_time)::bigint || ' ' || calls || ' ' || round(mean_exec_time::numeric, 2) || ' ' "
            f"|| left(regexp_replace(query, '\\s+', ' ', 'g'), 110) FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT {LINES}"
        )
        lines = [line.split(" ", 3) for line in text.split("\n") if line]
        return [[f"`{query}`", *numbers] for *numbers, query in lines]

    async def all(self) -> None:
        await self.without_work()
        await self.submit()
        await self.requests()
        self.urgent = [await self.load.start_of(f"Urgent {number}", 1) for number in range(STARTS)]
        say(f"start of an urgent title: {self.urgent}")
        await self.most("with workers that do steps")

    def report(self) -> int:
        """Prints what was found. The exit code."""
        options, load = self.options, self.load
        all_times = [value for own in self.times.values() for value in own]
        failed = Counter(kind for (kind, _), count in load.errors.items() for _ in range(count))
        failed["all"] = failed.total()
        print(f"{options.workers} workers, {options.titles} titles, chunks of {options.step:g} s, "
              f"{options.rate:g} requests a second for {options.seconds:g} s\n")
        show(["request", "count", "p50, ms", "p90, ms", "p99, ms", "max, ms", "errors"], [
            [kind, str(len(own)), *(milliseconds(percentile(own, share)) for share in (0.5, 0.9, 0.99, 1.0)), str(failed[kind])]
            for kind, own in [*sorted(self.times.items()), ("all", all_times)]
        ])
        show(["from submission to the first step, s", "by the catalogue", "seen by a client"], [
            [what, *(" / ".join(f"{value:.2f}" for value in own) for own in zip(*found))]
            for what, found in [("idle farm", self.idle), ("priority 1, while all others wait", self.urgent)]
        ])
        pages = [[f"limit={limit}", milliseconds(took)] for limit, took in self.pages.items()]
        show([f"first page of {len(load.jobs)} jobs", "median, ms"], pages)
        show(["farm", "value"], self.values)
        for head, rows in self.tables:
            show(head, rows)
        warnings = self.farm.warnings().most_common(LINES)
        show(["logged as a warning", "times"], [[f"{role}: {text}", str(count)] for (role, text), count in warnings])
        for (kind, text), count in load.errors.most_common(LINES):
            print(f"- {count} × {kind}: {text}")

        p99, start, page = percentile(all_times, 0.99), max(value for _, value in self.idle), max(self.pages.values())
        gone = self.farm.ended()
        broken = [
            text for is_kept, text in [
                (p99 < LIMIT_P99, f"p99 is {milliseconds(p99)} ms, and the limit {milliseconds(LIMIT_P99)} ms"),
                (start < LIMIT_START, f"the start on an idle farm took {start:.2f} s, and the limit is {LIMIT_START:g} s"),
                (page < LIMIT_PAGE, f"the first page took {page:.2f} s, and the limit is {LIMIT_PAGE:g} s"),
                (not load.errors, f"{load.errors.total()} requests failed"),
                (not gone, f"processes ended: {', '.join(gone)}"),
            ] if not is_kept
        ]
        print("\n".join(f"- not kept: {text}" for text in broken) or "All limits are kept.")
        return 1 if broken else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures how much load the ingest service bears.")
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--titles", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60, help="how long requests are sent")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--step", type=float, default=20, help="seconds of a chunk")
    parser.add_argument("--wait", type=float, default=300, help="the longest wait for busy workers, in seconds")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    parser.add_argument("--trixd", type=Path, required=True, help="the program of the service")
    parser.add_argument("--temporal", type=Path, required=True, help="the program of the engine")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    farm = Farm(options)
    try:
        farm.prepare()
        farm.start_base()
        measurement = Measurement(farm)
        asyncio.run(measurement.all())
        return measurement.report()
    except KeyboardInterrupt:
        return 130
    finally:
        # A second Ctrl-C does not leave half of it behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        farm.end()


if __name__ == "__main__":
    sys.exit(main())
