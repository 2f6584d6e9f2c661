"""What a user writes: a job with its outputs, packages and stills.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._later import later

if TYPE_CHECKING:
    from .audio import (
        Aac, Ac3, Alac, AudioSettings, AudioShape, AutoAudio, CopyAudio, Disposition, Eac3, Flac, LengthPolicy, LoudnessMode,
        LoudnessTarget, NoneAudio, Opus, Pcm, Pcm16, Pcm24, Pcm32, Pcmf32, Pitch, TrackInput, TrackSettings, TrackSettingsCases,
    )
    from .job import (
        Chunks, Job, MemoryLimit, OnLeadFailure, OnOutputFailure, OutputSettings, OutputSettingsCases, ShareAnalysis, VerifyLevel,
    )
    from .packages import Layout, PackageJob, PackageJobCases, Rung
    from .picture import (
        Alpha, AutoCrop, ColorOverride, Crop, Deinterlace, DynamicHdr, Matrix, NoneCrop, OnChange, PictureSettings, Primaries,
        Range, Rectangle, Resampler, Rotate, Size, Standard, Tonemap, Transfer, Vbi,
    )
    from .source import AudioDrift, AudioTracks, Limits, OnDamage, RawGeometry, SourceSettings
    from .stills import (
        Paint, Poster, PosterCases, Sprites, SpritesCases, StillSettings, Waveform, WaveformCases, WaveformChannels,
    )
    from .subtitles import Ass, CopySubtitles, MovText, NoneSubtitles, Subrip, SubtitleSettings, Webvtt
    from .video import (
        AutoVideo, Bitrate, Chroma, CopyVideo, Crf, Ffv1, Ffv1Rate, LosslessFfv1Rate, LosslessRateControl, NoneVideo, Prores, Qp,
        RateControl, Target, TargetMetric, VideoSettings, X264, X265,
    )

# A module is loaded when something of it is used first: all classes together take a while to make.
_MODULES = {
    "audio": [
        "Aac", "Ac3", "Alac", "AudioSettings", "AudioShape", "AutoAudio", "CopyAudio", "Disposition", "Eac3", "Flac",
        "LengthPolicy", "LoudnessMode", "LoudnessTarget", "NoneAudio", "Opus", "Pcm", "Pcm16", "Pcm24", "Pcm32", "Pcmf32",
        "Pitch", "TrackInput", "TrackSettings", "TrackSettingsCases",
    ],
    "job": [
        "Chunks", "Job", "MemoryLimit", "OnLeadFailure", "OnOutputFailure", "OutputSettings", "OutputSettingsCases",
        "ShareAnalysis", "VerifyLevel",
    ],
    "packages": ["Layout", "PackageJob", "PackageJobCases", "Rung"],
    "picture": [
        "Alpha", "AutoCrop", "ColorOverride", "Crop", "Deinterlace", "DynamicHdr", "Matrix", "NoneCrop", "OnChange",
        "PictureSettings", "Primaries", "Range", "Rectangle", "Resampler", "Rotate", "Size", "Standard", "Tonemap", "Transfer",
        "Vbi",
    ],
    "source": ["AudioDrift", "AudioTracks", "Limits", "OnDamage", "RawGeometry", "SourceSettings"],
    "stills": [
        "Paint", "Poster", "PosterCases", "Sprites", "SpritesCases", "StillSettings", "Waveform", "WaveformCases",
        "WaveformChannels",
    ],
    "subtitles": ["Ass", "CopySubtitles", "MovText", "NoneSubtitles", "Subrip", "SubtitleSettings", "Webvtt"],
    "video": [
        "AutoVideo", "Bitrate", "Chroma", "CopyVideo", "Crf", "Ffv1", "Ffv1Rate", "LosslessFfv1Rate", "LosslessRateControl",
        "NoneVideo", "Prores", "Qp", "RateControl", "Target", "TargetMetric", "VideoSettings", "X264", "X265",
    ],
}

if not TYPE_CHECKING:
    __getattr__ = later(__name__, _MODULES)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES, *__all__})


__all__ = [
    "Aac", "Ac3", "Alac", "Alpha", "Ass", "AudioDrift", "AudioSettings", "AudioShape", "AudioTracks", "AutoAudio", "AutoCrop",
    "AutoVideo", "Bitrate", "Chroma", "Chunks", "ColorOverride", "CopyAudio", "CopySubtitles", "CopyVideo", "Crf", "Crop",
    "Deinterlace", "Disposition", "DynamicHdr", "Eac3", "Ffv1", "Ffv1Rate", "Flac", "Job", "Layout", "LengthPolicy", "Limits",
    "LosslessFfv1Rate", "LosslessRateControl", "LoudnessMode", "LoudnessTarget", "Matrix", "MemoryLimit", "MovText", "NoneAudio",
    "NoneCrop", "NoneSubtitles", "NoneVideo", "OnChange", "OnDamage", "OnLeadFailure", "OnOutputFailure", "Opus",
    "OutputSettings", "OutputSettingsCases", "PackageJob", "PackageJobCases", "Paint", "Pcm", "Pcm16", "Pcm24", "Pcm32", "Pcmf32",
    "PictureSettings", "Pitch", "Poster", "PosterCases", "Primaries", "Prores", "Qp", "Range", "RateControl", "RawGeometry",
    "Rectangle", "Resampler", "Rotate", "Rung", "ShareAnalysis", "Size", "SourceSettings", "Sprites", "SpritesCases", "Standard",
    "StillSettings", "Subrip", "SubtitleSettings", "Target", "TargetMetric", "Tonemap", "TrackInput", "TrackSettings",
    "TrackSettingsCases", "Transfer", "Vbi", "VerifyLevel", "VideoSettings", "Waveform", "WaveformCases", "WaveformChannels",
    "Webvtt", "X264", "X265",
]
