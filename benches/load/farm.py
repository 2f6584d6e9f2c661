"""A farm in a temporary folder: PostgreSQL, the engine, a dispatcher, an API server, and workers."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from pathlib import Path
from typing import Callable

from .step import SHORT, STEP


def say(text: str) -> None:
    print(f"bench-service: {text}", file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


class Farm:
    """Processes in a temporary folder."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="trix-load-"))
        # The user postgres passes through.
        self.folder.chmod(0o711)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {name: free_port() for name in ("postgres", "engine", "api")}
        self.settings = self.folder / "trixd.toml"
        self.programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))

    def prepare(self) -> None:
        below = self.folder.joinpath
        for name in ("source", "output", "preview", "cache", "said"):
            below(name).mkdir()
            (below(name) / ".trix-mount").touch()
        master = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=1", "-c:v", "ffv1", str(below("source", "master.mkv"))]
        subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", *master], check=True)
        below("step.sh").write_text(STEP)
        below("step.sh").chmod(0o755)
        mounts = "\n".join(f'{name} = "{below(name)}"' for name in ("source", "output", "preview", "cache"))
        self.settings.write_text(
            f"[mounts]\n{mounts}\n"
            f'[catalogue]\nurl = "postgres://trix@127.0.0.1:{self.ports["postgres"]}/postgres"\n'
            f'[engine]\naddress = "http://127.0.0.1:{self.ports["engine"]}"\nprogram = "{self.options.temporal}"\n'
            f'folder = "{below("engine")}"\n'
            f'[api]\nlisten = "127.0.0.1:{self.ports["api"]}"\n'
            f'[worker]\nprogram = "{below("step.sh")}"\n'
            f'[logs]\nfolder = "{below("logs")}"\n'
        )

    def start(self, name: str, command: list[str], **variables: str) -> None:
        with open(self.folder / "said" / name, "ab") as said:
            # A session of its own has a group of processes, which ends as a whole, and gets no Ctrl-C.
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=self.folder, start_new_session=True,
                env={**os.environ, **variables},
            )

    def trixd(self, name: str, *arguments: str, **variables: str) -> None:
        self.start(name, [str(self.options.trixd), "--config", str(self.settings), *arguments], **variables)

    def start_postgres(self) -> None:
        data = self.folder / "postgres"
        data.mkdir(mode=0o700)
        as_postgres: list[str] = []
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            shutil.chown(data, "postgres", "postgres")
            as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        make = [f"{self.programs}/initdb", "-D", f"{data}", "-U", "trix", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run([*as_postgres, *make], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
        values = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            # Workers have two connections, other processes up to twenty.
            "max_connections": str(2 * self.options.workers + 100),
        }
        if (self.programs.parent / "lib" / "pg_stat_statements.so").exists():
            values |= {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "off"}
        settings = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
        self.start("postgres", [*as_postgres, f"{self.programs}/postgres", "-D", f"{data}", "-p", str(self.ports["postgres"]), *settings])
        self.until(30, "PostgreSQL", lambda: self.sql("SELECT 1") == "1")

    def sql(self, query: str) -> str:
        place = ["-h", "127.0.0.1", "-p", str(self.ports["postgres"]), "-U", "trix", "-d", "postgres"]
        done = subprocess.run([f"{self.programs}/psql", *place, "-XAtqc", query], capture_output=True, text=True, cwd=self.folder)
        return done.stdout.strip()

    def until(self, most: float, what: str, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + most
        while not is_so():
            if time.monotonic() > end:
                raise SystemExit(f"bench-service: {what} is not there after {most:.0f} s; see {self.folder}/said")
            time.sleep(0.1)

    def listens(self, name: str) -> bool:
        with socket.socket() as own:
            return own.connect_ex(("127.0.0.1", self.ports[name])) == 0

    def start_base(self) -> None:
        """Starts all but the workers."""
        self.start_postgres()
        add = [str(self.options.trixd), "--config", str(self.settings), "user", "load", "--role", "operator"]
        # This also makes the tables.
        subprocess.run(add, input=b"a long password\n", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.trixd("engine", "engine")
        self.until(60, "the engine", lambda: self.listens("engine"))
        self.trixd("dispatcher", "dispatcher")
        self.trixd("api", "api")
        self.until(60, "the API server", lambda: self.listens("api"))

    def start_workers(self) -> None:
        for number in range(self.options.workers):
            name = f"worker-{number + 1:03}"
            seconds = {"TRIX_STEP_SECONDS": str(self.options.step), "TRIX_STEP_SHORT": str(SHORT)}
            self.trixd(name, "--index", str(number + 1), "worker", TRIXD_WORKER_NAME=name, **seconds)

    def end(self) -> None:
        """Ends all processes: PostgreSQL and the engine last. What still runs then is killed with its group."""
        base = ["engine", "postgres"]
        others = [name for name in self.processes if name not in base]
        for names in [others, *([name] for name in base if name in self.processes)]:
            for name in names:
                if self.processes[name].poll() is None:
                    self.processes[name].send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            end = time.monotonic() + 20
            for name in names:
                try:
                    self.processes[name].wait(max(0.1, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    pass
            for name in names:
                try:
                    os.killpg(self.processes[name].pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                self.processes[name].wait()
        if self.options.keep:
            say(f"the files are in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ended(self) -> list[str]:
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def warnings(self) -> Counter[tuple[str, str]]:
        """How often each role logged each warning."""
        found: Counter[tuple[str, str]] = Counter()
        for path in (self.folder / "logs").rglob("*.log"):
            role = path.relative_to(self.folder / "logs").parts[0]
            with open(path, errors="replace") as lines:
                for line in lines:
                    if '"WARN"' not in line and '"ERROR"' not in line:
                        continue
                    try:
                        own = json.loads(line)
                    except ValueError:
                        continue
                    text = f"{own.get('message', '')} {own.get('error', '')}".strip()
                    found[role, re.sub(r"[0-9a-f]{8,}|\d+", "N", text)[:140]] += 1
        return found


    def engine_times(self) -> dict[tuple[str, str], tuple[float, float]]:
        """How often the engine did each operation, and the seconds of all of them, as it tells Prometheus."""
        place = re.search(r"http://(localhost:\d+/metrics)", (self.folder / "said" / "engine").read_text(errors="replace"))
        if not place:
            return {}
        with urllib.request.urlopen(f"http://{place[1]}", timeout=10) as answer:
            text = answer.read().decode()
        found: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        # The history is the part of the server that writes down what happens to workflows, so it is also the part that is slow first.
        line = r'^(service|persistence)_latency_(count|sum)\{[^}]*operation="(\w+)"[^}]*service_name="history"[^}]*\} (\S+)$'
        for kind, which, operation, value in re.findall(line, text, re.M):
            found[kind, operation][which == "sum"] += float(value)
        return {key: (count, total) for key, (count, total) in found.items()}
