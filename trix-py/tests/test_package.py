"""The package as it is installed: its names, its import."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import trix


def test_every_name_is_there() -> None:
    for name in trix.__all__:
        assert getattr(trix, name) is getattr(trix, name)
        assert name in dir(trix)
    assert trix.aio.run and trix.service.Client and trix.jobs.Job is trix.Job and trix.records.Plan is trix.Plan
    with pytest.raises(AttributeError, match="opne"):
        trix.opne  # type: ignore[attr-defined]


def test_import_loads_no_more_than_it_needs() -> None:
    later = ("asyncio", "numpy", "trix.records", "trix.jobs", "trix.service", "urllib.request")
    program = f"import sys, trix; print([name for name in {later} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"


def test_records_are_equal_by_their_fields(clip: Path) -> None:
    one, other = trix.probe(clip), trix.probe(clip)
    assert one == other and one is not other
    other.streams[0].codec = "av1"
    assert one != other and one != one.to_dict() and trix.X264() != trix.X265()
    with pytest.raises(TypeError):
        hash(one)


def test_jobs_plans_and_events_pickle(clip: Path, tmp_path: Path) -> None:
    output = trix.jobs.OutputSettings(path=str(tmp_path / "copy.mkv"), video=trix.X264(preset="ultrafast"), audio="flac")
    job = trix.Job(source=trix.jobs.SourceSettings(path=str(clip), start=0.4), outputs=[output])
    plan = trix.plan(pickle.loads(pickle.dumps(job)))
    again = pickle.loads(pickle.dumps(plan))
    assert again == plan == copy.deepcopy(plan) and again.to_dict() == plan.to_dict()
    events: list[trix.records.Event] = []
    report = trix.run(again, progress=events.append)
    assert report.outputs[0].ledger is not None and report.outputs[0].ledger.found == 40
    assert pickle.loads(pickle.dumps(events)) == events
