"""Audio as arrays, compared with what the ffmpeg program decodes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import trix
from conftest import ffmpeg


def test_audio_equals_that_of_the_ffmpeg_program(clip: Path) -> None:
    wanted = np.frombuffer(ffmpeg("-i", clip, "-map", "0:a", "-f", "s16le", "-"), "<i2").reshape(-1, 2)
    with trix.open(clip) as source:
        found = source.audio().read()
        assert found.dtype == np.int16 and np.array_equal(found, wanted)
        part = source.audio(start=1000, stop=5000).read()
        assert np.array_equal(part, wanted[1000:5000])
        by_time = source.audio(start=0.5, stop=Fraction(3, 4)).read()
        assert np.array_equal(by_time, wanted[24000:36000])
        block = next(source.audio(start=1000))
        assert (block.first, block.pts, block.sample_rate, block.layout) == (1000, Fraction(1000, 48000), 48000, "stereo")
        floats = source.audio(dtype=np.float32).read()
        assert floats.dtype == np.float32 and np.array_equal(floats, wanted.astype(np.float32) / 32768)
        assert np.array_equal(source.audio(dtype="int32").read(), wanted.astype(np.int32) << 16)
        assert np.array_equal(source.audio(dtype="float64", start=7, stop=9).read(), wanted[7:9] / 32768)
        mono = source.audio(layout="mono", dtype="float32").read()
        assert mono.shape == (len(wanted), 1)
        # BT.775, scaled so that nothing clips: half of each side.
        assert np.abs(mono[:, 0] - floats.mean(axis=1)).max() < 1e-6
        for wrong in ({"dtype": "int8"}, {"dtype": "uint8"}, {"on_damage": "x"}):
            with pytest.raises(ValueError):
                source.audio(**wrong)
        for wrong in ({"layout": "13.7"}, {"rate": 5}, {"stream": 9}):
            with pytest.raises(trix.InvalidSpec):
                source.audio(**wrong).read()
        with pytest.raises(ValueError, match="no audio"):
            source.audio(start=10**9).read()


def test_resampled_audio_is_the_same_tone(clip: Path) -> None:
    with trix.open(clip) as source:
        audio = source.audio(rate=16000, layout="mono").read()
    assert (audio.shape, audio.dtype) == ((32000, 1), np.float32)
    spectrum = np.abs(np.fft.rfft(audio[4000:20000, 0] * np.hanning(16000)))
    assert int(spectrum.argmax()) == 440
    # Nothing else is louder than 1/1000 of the tone.
    spectrum[430:451] = 0
    assert spectrum.max() < 1e-3 * np.abs(np.fft.rfft(audio[4000:20000, 0] * np.hanning(16000))).max()
