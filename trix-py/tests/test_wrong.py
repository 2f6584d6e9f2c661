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
