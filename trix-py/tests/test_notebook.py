"""A notebook runs, and shows what it should."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trix
from conftest import ffmpeg

NOTEBOOK = Path(__file__).parent.parent / "examples" / "notebook.ipynb"


@pytest.fixture
def outputs(clip: Path, tmp_path: Path) -> list[list[Any]]:
    """What each cell of code of the notebook shows."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    shutil.copy(clip, tmp_path / "master.mov")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def decoded(data: bytes, path: Path) -> bytes:
    """The samples of a PNG, as the ffmpeg program reads them."""
    path.write_bytes(data)
    return ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")


@pytest.mark.filterwarnings("default")
def test_a_notebook_shows_descriptions_frames_progress_and_reports(
    outputs: list[list[Any]], clip: Path, tmp_path: Path
) -> None:
    described, framed, shape, ran, compared = outputs
    assert "h264" in described[0].data["text/html"] and "<table>" in described[0].data["text/html"]
    with trix.open(clip) as source:
        wanted = source[12].to_rgb()
    assert decoded(base64.b64decode(framed[0].data["image/png"]), tmp_path / "frame.png") == wanted.tobytes()
    assert "(5, 54, 96, 3)" in shape[0].data["text/plain"]
    shown = "".join(output.get("text", "") for output in ran)
    assert "50/50" in shown and "Warning" not in shown
    [page] = [output.data["text/html"] for output in ran if output.output_type == "execute_result"]
    checks = (tmp_path / "copy.mkv", page.count("✓"), page.count("✗"))
    assert checks[0].exists() and checks[1] > 10 and checks[2] == 0
    [image] = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    poster = np.frombuffer(decoded(base64.b64decode(image), tmp_path / "shown.png"), np.uint8)
    assert image == base64.b64encode((tmp_path / "poster.png").read_bytes()).decode()
    assert poster.size == 192 * 108 * 3 and poster.std() > 30
    assert "PSNR" in compared[0].data["text/html"]


def test_a_frame_without_a_matrix_has_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "unknown.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.1", "-pix_fmt", "yuv444p", "-c:v", "ffv1", path)
    with trix.open(path) as source:
        assert source[0]._repr_png_() is None


def test_a_wide_frame_is_shown_smaller(tmp_path: Path) -> None:
    path = tmp_path / "wide.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=0.1", "-pix_fmt", "gbrp", "-c:v", "ffv1", path)
    with trix.open(path) as source:
        picture = source[0]._repr_png_()
    assert picture is not None and len(decoded(picture, tmp_path / "shown.png")) == 640 * 360 * 3
