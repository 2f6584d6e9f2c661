"""Jobs: written, planned, run."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from pathlib import Path

import pytest
import trix
from conftest import ffmpeg, listing, planes, sha256
from trix import jobs


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
