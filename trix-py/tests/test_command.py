"""The command `trix` that the package installs."""

from __future__ import annotations

import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest
import trix
from conftest import ffmpeg

PROGRAM = Path(sysconfig.get_path("scripts")) / "trix"


def command(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=folder)


def test_it_is_the_engine_of_the_package() -> None:
    done = command("--version")
    assert (done.returncode, done.stdout.split()[:2], done.stderr) == (0, ["trix", trix.__version__], "")


def test_arguments_and_exit_codes_pass(clip: Path, tmp_path: Path) -> None:
    done = command("encode", clip, "-o", "copy.mkv", "--preset", "ultrafast", "--audio", "none", folder=tmp_path)
    assert done.returncode == 0, done
    assert [file.name for file in tmp_path.iterdir()] == ["copy.mkv"]
    assert command("verify", "copy.mkv", folder=tmp_path).returncode == 0
    wrong = command("encode", clip, "-o", "two.mkv", "--preset", "sluggish", folder=tmp_path)
    # The message shows the argument as it was typed.
    assert wrong.returncode == 2 and "--preset sluggish" in wrong.stderr, wrong
    assert command("probe", "missing.mkv", folder=tmp_path).returncode == 5


def test_ctrl_c_ends_an_encode_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "long.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=60", "-c:v", "mpeg4", source)
    copies = tmp_path / "copies"
    copies.mkdir()
    arguments = [PROGRAM, "encode", source, "-o", copies / "copy.mkv", "--video", "x265", "--preset", "slower"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while not any(copies.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)
        assert any(copies.iterdir())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert not any(copies.iterdir())


@pytest.mark.parametrize("arguments", [("schema", "job")])
def test_ctrl_c_ends_a_command_that_waits_for_its_reader(arguments: tuple[str, ...]) -> None:
    with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # It has begun to write, and more is to come than the pipe holds.
        process.stdout.read(1)
        time.sleep(0.2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT
