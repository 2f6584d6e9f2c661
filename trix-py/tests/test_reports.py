"""Reports, checks, scores, and the ingest of a master."""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trix
from conftest import ffmpeg, listing, sha256
from trix import records


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


def test_a_plan_reads_well(deep_clip: Path, tmp_path: Path) -> None:
    job = {
        "source": {"path": str(deep_clip)},
        "outputs": [{"path": str(tmp_path / "copy.mp4"), "video": "x264", "compatible": True}],
        "stills": [{"type": "poster", "path": str(tmp_path / "poster.jpg")}],
    }
    plan = trix.plan(job)
    lines = str(plan).splitlines()
    assert lines[0] == f"Plan of {deep_clip}" and "MiB of memory at most" in lines[-1]
    decided = [f"    {decision.what}: {decision.why}" for decision in plan.outputs[0].content.decisions]
    at = lines.index(f"  {tmp_path}/copy.mp4")
    assert decided and lines[at + 1 : at + 1 + len(decided)] == decided
    assert f"  {tmp_path}/poster.jpg" in lines and "<pre>" in plan._repr_html_()


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
    assert repr(trix.compare(clip, same)) == "50 frames, all equal"
    found = trix.compare(clip, other, metrics=["psnr"])
    assert repr(found).startswith("50 frames, 0 equal; the first that differs is 0, at 0.000000 s\n  all     PSNR ")
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


def inputs_of(folder: Path) -> records.Inputs:
    return records.Manifest.from_dict(json.loads((folder / "clip.manifest.json").read_text())).inputs


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(
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
    return path


@pytest.fixture
def program() -> str:
    """The command. The wheel brings it; another one can be named."""
    found = os.environ.get("TRIX_CLI") or shutil.which("trix", path=Path(sys.executable).parent)
    if found is None:
        pytest.skip("there is no command line")
    return found


@pytest.mark.parametrize("name", ["copy.mp4", "copy.mkv"])
def test_an_encode_is_that_of_the_command_line(name: str, program: str, tmp_path: Path) -> None:
    master = tmp_path / "master.mov"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=192x108:duration=0.4", "-pix_fmt", "yuv422p10le", "-c:v", "prores_ks", master)
    (tmp_path / "shell").mkdir()
    (tmp_path / "python").mkdir()
    subprocess.run(
        [program, "encode", master, "-o", tmp_path / "shell" / name, "--video", "x264"], check=True, capture_output=True
    )
    trix.encode(master, tmp_path / "python" / name, video="x264")
    assert sha256(tmp_path / "shell" / name) == sha256(tmp_path / "python" / name)
    stated = trix.probe(tmp_path / "python" / name).streams[0].video
    assert stated is not None and stated.pixel_format == ("yuv420p" if name == "copy.mp4" else "yuv422p10le")


def test_an_ingest_lists_its_copies_and_keeps_them(clip: Path, profile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "python"
    report = trix.ingest(clip, folder, profile=str(profile))
    assert listing(folder) == ["clip.manifest.json", "clip.mkv", "clip.mp4"]
    manifest = records.Manifest.from_dict(json.loads((folder / "clip.manifest.json").read_text()))
    assert {file.name for file in manifest.files} == {"clip.mkv", "clip.mp4"}
    assert {file.sha256 for file in manifest.files} == {output.sha256 for output in report.outputs}
    made = [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())]
    assert trix.ingest(clip, folder, profile=str(profile), skip_existing=True) == report
    assert [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())] == made
    # A manifest of another job is a name that is taken.
    for name in ("clip.mkv", "clip.mp4"):
        (folder / name).unlink()
    with pytest.raises(FileExistsError, match="manifest"):
        trix.ingest(clip, folder, profile=str(profile), skip_existing=True)
    assert listing(folder) == ["clip.manifest.json"]
    trix.ingest(clip, folder, profile=str(profile), overwrite=True)
    assert listing(folder) == ["clip.manifest.json", "clip.mkv", "clip.mp4"]


def test_an_ingest_is_that_of_the_command_line(program: str, clip: Path, profile: Path, tmp_path: Path) -> None:
    arguments = ["--profile", str(profile), "--set", "source.on_damage=conceal"]
    subprocess.run([program, "ingest", clip, "-o", tmp_path / "shell", *arguments], check=True, capture_output=True)
    report = trix.ingest(clip, tmp_path / "python", profile=str(profile), set={"source.on_damage": "conceal"})
    assert listing(tmp_path / "shell") == listing(tmp_path / "python") == ["clip.manifest.json", "clip.mkv", "clip.mp4"]
    for name in ("clip.mkv", "clip.mp4"):
        assert sha256(tmp_path / "shell" / name) == sha256(tmp_path / "python" / name)
    assert inputs_of(tmp_path / "shell") == inputs_of(tmp_path / "python")
    # Either keeps what the other made.
    kept = subprocess.run(
        [program, "ingest", clip, "-o", tmp_path / "python", *arguments, "--skip-existing", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert trix.Report.from_dict(json.loads(kept.stdout)) == report


def test_an_ingest_takes_tracks_from_other_files(clip: Path, profile: Path, tmp_path: Path) -> None:
    dub = tmp_path / "dub.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=880:sample_rate=48000:duration=2", "-ac", "2", dub)
    track = trix.jobs.TrackSettings(path=str(dub), language="rus", title="Dub")
    trix.ingest(clip, tmp_path / "copies", profile=str(profile), tracks=[track])
    with trix.open(tmp_path / "copies" / "clip.mkv") as copy:
        tracks = copy.info.audio
        assert len(tracks) == 2 and tracks[1].language == "rus"
        found = copy.audio(stream=tracks[1].index, dtype="int16").read()
    wanted = np.frombuffer(ffmpeg("-i", dub, "-f", "s16le", "-"), "<i2").reshape(-1, 2)
    assert np.array_equal(found, wanted)
