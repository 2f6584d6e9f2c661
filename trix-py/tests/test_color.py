"""Red, green and blue, compared with the formulas of the standards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import trix
from conftest import ffmpeg


# The standards' own formulas, in floating point.
MATRICES = {"bt709": (0.2126, 0.0722), "bt470bg": (0.299, 0.114), "smpte170m": (0.299, 0.114), "bt2020nc": (0.2627, 0.0593)}


def expected_rgb(frame: trix.Frame) -> npt.NDArray[np.float64]:
    """Red, green and blue of a 4:4:4 frame, 0 to 1, by ITU-R BT.709, 5.1 to 5.7 of BT.2020 and their ranges."""
    red_share, blue_share = MATRICES[frame.color.matrix]
    steps = float(1 << (frame.depth - 8))
    y, cb, cr = (plane.astype(np.float64) for plane in frame.planes)
    if frame.color.range == "full":
        top = 255 * steps + steps - 1
        y, cb, cr = y / top, (cb - 128 * steps) / top, (cr - 128 * steps) / top
    else:
        y, cb, cr = (y / steps - 16) / 219, (cb / steps - 128) / 224, (cr / steps - 128) / 224
    red = y + 2 * (1 - red_share) * cr
    blue = y + 2 * (1 - blue_share) * cb
    green = (y - red_share * red - blue_share * blue) / (1 - red_share - blue_share)
    return np.clip(np.stack([red, green, blue], axis=-1), 0, 1)


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
@pytest.mark.parametrize("range_", ["tv", "pc"])
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_rgb_follows_matrix_range_and_depth(tmp_path: Path, matrix: str, range_: str, depth: int) -> None:
    path = tmp_path / "colour.mkv"
    format = "yuv444p" if depth == 8 else f"yuv444p{depth}le"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.1", "-vf"),
        f"format={format},noise=alls=60:all_seed=7,setparams=colorspace={matrix}:range={range_}",
        *("-c:v", "ffv1", "-colorspace", matrix, "-color_range", range_, path),
    )
    with trix.open(path) as source:
        frame = source[1]
    assert (frame.color.matrix, frame.color.range) == (matrix, "limited" if range_ == "tv" else "full")
    wanted = expected_rgb(frame)
    for dtype, top, within in (("uint8", 255, 1.0), ("uint16", 65535, 8.0), ("float32", 1, 2e-4)):
        found = frame.to_rgb(dtype)
        assert (found.shape, found.dtype) == ((48, 64, 3), np.dtype(dtype))
        assert found.flags.c_contiguous and found.flags.writeable
        worst = float(np.abs(found.astype(np.float64) - wanted * top).max())
        assert worst <= within, (dtype, worst)


def test_chroma_siting_moves_chroma(tmp_path: Path) -> None:
    # A vertical edge in chroma at one place, coded with two sitings, has to come back at two places.
    found = {}
    for location in ("left", "center"):
        path = tmp_path / f"{location}.mkv"
        ffmpeg(
            *("-f", "lavfi", "-i", "color=gray:size=64x16:rate=25:duration=0.04", "-vf"),
            "format=yuv420p,geq=lum=128:cb='if(lt(X,16),80,176)':cr=128,setparams=colorspace=bt709:range=tv",
            *("-c:v", "libx264", "-qp", "0", "-chroma_sample_location", location, "-colorspace", "bt709", path),
        )
        with trix.open(path) as source:
            frame = source[0]
            assert frame.color.chroma_location == location
            blue = frame.to_rgb("float32")[8, :, 2]
        # Where blue crosses its middle, between two samples.
        middle = (blue[0] + blue[-1]) / 2
        after = int(np.argmax(blue > middle))
        found[location] = after - (blue[after] - middle) / (blue[after] - blue[after - 1])
    assert found["center"] - found["left"] == pytest.approx(0.5, abs=0.1)


def test_an_unknown_matrix_is_never_guessed(tmp_path: Path) -> None:
    path = tmp_path / "unknown.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.1", "-pix_fmt", "yuv444p", "-c:v", "ffv1", path)
    with trix.open(path) as source:
        frame = source[0]
        with pytest.raises(trix.InvalidSpec, match="matrix"):
            frame.to_rgb()
        one, other = (frame.to_rgb(color={"matrix": matrix}) for matrix in ("bt709", "smpte170m"))
        assert not np.array_equal(one, other)
        batch = source.batch([0], color={"matrix": "bt709"})
    assert np.array_equal(batch[0], one)
