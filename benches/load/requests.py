"""Requests to the API server: a client, and the mix that operators and scripts send."""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
import statistics
import time
from collections import Counter, defaultdict
from typing import Any

from .farm import say

# The longest wait for an answer, in seconds. The service answers within ten.
PATIENCE = 15.0
# Connections over which titles are submitted.
CONNECTIONS = 16
# How often a page is asked for.
PAGES = 20
# Shares of the kinds of requests, in percent, and their paths.
MIX = {
    "jobs": (26, "/api/jobs"),
    "job": (24, "/api/jobs/{id}"),
    "attempts": (10, "/api/jobs/{id}/attempts"),
    "outputs": (4, "/api/jobs/{id}/outputs"),
    "changes": (14, "/api/changes"),
    "units": (6, "/api/units"),
    "workers": (8, "/api/workers"),
    "system": (6, "/api/system"),
    "submission": (2, "/api/jobs"),
}
# How a request fails.
FAILURES = (OSError, RuntimeError, asyncio.TimeoutError, asyncio.IncompleteReadError)


class Api:
    """A client with connections that stay open."""

    def __init__(self, port: int) -> None:
        self.port, self.token = port, ""
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.opened = 0

    async def call(self, method: str, path: str, body: Any = None, headers: str = "") -> tuple[int, str, bytes]:
        if self.idle:
            reader, writer = self.idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            self.opened += 1
        try:
            text = b"" if body is None else json.dumps(body).encode()
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(text)}\r\n{headers}"
            if body is not None:
                head += "Content-Type: application/json\r\n"
            if self.token:
                head += f"Authorization: Bearer {self.token}\r\n"
            writer.write(head.encode() + b"\r\n" + text)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"^content-length: (\d+)", answer, re.I | re.M)
            assert length, answer
            found = await reader.readexactly(int(length[1]))
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return int(answer.split(" ", 2)[1]), answer, found

    async def get(self, method: str, path: str, body: Any = None) -> Any:
        """The document of an answer that must be 200."""
        status, _, found = await asyncio.wait_for(self.call(method, path, body), PATIENCE)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {found[:200]!r}")
        return json.loads(found)

    async def sign_in(self) -> None:
        status, head, _ = await self.call("POST", "/api/sign-in", {"name": "load", "password": "a long password"})
        cookie = re.search(r"^set-cookie: (trix_session=[^;]+)", head, re.I | re.M)
        assert status == 200 and cookie, head
        _, _, found = await self.call("POST", "/api/tokens", {"label": "load"}, f"Cookie: {cookie[1]}\r\n")
        self.token = json.loads(found)["token"]

    async def submit(self, title: str, priority: int = 3) -> dict[str, Any]:
        job: dict[str, Any] = await self.get("POST", "/api/jobs", {"title": title, "source": "master.mkv", "priority": priority})
        return job


class Load:
    """What the requests are about, and how long their answers took."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.jobs: list[str] = []
        self.last_change, self.further = 0, 0
        self.mix = dict(MIX)
        self.errors: Counter[tuple[str, str]] = Counter()
        self.random = random.Random(1)

    async def leave_out(self) -> None:
        """Leaves out the requests that this version does not have."""
        known = (await self.api.get("GET", "/openapi.json"))["paths"]
        for kind in [kind for kind, (_, path) in self.mix.items() if path not in known]:
            say(f"this version has no {MIX[kind][1]}: it is left out")
            del self.mix[kind]

    def kinds(self, count: int, but: tuple[str, ...] = ()) -> list[str]:
        own = {kind: share for kind, (share, _) in self.mix.items() if kind not in but}
        return self.random.choices(list(own), list(own.values()), k=count)

    async def request(self, kind: str) -> None:
        if kind == "submission":
            self.further += 1
            self.jobs.append((await self.api.submit(f"Further {self.further}"))["id"])
            return
        path = MIX[kind][1].replace("{id}", self.random.choice(self.jobs))
        if kind == "jobs":
            path += self.random.choice(["", "", "?state=running", "?state=queued", "?title=title%20" + str(self.random.randrange(100))])
        if kind == "changes":
            path += f"?after={max(0, self.last_change - 50)}"
        found = await self.api.get("GET", path)
        if kind == "changes" and found:
            self.last_change = found[-1]["number"]

    async def attempt(self, kind: str) -> None:
        """Sends a request. One that fails is counted."""
        try:
            await self.request(kind)
        except FAILURES as error:
            self.errors[kind, (str(error) or type(error).__name__)[:160]] += 1

    async def steady(self, seconds: float, rate: float) -> dict[str, list[float]]:
        """Sends requests at a steady rate, whatever their answers do. The times count from when each was due."""
        times: dict[str, list[float]] = defaultdict(list)

        async def one(kind: str, due: float) -> None:
            await self.attempt(kind)
            times[kind].append(loop.time() - due)

        loop = asyncio.get_running_loop()
        begin, tasks = loop.time(), []
        for number, kind in enumerate(self.kinds(round(seconds * rate))):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            tasks.append(asyncio.create_task(one(kind, due)))
        await asyncio.gather(*tasks)
        return times

    async def most(self, seconds: float, connections: int = 8) -> float:
        """Requests a second that the API server answers if each connection sends the next one at once. Nothing is submitted."""
        loop = asyncio.get_running_loop()
        end, done = loop.time() + seconds, 0

        async def lane() -> None:
            nonlocal done
            while loop.time() < end:
                await self.attempt(self.kinds(1, ("submission",))[0])
                done += 1

        await asyncio.gather(*(lane() for _ in range(connections)))
        return done / seconds

    async def start_of(self, title: str, priority: int) -> tuple[float, float]:
        """Seconds from a submission to its first step: as the catalogue says, and until a client sees it."""
        began = time.monotonic()
        job = await self.api.submit(title, priority)
        while time.monotonic() - began < 120:
            job = await self.api.get("GET", f"/api/jobs/{job['id']}")
            if job["started_at"] is not None:
                return (job["started_at"] - job["created_at"]) / 1000, time.monotonic() - began
            await asyncio.sleep(0.05)
        return math.inf, math.inf

    async def submit_all(self, count: int) -> float:
        """Submits titles over several connections. Returns titles a second."""
        numbers, began = iter(range(1, count + 1)), time.monotonic()

        async def lane() -> None:
            for number in numbers:
                self.jobs.append((await self.api.submit(f"Title {number:05}"))["id"])

        await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
        return count / (time.monotonic() - began)

    async def pages(self, limit: int) -> float:
        times = []
        for _ in range(PAGES):
            began = time.monotonic()
            await self.api.get("GET", f"/api/jobs?limit={limit}")
            times.append(time.monotonic() - began)
        return statistics.median(times)
