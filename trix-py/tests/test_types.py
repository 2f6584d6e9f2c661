"""The stubs are those of the compiled module, and the types of the package and of the examples are whole."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def checked(module: str, *arguments: str) -> None:
    """Runs a checker of types, which has to find nothing."""
    pytest.importorskip(module.split(".")[0])
    found = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_stubs_are_those_of_the_compiled_module() -> None:
    checked("mypy.stubtest", "trix._trix")


def test_the_package_is_typed() -> None:
    checked("mypy", "--strict", "-p", "trix")


def test_programs_that_use_the_package_are_checked_strictly() -> None:
    checked("pyright", "--pythonpath", sys.executable, "--project", ".")


def test_a_wrong_program_is_found(tmp_path: Path) -> None:
    program = tmp_path / "wrong.py"
    program.write_text("import trix\n\nwith trix.open('a.mov') as source:\n    name: str = source[0].width\n")
    with pytest.raises(AssertionError, match="int"):
        checked("mypy", "--strict", str(program))


def test_the_package_is_marked_as_typed() -> None:
    files = importlib.metadata.files("trix-media") or []
    assert {"trix/py.typed", "trix/_trix.pyi"} <= {str(file) for file in files}
