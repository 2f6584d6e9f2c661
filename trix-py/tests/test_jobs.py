"""Jobs: planned, run, watched, cancelled."""

from __future__ import annotations

import asyncio
import faulthandler
import hashlib
import json
import logging
import math
import os
import pickle
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trix
from conftest import ffmpeg
from test_doorway import interrupted, long_clip, script  # noqa: F401
from trix import jobs, records


def planes(path: Path, format: str) -> bytes:
    return ffmpeg("-i", path, "-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", format, "-fps_mode", "passthrough", "-")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listing(folder: Path) -> list[str]:
    """All names in a folder, hidden ones too."""
    return sorted(os.listdir(folder))


def test_a_lossless_copy_has_the_planes_of_its_source(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.mkv"
    report = trix.encode(clip, target, video=trix.Ffv1(), audio=trix.Flac(), verify="full")
    assert planes(target, "yuv420p") == planes(clip, "yuv420p")
    samples = [ffmpeg("-i", path, "-map", "0:a", "-f", "s16le", "-") for path in (clip, target)]
    assert samples[0] == samples[1]
    [output] = report.outputs
    assert output.ledger is not None and (output.ledger.emitted, output.ledger.found) == (50, 50)
    assert output.verification.lossless_frames == 50
    assert all(check.ok for check in output.verification.checks)
    assert (output.path, output.bytes) == (str(target), target.stat().st_size)
    assert listing(tmp_path) == ["copy.mkv"]


def test_settings_reach_the_encoder(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.mkv"
    video = trix.X265(depth=10, crf=30, preset="ultrafast", params={"aq-mode": "2"})
    trix.encode(clip, target, video=video, audio="none", picture={"size": "128x72"}, start=0.4, frames=10)
    info = trix.probe(target)
    assert info.video is not None and info.video.video is not None
    assert (info.video.codec, info.video.video.bit_depth, info.video.video.width) == ("hevc", 10, 128)
    settings = info.video.encoder_settings or ""
    assert "crf=30.0" in settings and "aq-mode=2" in settings
    with trix.open(target) as source:
        assert len(source) == 10
    assert info.audio == []


def test_every_form_of_a_job_gives_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    def of(name: str) -> jobs.Job:
        video = trix.X264(crf=30, preset="ultrafast")
        output = jobs.OutputSettings(path=str(tmp_path / name), video=video, audio=trix.Aac(kbps=96))
        source = jobs.SourceSettings(path=str(clip), start=Fraction(2, 5), duration=0.8)
        return trix.Job(source=source, outputs=[output], threads=1)

    toml = f"""
    threads = 1
    [source]
    path = "{clip}"
    start = "2/5"
    duration = "0.8"
    [[outputs]]
    path = "{tmp_path}/text.mp4"
    video = {{ type = "x264", crf = 30, preset = "ultrafast" }}
    audio = {{ type = "aac", kbps = 96 }}
    """
    (tmp_path / "job.toml").write_text(toml.replace("text.mp4", "file.mp4"))
    trix.run(of("class.mp4"))
    trix.run(of("dict.mp4").to_dict())
    trix.run(toml)
    trix.run(tmp_path / "job.toml")
    planned = trix.plan(of("plan.mp4"))
    trix.run(pickle.loads(pickle.dumps(planned)))
    (tmp_path / "plan.json").write_text(json.dumps(trix.plan(of("stored.mp4")).to_dict()))
    trix.run(tmp_path / "plan.json")
    names = ["class.mp4", "dict.mp4", "file.mp4", "plan.mp4", "stored.mp4", "text.mp4"]
    assert len({sha256(tmp_path / name) for name in names}) == 1
    with trix.open(tmp_path / "class.mp4") as source:
        assert len(source) == 20


def test_variables_and_settings_are_set(clip: Path, tmp_path: Path) -> None:
    job = {
        "source": {"path": str(clip)},
        "variables": {"quality": 20},
        "outputs": [{"path": "${stem}-${quality}.mkv", "video": {"type": "x264", "crf": "${quality}"}}],
    }
    report = trix.run(job, set={"quality": 33, "outputs[0].video.preset": "ultrafast"}, output=tmp_path / "new")
    assert [output.path for output in report.outputs] == [str(tmp_path / "new" / "clip-33.mkv")]
    assert (tmp_path / "new" / "clip-33.mkv").is_file()


def test_all_mistakes_come_at_once_with_their_places(clip: Path, tmp_path: Path) -> None:
    job = {
        "source": {"path": str(clip)},
        "outputs": [{"path": str(tmp_path / "a.mp4"), "video": {"type": "x264", "depth": 12, "preset": "fastest"}}],
    }
    for call in (trix.run, trix.plan):
        with pytest.raises(trix.InvalidSpec) as caught:
            call(job)
        mistakes = {mistake.place: mistake for mistake in caught.value.mistakes}
        assert set(mistakes) == {"outputs[0].video.depth", "outputs[0].video.preset"}
        assert mistakes["outputs[0].video.depth"].value == "12" and "10" in mistakes["outputs[0].video.depth"].problem
        again = pickle.loads(pickle.dumps(caught.value))
        assert again.mistakes == caught.value.mistakes and str(again) == str(caught.value)
    with pytest.raises(ValueError, match="unknown|codec|key"):
        trix.run({"source": {"path": str(clip)}, "outputs": [{"path": "a.mp4", "codec": "x264"}]})
    for wrong in (17, None, b"job.toml"):
        with pytest.raises(TypeError):
            trix.run(wrong)  # type: ignore[arg-type]


def test_a_job_with_mistakes_makes_no_folder(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.mp4"
    with pytest.raises(trix.InvalidSpec):
        trix.encode(clip, target, video=trix.X264(depth=12))
    assert listing(tmp_path) == []
    trix.encode(clip, target, video=trix.X264(preset="ultrafast"))
    assert listing(target.parent) == ["a.mp4"]


def test_a_taken_name_is_refused_and_replaced_on_request(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.mkv"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        trix.encode(clip, target, video="copy")
    assert target.read_text() == "mine"
    trix.encode(clip, target, video="copy", overwrite=True)
    assert planes(target, "yuv420p") == planes(clip, "yuv420p")


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


def slow(source: Path, folder: Path) -> dict[str, Any]:
    """A job that takes half a minute."""
    video = {"type": "x265", "preset": "slow"}
    return {"source": {"path": str(source)}, "outputs": [{"path": str(folder / "slow.mkv"), "video": video}]}


def test_what_a_callable_raises_stops_the_job_and_comes_out(long_clip: Path, tmp_path: Path) -> None:  # noqa: F811
    class Enough(Exception):
        pass

    def tell(event: records.Event) -> None:
        if isinstance(event, records.ProgressEvent):
            raise Enough

    with pytest.raises(Enough):
        trix.run(slow(long_clip, tmp_path), progress=tell)
    assert listing(tmp_path) == []


def test_ctrl_c_stops_a_job_and_leaves_nothing(long_clip: Path, tmp_path: Path) -> None:  # noqa: F811
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


def test_a_program_may_end_while_jobs_run(long_clip: Path, tmp_path: Path) -> None:  # noqa: F811
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


def test_a_started_job_is_watched_cancelled_and_waited_for(clip: Path, long_clip: Path, tmp_path: Path) -> None:  # noqa: F811
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


def test_asyncio_runs_jobs_and_cancels_them_with_their_task(clip: Path, long_clip: Path, tmp_path: Path) -> None:  # noqa: F811
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
    assert any("damaged" in record.message for record in caplog.records)


def test_a_report_is_data_and_reads_well(clip: Path, tmp_path: Path) -> None:
    job = {
        "source": {"path": str(clip)},
        "hash": True,
        "outputs": [{"path": str(tmp_path / "copy.mkv"), "video": {"type": "x264", "preset": "ultrafast"}}],
        "stills": [{"type": "poster", "path": str(tmp_path / "poster.png")}],
    }
    report = trix.run(job)
    data = report.to_dict()
    assert json.loads(json.dumps(data)) == data
    again = trix.Report.from_dict(data)
    assert again == report and pickle.loads(pickle.dumps(report)) == report
    assert report.outputs[0].sha256 == sha256(tmp_path / "copy.mkv")
    assert "50 frames" in repr(report) and "checks passed" in repr(report)
    page = report._repr_html_()
    assert "data:image/png;base64," in page and "✓" in page and "✗" not in page


def test_verify_tells_sound_files_from_damaged_ones(clip: Path, tmp_path: Path) -> None:
    report = trix.verify(clip)
    assert report.ok and "sound" in repr(report) and all(check.ok for check in report.checks)
    copy = tmp_path / "copy.mkv"
    trix.encode(clip, copy, video=trix.Ffv1(), audio="none")
    assert trix.verify(copy, against=clip).ok
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 0xFF
    copy.write_bytes(data)
    damaged = trix.verify(copy)
    assert not damaged.ok and "NOT sound" in repr(damaged)
    assert [check.name for check in damaged.checks if not check.ok] == ["damage"]


def test_compare_finds_the_first_frame_that_differs(clip: Path, tmp_path: Path) -> None:
    same, other = tmp_path / "same.mkv", tmp_path / "other.mkv"
    trix.encode(clip, same, video=trix.Ffv1(), audio="none")
    trix.encode(clip, other, video=trix.X264(crf=35, preset="ultrafast"), audio="none")
    assert trix.compare(clip, same).first_difference is None
    found = trix.compare(clip, other, metrics=["psnr"])
    assert found.first_difference is not None
    # The program's own measure of the same frames.
    graph = "[0:v][1:v]psnr=stats_file=-"
    command = ["ffmpeg", "-v", "error", "-i", clip, "-i", other, "-lavfi", graph, "-f", "null", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    errors = [float(line.split("mse_y:")[1].split()[0]) for line in lines]
    assert len(errors) == found.score.frames == 50
    luma = next(plane for plane in found.score.planes if plane.plane == "Y")
    assert luma.psnr_db == pytest.approx(10 * math.log10(255**2 * 50 / sum(errors)), abs=0.01)
    short = tmp_path / "short.mkv"
    trix.encode(clip, short, video=trix.Ffv1(), audio="none", frames=10)
    with pytest.raises(trix.VerificationError):
        trix.compare(clip, short)
    with pytest.raises(ValueError, match="vmaf"):
        trix.compare(clip, same, metrics=["vmaf"])  # type: ignore[list-item]


def test_ingest_makes_what_the_command_line_makes(clip: Path, tmp_path: Path) -> None:
    program = os.environ.get("TRIX_CLI")
    profile = tmp_path / "two.toml"
    profile.write_text(
        """
        threads = 1
        [[outputs]]
        path = "${stem}.mp4"
        video = { type = "x264", crf = 30, preset = "ultrafast" }
        audio = { type = "aac" }
        [[outputs]]
        path = "${stem}.mkv"
        video = { type = "ffv1" }
        audio = { type = "flac" }
        """
    )
    report = trix.ingest(clip, tmp_path / "python", profile=str(profile))
    assert listing(tmp_path / "python") == ["clip.manifest.json", "clip.mkv", "clip.mp4"]
    manifest = records.Manifest.from_dict(json.loads((tmp_path / "python" / "clip.manifest.json").read_text()))
    assert {file.name for file in manifest.files} == {"clip.mkv", "clip.mp4"}
    assert {file.sha256 for file in manifest.files} == {output.sha256 for output in report.outputs}
    if program is None:
        pytest.skip("TRIX_CLI does not name the command line")
    subprocess.run([program, "ingest", clip, "-o", tmp_path / "shell", "--profile", profile], check=True, capture_output=True)
    assert listing(tmp_path / "shell") == listing(tmp_path / "python")
    for name in ("clip.mkv", "clip.mp4"):
        assert sha256(tmp_path / "shell" / name) == sha256(tmp_path / "python" / name)


def test_two_hundred_encodes_keep_no_memory_and_no_thread(clip: Path, tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def turn(count: int) -> None:
        for _ in range(count):
            video = trix.X264(preset="ultrafast")
            trix.encode(clip, tmp_path / "copy.mkv", video=video, audio="none", frames=3, overwrite=True)

    turn(20)
    files, threads, memory = len(listing(Path("/proc/self/fd"))), len(listing(Path("/proc/self/task"))), resident()
    turn(200)
    assert len(listing(Path("/proc/self/fd"))) <= files
    assert len(listing(Path("/proc/self/task"))) <= threads
    assert resident() - memory < 48 << 20


def test_threads_decode_and_encode_at_once(clip: Path, tmp_path: Path) -> None:
    wanted = planes(clip, "yuv420p")

    def work(number: int) -> bool:
        path = tmp_path / f"{number}.mkv"
        if number % 3 == 0:
            trix.encode(clip, path, video=trix.Ffv1(), audio="none")
        else:
            with trix.open(clip) as source, trix.Encoder(path, video=trix.Ffv1(), fps=25) as encoder:
                for frame in source:
                    encoder.write(frame if number % 3 == 1 else tuple(frame.planes))
        return planes(path, "yuv420p") == wanted

    faulthandler.enable()
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(12)))
