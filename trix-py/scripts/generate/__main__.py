"""Writes the packages python/trix/records and python/trix/jobs from the JSON Schemas of the compiled module.

    python trix-py/scripts/generate          # writes both packages
    python trix-py/scripts/generate --check  # says which of their files are not up to date

`records` holds what Trix writes (plans, reports, descriptions of files), `jobs` what a user writes. The steps:

    schemas.py      the schemas of the compiled module, and their definitions
    names.py        the names of classes, as far as they are not those of the schemas
    annotations.py  the types of Python as texts
    classes.py      a class or an alias for each definition
    modules.py      the module of each class: the table to change when a document gets a new part
    write.py        the files as texts
"""

from __future__ import annotations

import sys
from pathlib import Path

import classes
import modules
import schemas
import write

FOLDER = Path(__file__).parents[2] / "python" / "trix"

# The documents that Trix writes.
WRITTEN = ["media-info", "plan", "report", "progress", "event", "verify", "compare", "doctor", "error", "manifest", "summary"]


def made() -> dict[Path, str]:
    """All files of both packages."""
    compiled = schemas.loaded()
    files = {}
    for package, names in ((modules.RECORDS, WRITTEN), (modules.JOBS, ["job"])):
        for_jobs = package is modules.JOBS
        own = classes.of_definitions(schemas.definitions(compiled, names), for_jobs=for_jobs)
        placed = modules.placed(package, own)
        for name, text in write.package(package, placed, base="Settings" if for_jobs else "Record").items():
            files[FOLDER / package.name / name] = text
    return files


def main() -> int:
    files = made()
    folders = {file.parent for file in files}
    superfluous = [file for folder in sorted(folders) for file in sorted(folder.glob("*.py")) if file not in files]
    stale = [file for file, text in files.items() if not file.exists() or file.read_text() != text]
    if "--check" in sys.argv:
        wrong = [f"{file.relative_to(FOLDER)} is not up to date" for file in stale]
        wrong += [f"{file.relative_to(FOLDER)} is superfluous" for file in superfluous]
        print("\n".join(wrong))
        return 1 if wrong else 0
    for folder in folders:
        folder.mkdir(exist_ok=True)
    for file in superfluous:
        file.unlink()
    for file in stale:
        file.write_text(files[file])
    return 0


if __name__ == "__main__":
    sys.exit(main())
