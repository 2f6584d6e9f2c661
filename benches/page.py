"""Writes what a bench found into docs/benchmarks.md, between two lines that name the bench."""

from __future__ import annotations

import os
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def write(name: str, text: str, figures: Path) -> None:
    """Replaces what stands between the lines of `name`. `figures` is the JSON file with all figures."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = PAGE.read_text().split(begin)
    link = os.path.relpath(figures, PAGE.parent)
    PAGE.write_text(f"{before}{begin}\n{text}\n[All figures]({link}).\n\n{end}{rest.split(end, 1)[1]}")
