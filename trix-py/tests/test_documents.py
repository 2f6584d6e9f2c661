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


def blocks(page: Path, language: str) -> list[str]:
    """The code of a page; each block keeps its line, so that an error tells it."""
    text = page.read_text()
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text[: block.start(1)].count("\n") + block.group(1) for block in found]


@pytest.fixture
def folder(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages name. It is the current one."""
    for name in ("master.mov", "film.mov"):
        shutil.copy(clip, tmp_path / name)
    (tmp_path / "lines.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nA line.\n")
    ffmpeg("-i", clip, "-i", tmp_path / "lines.srt", "-map", "0", "-map", "1", "-c", "copy", tmp_path / "subtitled.mkv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(page: str, code: list[str]) -> None:
    names: dict[str, object] = {}
    for block in code:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize(("page", "least"), [("README.md", 6), ("../README.md", 1), ("../docs/python.md", 16)])
def test_every_block_of_a_page_runs(page: str, least: int, folder: Path) -> None:
    code = blocks(ROOT / page, "python")
    assert len(code) >= least
    run(page, code)
    # Nothing is left beside the files that the page names.
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("folder")
def test_what_scripts_do_today_is_told_as_it_is() -> None:
    for module in ("av", "ffmpeg"):
        pytest.importorskip(module)
    page = "../docs/python.md"
    others = blocks(ROOT / page, "py")
    # One block of imports, and one for each task.
    assert len(others) == 16
    run(page, others)


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
