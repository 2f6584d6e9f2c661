"""Reports, checks, scores, and the ingest of a master."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
from pathlib import Path

import pytest
import trix
from conftest import listing, sha256
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
