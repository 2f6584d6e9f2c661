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

ROOT = Path(__file__).parent.parent


def blocks(page: Path) -> list[str]:
    """The code of a page; each block keeps its line, so that an error tells it."""
    text = page.read_text()
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text[: block.start(1)].count("\n") + block.group(1) for block in found]


@pytest.mark.parametrize(("page", "least"), [("README.md", 6), ("../docs/python.md", 16)])
def test_every_block_of_a_page_runs(
    page: str, least: int, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clip, tmp_path / "master.mov")
    code = blocks(ROOT / page)
    assert len(code) >= least
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in code:
        exec(compile(block, page, "exec"), names)
    # Nothing is left beside the files that the page names.
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("name", "said"), [("contact_sheet.py", "1 frames"), ("watch_job.py", "ok: tracks: 2")])
def test_every_example_runs(name: str, said: str, clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), str(clip), str(tmp_path / "out.mkv")]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said in found.stdout
    assert found.stderr == ""
    assert trix.verify(tmp_path / "out.mkv").ok


@pytest.mark.parametrize("name", ["", ".source", ".frame", ".running", ".encoder"])
def test_every_example_of_a_docstring_runs(
    name: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clip, tmp_path / "master.mov")
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("trix" + name)
    names = {"trix": trix, "np": np, "Fraction": Fraction}
    found = doctest.testmod(module, globs=names)
    assert found.attempted >= 1 and found.failed == 0
