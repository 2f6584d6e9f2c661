"""Jobs as the compiled module takes them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from . import jobs, records
from ._arguments import path_of
from ._record import _plain

Job: TypeAlias = "jobs.Job | records.Plan | Mapping[str, Any] | str | os.PathLike[str]"
"""A job as dataclass or dict, as TOML text, or the path of a job file; or a plan."""


def work_of(job: Job, set: Mapping[str, Any] | None, output: str | os.PathLike[str] | None, overwrite: bool) -> str:
    """What the compiled module runs, as JSON."""
    if isinstance(job, records.Plan):
        if set or output is not None:
            raise ValueError("a plan runs as it is; set and output belong to a job")
        return json.dumps({"kind": "plan", "plan": json.dumps(job.to_dict()), "overwrite": overwrite})
    folder = None if output is None else path_of(output)
    common = {"set": pairs(set), "folder": folder, "overwrite": overwrite}
    if isinstance(job, (jobs.Job, Mapping)):
        text = json.dumps(_plain(job))
        return json.dumps({"kind": "text", "text": text, "language": "json", **common})
    if isinstance(job, str) and "\n" in job:
        return json.dumps({"kind": "text", "text": job, "language": "toml", **common})
    if isinstance(job, (str, os.PathLike)):
        path = path_of(job)
        found = _plan_of(Path(path))
        if found is not None:
            return work_of(found, set, output, overwrite)
        return json.dumps({"kind": "file", "path": path, **common})
    raise TypeError(f"a job is a trix.jobs.Job, a dict, TOML text, a path or a trix.records.Plan, not {type(job).__name__}")


def _plan_of(path: Path) -> records.Plan | None:
    """The plan in a file; None if it holds something else."""
    if path.suffix != ".json":
        return None
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    # A job has neither of these keys, and a report not the second.
    if isinstance(data, dict) and "trix" in data and "external_audio" in data:
        return records.Plan.from_dict(data)
    return None


def given(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def pairs(set: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else str(_plain(value))

    return [(key, text(value)) for key, value in (set or {}).items()]
