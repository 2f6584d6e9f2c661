"""Descriptions, and the errors of opening."""

from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
import sys
import typing
from fractions import Fraction
from pathlib import Path

import pytest
import trix
from conftest import MEDIA
from trix import _trix, errors


def test_a_description_says_what_the_clip_is(clip: Path) -> None:
    info = trix.probe(clip)
    assert info.video is not None and info.video.video is not None
    video = info.video.video
    assert (video.width, video.height, video.pixel_format) == (192, 108, "yuv420p")
    assert video.average_rate == Fraction(25)
    assert video.color.matrix == "bt709"
    assert [stream.audio.sample_rate for stream in info.audio if stream.audio] == [48000]
    assert info.container.duration is not None and info.container.duration.exact == 2
    assert str(info).startswith(f"{clip}\n  container    QuickTime / MOV")
    assert "<pre>" in info._repr_html_() and "pixel_format" in info._repr_html_()


def test_counting_decodes_the_whole_file(clip: Path) -> None:
    census = trix.probe(clip, count=True).census
    assert census is not None
    assert [count.frames for count in census.streams.values() if count.frames] == [50]


@pytest.mark.skipif(MEDIA is None, reason="TRIX_MEDIA names no folder of real files")
def test_a_description_comes_back_from_its_dict_for_every_real_file() -> None:
    found = 0
    for path in sorted(Path(MEDIA or "").iterdir()):
        if path.suffix in (".tsv", ".yuv"):
            continue
        text = _trix.probe(str(path), "{}", count=False)
        info = trix.MediaInfo.from_dict(json.loads(text))
        assert info.to_dict() == json.loads(text), path
        assert pickle.loads(pickle.dumps(info)) == info, path
        found += 1
    assert found > 30


def test_planes_without_a_header_need_their_geometry(tmp_path: Path) -> None:
    path = tmp_path / "planes.yuv"
    path.write_bytes(bytes(64 * 48 * 3 // 2 * 3))
    info = trix.probe(path, raw="64x48:yuv420p:24000/1001")
    assert info.video is not None and info.video.video is not None and info.video.video.timing is not None
    assert info.video.video.timing.pictures == 3
    assert info.video.video.timing.rate == Fraction(24000, 1001)
    with trix.open(path, raw="64x48:yuv420p:24000/1001") as source:
        assert (source.fps, len(source)) == (Fraction(24000, 1001), 3)
    geometry = trix.jobs.RawGeometry(width=64, height=48, pixel_format="yuv420p", rate=Fraction(24000, 1001))
    again = trix.probe(path, raw=geometry)
    assert again == info
    with pytest.raises(ValueError, match="64x"):
        trix.probe(path, raw="64x:yuv420p")


def test_doctor_and_schema() -> None:
    found = trix.doctor()
    assert found.trix == trix.__version__
    assert "x265" in repr(found)
    assert trix.schema("report")["$id"] == "urn:trix:schema:report:1"
    with pytest.raises(ValueError, match="no document 'raport'"):
        trix.schema("raport")


def test_every_kind_has_a_class_of_its_own() -> None:
    kinds = _trix.error_kinds()
    assert sorted(kinds) == sorted(errors._CLASSES)
    assert all(errors._CLASSES[kind].kind == kind for kind in kinds)


def test_a_missing_file_is_also_a_file_not_found(tmp_path: Path) -> None:
    path = tmp_path / "none.mov"
    with pytest.raises(FileNotFoundError) as caught:
        trix.probe(path)
    error = caught.value
    assert isinstance(error, trix.IoError) and isinstance(error, trix.Error)
    assert (error.errno, error.filename, error.path, error.stage) == (2, str(path), str(path), "source")
    assert str(error).startswith(f"{path}: source: cannot be opened")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.errno, again.path, again.stage) == (str(error), 2, str(path), "source")


def test_what_is_no_media_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "text.mov"
    path.write_text("this is no film " * 100)
    with pytest.raises(trix.MalformedInput) as caught:
        trix.open(path)
    assert caught.value.path == str(path)


def test_a_playlist_is_unsupported(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:4,\nother.ts\n")
    with pytest.raises(trix.Unsupported):
        trix.open(path)


def test_limits_are_refused_as_such(clip: Path) -> None:
    with pytest.raises(trix.LimitExceeded):
        trix.open(clip, limits=trix.jobs.Limits(side=100))


def test_a_panic_is_a_bug_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(trix.BugError, match="a panic on request"):
        _trix.panic_on_request()
    assert "a panic on request" in capfd.readouterr().err


def test_wrong_arguments_are_type_or_value_errors(clip: Path) -> None:
    with pytest.raises(TypeError):
        trix.probe(b"clip.mov")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        trix.open(17)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="audio_tracks|track"):
        trix.open(clip, audio_tracks={"a": 1})  # type: ignore[arg-type]


def test_the_generated_classes_are_those_of_the_schemas() -> None:
    script = Path(__file__).parent.parent / "scripts" / "generate"
    if not script.exists():
        pytest.skip("the script is not in the wheel")
    found = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_annotation_of_the_generated_classes_resolves() -> None:
    # Constants that are no texts once had the spelling of JSON: true and null.
    classes = [
        own
        for module in (trix.jobs, trix.records)
        for own in (getattr(module, name) for name in module.__all__)
        if isinstance(own, type) and issubclass(own, trix.Record)
    ]
    assert len(classes) > 150
    for own in classes:
        assert set(typing.get_type_hints(own)) >= {field.name for field in dataclasses.fields(own)}, own
    assert trix.X264(lossless=True).to_dict() == {"type": "x264", "lossless": True}
