"""Wrong arguments: each is an error of type or value, and never a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trix
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 60),
    st.floats(),
    st.fractions(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.lists(st.integers(-1, 70), max_size=3),
    st.tuples(st.integers(-1, 200), st.integers(-1, 200)),
    st.just({"matrix": "bt709"}),
    st.just({"hue": "red"}),
    st.sampled_from(["rgb24", "gray", "yuv444p10le", "pal8", "conceal", "fail", np.int64(3), np.float32(0.5), np.zeros(2)]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=ANYTHING,
    stop=ANYTHING,
    stride=ANYTHING,
    size=ANYTHING,
    format=ANYTHING,
    color=ANYTHING,
    which=st.sampled_from(["start", "stop", "stride", "size", "format", "color", "none"]),
)
def test_wrong_arguments_are_errors_of_type_or_value(clip: Path, which: str, **given_values: Any) -> None:
    arguments = {which: given_values[which]} if which != "none" else given_values
    with trix.open(clip) as source:
        try:
            frames = source.frames(**arguments)
            found = [frame.number for frame in frames]
        except (TypeError, ValueError, trix.Unsupported):
            return
    assert found == sorted(set(found)) and set(found) <= set(range(50))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=ANYTHING, times=st.lists(ANYTHING, max_size=3))
def test_wrong_numbers_and_times_are_errors_of_type_or_value(clip: Path, index: Any, times: list[Any]) -> None:
    with trix.open(clip) as source:
        try:
            assert source[index].number in range(50)
        except (TypeError, ValueError, IndexError):
            pass
        try:
            assert len(list(source.frames_at(times))) == len(times)
        except (TypeError, ValueError):
            pass


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    indices=st.lists(st.integers(-60, 60), max_size=4),
    shape=st.lists(st.sampled_from([0, 1, 2, 3, 4, 54, 96]), max_size=4),
    dtype=st.sampled_from(["uint8", "uint16", "float32", ">u2", "O"]),
    step=st.sampled_from([1, 2, -1]),
    format=st.sampled_from(["rgb24", "rgb48le", "gray", "gray16le", "yuv420p", None, 7]),
)
def test_a_batch_fills_what_fits_and_refuses_the_rest(
    clip: Path, indices: list[int], shape: list[int], dtype: str, step: int, format: Any
) -> None:
    inner = (3,) if format in ("rgb24", "rgb48le") else ()
    right = (len(indices), 54, 96, *inner)
    own = right if len(shape) < 2 else tuple(shape)
    out = np.zeros([2 * length for length in own], dtype)[tuple(slice(None, None, 2 * step) for _ in own)]
    with trix.open(clip) as source:
        try:
            assert source.batch(indices, out, size=(96, 54), format=format) is out
        except (TypeError, ValueError, IndexError):
            return
        assert all(-50 <= number < 50 for number in indices) and out.shape == right
        for number, picture in zip(indices, out):
            assert np.array_equal(picture, source[number].converted(size=(96, 54), format=format).pixels)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=ANYTHING,
    stop=ANYTHING,
    rate=ANYTHING,
    layout=ANYTHING,
    dtype=ANYTHING,
    which=st.sampled_from(["start", "stop", "rate", "layout", "dtype"]),
)
def test_wrong_arguments_of_audio_are_errors_of_type_or_value(clip: Path, which: str, **values: Any) -> None:
    with trix.open(clip) as source:
        try:
            samples = source.audio(**{which: values[which]}).read()
        except (TypeError, ValueError, trix.Unsupported):
            return
    assert samples.ndim == 2 and samples.shape[1] in (1, 2)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fps=ANYTHING,
    size=ANYTHING,
    color=ANYTHING,
    layout=ANYTHING,
    sample_rate=ANYTHING,
    picture=ANYTHING,
    which=st.sampled_from(["fps", "size", "color", "layout", "sample_rate", "picture"]),
)
def test_wrong_arguments_of_an_encoder_leave_nothing(tmp_path: Path, which: str, **values: Any) -> None:
    path = tmp_path / "given.mkv"
    sound: dict[str, Any] = {"audio": trix.Flac(), "sample_rate": 8000} if which in ("layout", "sample_rate") else {}
    try:
        with trix.Encoder(path, video=trix.Ffv1(), **{**sound, which: values[which]}) as encoder:
            encoder.write(np.zeros((32, 48, 3), np.uint8))
            if sound:
                encoder.write_audio(np.zeros((320, 2), np.int16))
    except (TypeError, ValueError, trix.Unsupported):
        assert list(tmp_path.iterdir()) == []
        return
    assert trix.verify(path).ok
    path.unlink()


@settings(max_examples=100, deadline=None)
@given(job=st.one_of(ANYTHING, st.dictionaries(st.text(max_size=8), ANYTHING, max_size=3)), key=st.text(max_size=8), value=ANYTHING)
def test_wrong_jobs_are_errors_of_type_or_value(job: Any, key: str, value: Any) -> None:
    for wrong in (job, {"source": value, "outputs": [value]}, {"source": {"path": "a.mov"}, "outputs": [{"path": "a.mkv", key: value}]}):
        try:
            trix.plan(wrong)
        except (TypeError, ValueError, OSError, trix.Unsupported):
            continue
        raise AssertionError(f"{wrong!r} is no job")
