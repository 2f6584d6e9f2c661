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


@pytest.mark.parametrize(
    ("format", "location"),
    [
        *((format, location) for format in ("yuv420p", "yuv420p10le") for location in ("left", "center", "topleft")),
        # Only 4:2:0 states a location in its bitstream.
        ("yuv422p10le", "left"),
    ],
)
def test_chroma_is_interpolated_as_zimg_does(tmp_path: Path, format: str, location: str) -> None:
    path, planes = tmp_path / "chroma.mkv", "gbrp16le"
    shape = "setparams=colorspace=bt709:range=tv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=94x50:rate=25:duration=0.04", "-vf", f"format={format},{shape}"),
        *("-c:v", "libx265", "-x265-params", f"lossless=1:log-level=none:chromaloc={['left', 'center', 'topleft'].index(location)}"),
        *("-colorspace", "bt709", "-color_range", "tv", path),
    )
    # Bytes of the planes: green, blue, red.
    chain = f"zscale=filter=lanczos:min=709:m=gbr:rin=limited:r=full:dither=none,format={planes}"
    data = ffmpeg("-i", path, "-vf", chain, "-f", "rawvideo", "-pix_fmt", planes, "-")
    green, blue, red = np.frombuffer(data, "<u2").reshape(3, 50, 94)
    with trix.open(path) as source:
        frame = source[0]
    if "420" in format:
        assert frame.color.chroma_location == {"topleft": "top-left"}.get(location, location)
    difference = np.abs(frame.to_rgb("uint16").astype(int) - np.stack([red, green, blue], axis=-1))
    # zimg rounds interpolated chroma to the depth of its samples.
    assert difference.max() <= (257 * 3 if frame.depth == 8 else 257), difference.max()


def test_chroma_of_two_fields_is_not_mixed(tmp_path: Path) -> None:
    # Rows of the top field are blue, those of the bottom field are not.
    path = tmp_path / "fields.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=gray:size=64x32:rate=25:duration=0.12", "-vf"),
        "format=yuv420p,geq=lum=128:cb='if(mod(Y,2),96,160)':cr=128,setfield=tff,setparams=colorspace=bt709:range=tv",
        *("-c:v", "mpeg2video", "-qscale", "1", "-flags", "+ildct+ilme", "-colorspace", "bt709", path),
    )
    with trix.open(path) as source:
        frame = source[0]
    assert frame.fields == "top"
    blue = frame.to_rgb()[:, :, 2].astype(int)
    for field in (0, 1):
        assert np.ptp(blue[field::2]) <= 6
    assert blue[0, 0] - blue[1, 0] > 100


@pytest.mark.parametrize("format", ["gray", "gray10le", "ya8"])
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_grey_gives_equal_red_green_and_blue(tmp_path: Path, format: str, range_: str) -> None:
    path = tmp_path / "grey.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.04", "-vf", f"format={format},setparams=range={range_}"),
        *("-c:v", "ffv1", "-color_range", range_, path),
    )
    with trix.open(path) as source:
        frame = source[0]
    grey = frame.planes[0].astype(np.float64) / (1 << (frame.depth - 8))
    wanted = np.clip((grey - 16) / 219 * 255, 0, 255) if frame.color.range == "limited" else grey * 255 / 255.75 if frame.depth > 8 else grey
    found = frame.to_rgb()
    assert np.array_equal(found[..., 0], found[..., 1]) and np.array_equal(found[..., 1], found[..., 2])
    assert np.abs(found[..., 0] - wanted).max() <= 1
    assert frame.to_rgb(size=(32, 24)).shape == (24, 32, 3)
    assert frame._repr_png_() is not None


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
