"""Frames by times, as fractions and as floats."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest
import trix
from conftest import made

RATES = {
    # Ticks of a second in the file, and frames a second.
    "film": (24000, "24000/1001"),
    "coarse": (1000, "30000/1001"),
    "finer-than-microseconds": (10_000_019, "24000/1001"),
    "nanoseconds": (1_000_000_000, "30000/1001"),
}


@pytest.fixture(params=RATES)
def source(request: pytest.FixtureRequest, clips: Path) -> trix.Source:
    ticks, rate = RATES[request.param]
    path = made(
        clips / f"times-{request.param}.mp4",
        *("-f", "lavfi", "-i", f"testsrc2=size=96x64:rate={rate}", "-frames:v", "90", "-pix_fmt", "yuv420p", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-g", "30", "-video_track_timescale", str(ticks)),
    )
    return trix.open(path)


def test_the_float_of_a_time_means_its_frame(source: trix.Source) -> None:
    times = source.times()
    assert times is not None and len(times) == 90
    for number, found in enumerate(source.frames_at([float(time) for time in times])):
        assert found is not None and (found.number, found.pts) == (number, times[number])
    for number in range(0, 90, 7):
        assert next(source.frames(start=float(times[number]))).number == number
        before = [frame.number for frame in source.frames(start=max(0, number - 2), stop=float(times[number]))]
        assert before == list(range(max(0, number - 2), number))


def test_a_time_just_before_a_frame_shows_the_one_before(source: trix.Source) -> None:
    times = source.times()
    assert times is not None
    for number in range(1, 90, 11):
        early = math.nextafter(math.nextafter(float(times[number]), 0), 0)
        assert [frame and frame.number for frame in source.frames_at([early])] == [number - 1]
        exact = times[number] - Fraction(1, 10**9)
        assert [frame and frame.number for frame in source.frames_at([exact])] == [number - 1]


def test_times_that_no_file_has_are_refused(source: trix.Source) -> None:
    for wrong in (math.inf, -math.inf, math.nan, 1e300, Fraction(1, 10**30)):
        with pytest.raises(ValueError):
            list(source.frames_at([wrong]))
    assert [frame is None for frame in source.frames_at([-1.0, -1e-9, 5e-324])] == [True, True, False]
