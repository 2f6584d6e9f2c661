"""The code of the pages runs, in order."""

from __future__ import annotations

import doctest
import importlib
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import trix
from conftest import ffmpeg

ROOT = Path(__file__).parent.parent
PAGE = ROOT.parent / "docs/python.md"


def blocks(text: str, language: str) -> list[str]:
    """The code of a page; each block keeps its line, so that an error tells it."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text[: block.start(1)].count("\n") + block.group(1) for block in found]


def parts(page: Path) -> dict[str, str]:
    """The text of a page under each of its numbered headings, and what is before them under ""."""
    text = page.read_text()
    headings = [*re.finditer(r"^### (\d+\. .+)$", text, re.MULTILINE)]
    starts = [0, *(heading.start() for heading in headings)]
    stops = [*starts[1:], len(text)]
    names = ["", *(heading.group(1) for heading in headings)]
    # The lines of a part keep their numbers.
    return {name: "\n" * text[:start].count("\n") + text[start:stop] for name, start, stop in zip(names, starts, stops)}


PARTS = parts(PAGE)
IMPORTS, *TASKS = PARTS


@pytest.fixture(scope="session")
def named(clip: Path, clips: Path) -> dict[str, Path]:
    """The files that the pages name."""
    lines = clips / "lines.srt"
    lines.write_text("1\n00:00:00,500 --> 00:00:01,500\nA line.\n")
    subtitled, delivery = clips / "subtitled.mkv", clips / "delivery.mp4"
    ffmpeg("-i", clip, "-i", lines, "-map", "0", "-map", "1", "-c", "copy", subtitled)
    ffmpeg("-i", clip, "-crf", "30", delivery)
    return {"master.mov": clip, "film.mov": clip, **{path.name: path for path in (lines, subtitled, delivery)}}


@pytest.fixture
def folder(named: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages name. It is the current one."""
    for name, path in named.items():
        shutil.copy(path, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(page: Path, code: list[str]) -> None:
    names: dict[str, object] = {}
    for block in code:
        exec(compile(block, str(page), "exec"), names)
    # Nothing is left beside the files that the page names.
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("name", "least"), [("README.md", 6), ("../README.md", 1)])
def test_every_block_of_a_page_runs(name: str, least: int) -> None:
    code = blocks((ROOT / name).read_text(), "python")
    assert len(code) >= least
    run(ROOT / name, code)


def test_the_page_has_sixteen_tasks_side_by_side() -> None:
    assert [heading.split(".")[0] for heading in TASKS] == [str(number) for number in range(1, 17)]
    for heading in (IMPORTS, *TASKS):
        assert [len(blocks(PARTS[heading], language)) for language in ("py", "python")] == [1, 1], heading


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("heading", TASKS)
def test_a_task_with_trix(heading: str) -> None:
    run(PAGE, blocks(PARTS[IMPORTS], "python") + blocks(PARTS[heading], "python"))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("heading", TASKS)
def test_a_task_as_scripts_do_it_today(heading: str) -> None:
    for module in ("av", "ffmpeg"):
        pytest.importorskip(module)
    run(PAGE, blocks(PARTS[IMPORTS], "py") + blocks(PARTS[heading], "py"))


@pytest.mark.parametrize(("name", "said"), [("contact_sheet.py", "1 frames"), ("watch_job.py", "ok: tracks: 2")])
def test_every_example_runs(name: str, said: str, clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), str(clip), str(tmp_path / "out.mkv")]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said in found.stdout
    assert found.stderr == ""
    assert trix.verify(tmp_path / "out.mkv").ok


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["", ".source", ".frame", ".running", ".encoder"])
def test_every_example_of_a_docstring_runs(name: str) -> None:
    module = importlib.import_module("trix" + name)
    names = {"trix": trix, "np": np, "Fraction": Fraction}
    found = doctest.testmod(module, globs=names)
    assert found.attempted >= 1 and found.failed == 0
