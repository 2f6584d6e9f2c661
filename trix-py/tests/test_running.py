"""Jobs while they run: events, progress, cancellation, the log."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import numpy as np
import pytest
import trix
from conftest import interrupted, listing, script, slow
from trix import records


def test_a_callable_gets_every_event(clip: Path, tmp_path: Path) -> None:
    events: list[records.Event] = []
    trix.encode(clip, tmp_path / "copy.mkv", video=trix.X264(preset="ultrafast"), progress=events.append)
    stages = [event.stage for event in events if isinstance(event, records.StageBeganEvent)]
    assert stages == ["plan", "encode", "verify"]
    done = [event for event in events if isinstance(event, records.OutputDoneEvent)]
    assert [(event.path, event.bytes) for event in done] == [(str(tmp_path / "copy.mkv"), (tmp_path / "copy.mkv").stat().st_size)]
    progress = [event for event in events if isinstance(event, records.ProgressEvent)]
    assert max(event.frames for event in progress) == 50
    assert isinstance(events[-1], records.JobEndedEvent) and events[-1].error is None
    for event in events:
        assert records.JobEndedEvent.from_dict(event.to_dict()) if event is events[-1] else event.to_dict()["type"]


def test_what_a_callable_raises_stops_the_job_and_comes_out(long_clip: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def tell(event: records.Event) -> None:
        if isinstance(event, records.ProgressEvent):
            raise Enough

    with pytest.raises(Enough):
        trix.run(slow(long_clip, tmp_path), progress=tell)
    assert listing(tmp_path) == []


def test_ctrl_c_stops_a_job_and_leaves_nothing(long_clip: Path, tmp_path: Path) -> None:
    assert interrupted(lambda: trix.run(slow(long_clip, tmp_path)), after=1.0) < 0.5
    assert listing(tmp_path) == []


def test_ctrl_c_ends_an_encoder_that_is_busy(tmp_path: Path) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (4, 720, 1280, 3), np.uint8)

    def work() -> None:
        with trix.Encoder(tmp_path / "busy.mkv", video=trix.X265(preset="veryslow"), fps=25) as encoder:
            for number in range(1000):
                encoder.write(pictures[number % 4])

    assert interrupted(work, after=2.0) < 0.5
    assert listing(tmp_path) == []


def test_a_program_may_end_while_jobs_run(long_clip: Path, tmp_path: Path) -> None:
    found = script(
        """
        import sys, numpy as np, trix
        job = {"source": {"path": sys.argv[1]}, "outputs": [{"path": sys.argv[2] + "/slow.mkv", "video": "x265"}]}
        running = trix.start(job)
        encoder = trix.Encoder(sys.argv[2] + "/open.mkv", video=trix.X265(), fps=25)
        for number in range(30):
            encoder.write(np.full((360, 640, 3), number, np.uint8))
        for event in running:
            if event.type == "progress" and event.frames:
                break
        print("ends")
        """,
        long_clip,
        tmp_path,
    )
    assert (found.stdout, found.stderr, found.returncode) == ("ends\n", "", 0)
    assert listing(tmp_path) == []


def test_a_started_job_is_watched_cancelled_and_waited_for(clip: Path, long_clip: Path, tmp_path: Path) -> None:
    with trix.start({"source": {"path": str(clip)}, "outputs": [{"path": str(tmp_path / "copy.mkv"), "video": "copy"}]}) as job:
        events = list(job)
        assert isinstance(events[-1], records.JobEndedEvent)
        report = job.result()
        assert job.done and job.result() is report
    job = trix.start(slow(long_clip, tmp_path))
    for event in job:
        if isinstance(event, records.ProgressEvent):
            job.cancel()
    with pytest.raises(trix.Cancelled):
        job.result()
    # A job that is dropped is cancelled.
    started = trix.start(slow(long_clip, tmp_path))
    next(started)
    del started
    deadline = time.monotonic() + 5
    while listing(tmp_path) != ["copy.mkv"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert listing(tmp_path) == ["copy.mkv"]


def test_asyncio_runs_jobs_and_cancels_them_with_their_task(clip: Path, long_clip: Path, tmp_path: Path) -> None:
    async def both() -> None:
        quick = {"source": {"path": str(clip)}, "outputs": [{"path": str(tmp_path / "copy.mkv"), "video": "copy"}]}
        report = await trix.aio.run(quick)
        assert report.outputs[0].path == str(tmp_path / "copy.mkv")
        task = asyncio.create_task(trix.aio.run(slow(long_clip, tmp_path)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(both())
    assert listing(tmp_path) == ["copy.mkv"]


def test_a_wait_that_is_given_up_loses_no_event(clip: Path, tmp_path: Path) -> None:
    job = {"source": {"path": str(clip)}, "outputs": [{"path": str(tmp_path / "a.mkv"), "video": {"type": "x265"}}]}

    async def kinds() -> list[str]:
        found, events = [], trix.aio.events(trix.start(job))
        while True:
            try:
                event = await asyncio.wait_for(anext(events), 0.001)
            # Python 3.10 has two classes for it.
            except (TimeoutError, asyncio.TimeoutError):
                continue
            except StopAsyncIteration:
                return found
            found.append(event.type)

    found = asyncio.run(kinds())
    assert [kind for kind in found if kind != "progress"] == [*["stage_began"] * 3, "output_done", "job_ended"]


def test_asyncio_tells_progress_and_errors(clip: Path, tmp_path: Path) -> None:
    events: list[str] = []
    job = {"source": {"path": str(clip)}, "outputs": [{"path": str(tmp_path / "a.mkv"), "video": "copy"}]}
    asyncio.run(trix.aio.run(job, progress=lambda event: events.append(event.type)))
    assert events[-1] == "job_ended"
    with pytest.raises(FileExistsError):
        asyncio.run(trix.aio.run(job))


def test_progress_is_a_bool_or_a_callable(clip: Path, tmp_path: Path) -> None:
    for wrong in ("yes", 1, []):
        with pytest.raises(TypeError, match="progress"):
            trix.encode(clip, tmp_path / "a.mkv", video="copy", progress=wrong)  # type: ignore[arg-type]
    assert listing(tmp_path) == []


def test_a_bar_shows_the_progress(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    trix.encode(clip, tmp_path / "copy.mkv", video=trix.X264(preset="ultrafast"), progress=True)
    shown = capsys.readouterr().err
    assert "encode" in shown and "50/50" in shown


def test_damage_goes_to_the_log(damaged_clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = {
        "source": {"path": str(damaged_clip), "on_damage": "conceal"},
        "outputs": [{"path": str(tmp_path / "copy.mkv"), "video": {"type": "x264", "preset": "ultrafast"}, "audio": "none"}],
    }
    with caplog.at_level(logging.WARNING, "trix"):
        trix.run(job, progress=lambda event: None)
    assert sum("damaged" in record.message for record in caplog.records) == 1
    # A program that reads no events learns of it with the result.
    caplog.clear()
    with caplog.at_level(logging.WARNING, "trix"):
        trix.start(job, overwrite=True).result()
    assert sum("damaged" in record.message for record in caplog.records) == 1


def test_the_result_of_a_job_can_be_asked_for_again(tmp_path: Path) -> None:
    job = {"source": {"path": str(tmp_path / "missing.mov")}, "outputs": [{"path": str(tmp_path / "a.mkv")}]}
    running = trix.start(job)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            running.result()


def test_a_block_waits_for_its_job(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.mkv"
    with trix.start({"source": {"path": str(clip)}, "outputs": [{"path": str(out), "video": "copy"}]}):
        pass
    assert out.exists()
    with trix.start({"source": {"path": str(clip)}, "outputs": [{"path": str(tmp_path / "b.mkv"), "video": "x265"}]}) as running:
        running.cancel()
    assert running.done and not (tmp_path / "b.mkv").exists()


def test_numbers_of_numpy_are_numbers(clip: Path, tmp_path: Path) -> None:
    video = trix.X264(crf=np.float32(30), preset="ultrafast")  # type: ignore[arg-type]
    report = trix.encode(clip, tmp_path / "a.mkv", video=video, frames=np.int64(5))  # type: ignore[arg-type]
    assert report.outputs[0].ledger.emitted == 5
