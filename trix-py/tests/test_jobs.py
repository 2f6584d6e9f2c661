"""Jobs: written, planned, run."""

from __future__ import annotations

import json
import os
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


def test_settings_of_every_type_are_set(clip: Path, tmp_path: Path) -> None:
    job = {"source": {"path": str(clip)}, "outputs": [{"path": "a.mkv", "video": {"type": "x264", "preset": "ultrafast"}}]}
    given = {
        "outputs[0].video.params": {"aq-mode": "2"},
        "outputs[0].video.force_keyframes": ["0.5", "1"],
        "outputs[0].video.rate": {"type": "qp", "value": 30},
        "hash": True,
    }
    plan = trix.plan(job, set=given, output=tmp_path)
    video = plan.encodes[0]
    assert plan.hash is True and "30" in str(video)
    with pytest.raises(ValueError, match="hash"):
        trix.plan(job, set={"hash": None})


def test_text_of_one_line_is_a_job(clip: Path, tmp_path: Path) -> None:
    text = 'outputs = [{path = "a.mkv", video = "copy"}]'
    plan = trix.plan(text, set={"source.path": str(clip)}, output=tmp_path)
    assert plan.outputs[0].path == str(tmp_path / "a.mkv")
    with pytest.raises(trix.InvalidSpec):
        trix.plan('source = {path = "missing.mov"')
    odd = tmp_path / "a=b.toml"
    odd.write_text(text)
    for path in (odd, str(odd)):
        assert trix.plan(path, set={"source.path": str(clip)}, output=tmp_path).outputs == plan.outputs


def test_a_plan_was_made_for_a_machine(clip: Path, tmp_path: Path) -> None:
    job = {"source": {"path": str(clip)}, "outputs": [{"path": str(tmp_path / "a.mkv"), "video": "copy"}]}
    plan = trix.plan(job)
    assert not plan.outputs[0].overwrite and trix.plan(plan, overwrite=True).outputs[0].overwrite
    for more in ({"cores": 4}, {"memory": 1 << 30}, {"set": {"hash": True}}):
        with pytest.raises(ValueError, match="plan"):
            trix.plan(plan, **more)
    other = plan.to_dict()
    del other["threads"]
    (tmp_path / "plan.json").write_text(json.dumps(other))
    with pytest.raises(trix.InvalidSpec, match="not a plan of this version"):
        trix.run(tmp_path / "plan.json")


def test_names_that_are_not_utf8_are_names(clip: Path, tmp_path: Path) -> None:
    source, target = tmp_path / os.fsdecode(b"caf\xe9.mov"), tmp_path / os.fsdecode(b"na\xefve.mkv")
    source.write_bytes(clip.read_bytes())
    trix.encode(source, target, video="copy")
    trix.run({"source": {"path": source}, "outputs": [{"path": tmp_path / os.fsdecode(b"\xff.mkv"), "video": "copy"}]})
    (tmp_path / os.fsdecode(b"\xf1.toml")).write_text(f'source = {{path = "{clip}"}}\noutputs = [{{path = "b.mkv", video = "copy"}}]')
    trix.run(tmp_path / os.fsdecode(b"\xf1.toml"), output=tmp_path / os.fsdecode(b"\xe4"))
    with trix.Encoder(tmp_path / os.fsdecode(b"enc\xe9.mkv"), video=trix.X264(preset="ultrafast")) as encoder:
        encoder.write(trix.open(clip)[0])
    names = {os.fsencode(name) for name in os.listdir(tmp_path)}
    assert {b"na\xefve.mkv", b"\xff.mkv", b"enc\xe9.mkv"} <= names
    assert os.listdir(tmp_path / os.fsdecode(b"\xe4")) == ["b.mkv"]


def test_times_that_no_file_has_are_refused(clip: Path, tmp_path: Path) -> None:
    for wrong in (float("inf"), float("nan"), 1e300):
        with pytest.raises(ValueError):
            trix.encode(clip, tmp_path / "a.mkv", video="copy", start=wrong)
        with pytest.raises(ValueError):
            trix.run({"source": {"path": clip, "start": wrong}, "outputs": [{"path": tmp_path / "a.mkv"}]})
    assert listing(tmp_path) == []


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
