"""What Trix writes: descriptions of files, plans, reports, events.

Made by trix-py/scripts/generate from the JSON Schemas. Do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._later import later

if TYPE_CHECKING:
    from .audio import (
        AudioEdit, AudioEncode, AudioPlan, AudioResampler, ExactLength, Loudness, LoudnessMode, LoudnessTarget, MatrixRemix,
        MustLast, Normalisation, PickRemix, Pitch, RelabelRemix, Remix, Settled, StandardRemix,
    )
    from .checks import (
        Check, Comparison, Difference, FileReport, PlaneLabel, PlaneScore, Score, ScoreCurve, Verification, VerifyLevel,
        WorstFrame,
    )
    from .color import (
        ChromaLocation, Chromaticity, Color, ContentLight, DolbyVision, MasteringDisplay, Matrix, Orientation, Primaries, Range,
        StaticHdr, Transfer,
    )
    from .content import (
        AttachmentPlan, AudioContent, AudioContentCopied, AudioContentEncoded, Container, ContentPlan, CoverPlan, Decision,
        EncodePlan, EncodePlanAudio, EncodePlanVideo, Metadata, OutputPlan, SubtitlePlan,
    )
    from .doctor import Doctor, Library, Need
    from .errors import ErrorDetail, ErrorDocument, ErrorKind, Excerpt, Mistake, Stage
    from .events import (
        ChunkFailedEvent, DamageFoundEvent, Event, FactorTriedEvent, JobEndedEvent, MissedEvent, OutputDoneEvent,
        OutputFailedEvent, ProgressEvent, StageBeganEvent, TargetMetric, WarningEvent,
    )
    from .fixity import FileFixity, Fixity, Identity
    from .ledgers import (
        AudioChange, AudioLedger, Change, Conversion, ExtrasCount, FilterCounts, FollowerSharedAnalysis, LeadSharedAnalysis,
        Ledger, Moved, Place, SharedAnalysis, TrackLoudness, TrackRecord,
    )
    from .manifest import Inputs, Manifest
    from .media_info import (
        ContainerInfo, DateInfo, Disagreement, MediaInfo, Occasion, ProgramInfo, Subject, TimecodeInfo, TimecodeOrigin,
    )
    from .packages import (
        Layout, PackagePlan, PackageReport, PackageSettings, RenditionPlan, RenditionRecord, RenditionReport, TextPlan,
    )
    from .plan import (
        ChunkPlan, FilePlan, FrameRange, Machine, MemoryPlan, MemoryShare, OnLeadFailure, OnOutputFailure, Plan, UnitMemory,
    )
    from .progress import Phase, Progress, ProgressLine, Queue, Reading, ReadingProgress
    from .reading import (
        Damage, DamageKind, DamageReport, Discontinuity, Drift, FrameSize, FromStart, FullDecodeCount, Irregularity,
        IrregularityKind, Seek, StreamCount, Timing, TimingReport,
    )
    from .report import FailedOutput, OutputReport, Report, ReportTiming, TrackReport
    from .source import (
        AudioDrift, AudioTracks, Disposition, ExternalAudioPlan, LengthPolicy, Limits, OnDamage, RawGeometry, SourcePlan,
        SourceSettings, Tempo, TrackInput, TrackSettings,
    )
    from .stills import (
        AudioStillInput, FramesStillInput, Paint, PosterReport, PosterResult, PosterScore, PosterStill, Span, SpriteReport,
        SpritesResult, SpritesStill, StillInput, StillPlan, StillReport, StillResult, StillSettings, View, WaveformChannels,
        WaveformReport, WaveformResult, WaveformStill,
    )
    from .streams import (
        AttachmentInfo, AudioInfo, BitRateMode, BitstreamFacts, Chroma, DataBursts, EditInfo, HdrFormat, HdrInfo, Measured,
        Method, PixelFormat, RateKind, RateMethod, StreamInfo, SubtitleForm, SubtitleInfo, Timecode, TimingExtent, VideoInfo,
    )
    from .summary import MasterResult, MasterState, Summary
    from .tracks import Chapter, StreamKind, TrackTags
    from .video import (
        CopyPlan, Cut, Deinterlacing, EncodeId, Encoder, FieldOrder, FilterPlan, Filtering, FollowMode, FollowerSharing,
        LeadSharing, OnChange, OutputId, PackageId, Padding, PictureFormat, Rectangle, Resampler, Sharing, Sink, StepId,
        ToneMapping, Tonemap, Transform, VideoEncode, VideoPlan, Waypoint,
    )

# A module is loaded when something of it is used first: all classes together take a while to make.
_MODULES = {
    "audio": [
        "AudioEdit", "AudioEncode", "AudioPlan", "AudioResampler", "ExactLength", "Loudness", "LoudnessMode", "LoudnessTarget",
        "MatrixRemix", "MustLast", "Normalisation", "PickRemix", "Pitch", "RelabelRemix", "Remix", "Settled", "StandardRemix",
    ],
    "checks": [
        "Check", "Comparison", "Difference", "FileReport", "PlaneLabel", "PlaneScore", "Score", "ScoreCurve", "Verification",
        "VerifyLevel", "WorstFrame",
    ],
    "color": [
        "ChromaLocation", "Chromaticity", "Color", "ContentLight", "DolbyVision", "MasteringDisplay", "Matrix", "Orientation",
        "Primaries", "Range", "StaticHdr", "Transfer",
    ],
    "content": [
        "AttachmentPlan", "AudioContent", "AudioContentCopied", "AudioContentEncoded", "Container", "ContentPlan", "CoverPlan",
        "Decision", "EncodePlan", "EncodePlanAudio", "EncodePlanVideo", "Metadata", "OutputPlan", "SubtitlePlan",
    ],
    "doctor": ["Doctor", "Library", "Need"],
    "errors": ["ErrorDetail", "ErrorDocument", "ErrorKind", "Excerpt", "Mistake", "Stage"],
    "events": [
        "ChunkFailedEvent", "DamageFoundEvent", "Event", "FactorTriedEvent", "JobEndedEvent", "MissedEvent", "OutputDoneEvent",
        "OutputFailedEvent", "ProgressEvent", "StageBeganEvent", "TargetMetric", "WarningEvent",
    ],
    "fixity": ["FileFixity", "Fixity", "Identity"],
    "ledgers": [
        "AudioChange", "AudioLedger", "Change", "Conversion", "ExtrasCount", "FilterCounts", "FollowerSharedAnalysis",
        "LeadSharedAnalysis", "Ledger", "Moved", "Place", "SharedAnalysis", "TrackLoudness", "TrackRecord",
    ],
    "manifest": ["Inputs", "Manifest"],
    "media_info": [
        "ContainerInfo", "DateInfo", "Disagreement", "MediaInfo", "Occasion", "ProgramInfo", "Subject", "TimecodeInfo",
        "TimecodeOrigin",
    ],
    "packages": [
        "Layout", "PackagePlan", "PackageReport", "PackageSettings", "RenditionPlan", "RenditionRecord", "RenditionReport",
        "TextPlan",
    ],
    "plan": [
        "ChunkPlan", "FilePlan", "FrameRange", "Machine", "MemoryPlan", "MemoryShare", "OnLeadFailure", "OnOutputFailure", "Plan",
        "UnitMemory",
    ],
    "progress": ["Phase", "Progress", "ProgressLine", "Queue", "Reading", "ReadingProgress"],
    "reading": [
        "Damage", "DamageKind", "DamageReport", "Discontinuity", "Drift", "FrameSize", "FromStart", "FullDecodeCount",
        "Irregularity", "IrregularityKind", "Seek", "StreamCount", "Timing", "TimingReport",
    ],
    "report": ["FailedOutput", "OutputReport", "Report", "ReportTiming", "TrackReport"],
    "source": [
        "AudioDrift", "AudioTracks", "Disposition", "ExternalAudioPlan", "LengthPolicy", "Limits", "OnDamage", "RawGeometry",
        "SourcePlan", "SourceSettings", "Tempo", "TrackInput", "TrackSettings",
    ],
    "stills": [
        "AudioStillInput", "FramesStillInput", "Paint", "PosterReport", "PosterResult", "PosterScore", "PosterStill", "Span",
        "SpriteReport", "SpritesResult", "SpritesStill", "StillInput", "StillPlan", "StillReport", "StillResult", "StillSettings",
        "View", "WaveformChannels", "WaveformReport", "WaveformResult", "WaveformStill",
    ],
    "streams": [
        "AttachmentInfo", "AudioInfo", "BitRateMode", "BitstreamFacts", "Chroma", "DataBursts", "EditInfo", "HdrFormat",
        "HdrInfo", "Measured", "Method", "PixelFormat", "RateKind", "RateMethod", "StreamInfo", "SubtitleForm", "SubtitleInfo",
        "Timecode", "TimingExtent", "VideoInfo",
    ],
    "summary": ["MasterResult", "MasterState", "Summary"],
    "tracks": ["Chapter", "StreamKind", "TrackTags"],
    "video": [
        "CopyPlan", "Cut", "Deinterlacing", "EncodeId", "Encoder", "FieldOrder", "FilterPlan", "Filtering", "FollowMode",
        "FollowerSharing", "LeadSharing", "OnChange", "OutputId", "PackageId", "Padding", "PictureFormat", "Rectangle",
        "Resampler", "Sharing", "Sink", "StepId", "ToneMapping", "Tonemap", "Transform", "VideoEncode", "VideoPlan", "Waypoint",
    ],
}

if not TYPE_CHECKING:
    __getattr__ = later(__name__, _MODULES)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES, *__all__})


__all__ = [
    "AttachmentInfo", "AttachmentPlan", "AudioChange", "AudioContent", "AudioContentCopied", "AudioContentEncoded", "AudioDrift",
    "AudioEdit", "AudioEncode", "AudioInfo", "AudioLedger", "AudioPlan", "AudioResampler", "AudioStillInput", "AudioTracks",
    "BitRateMode", "BitstreamFacts", "Change", "Chapter", "Check", "Chroma", "ChromaLocation", "Chromaticity", "ChunkFailedEvent",
    "ChunkPlan", "Color", "Comparison", "Container", "ContainerInfo", "ContentLight", "ContentPlan", "Conversion", "CopyPlan",
    "CoverPlan", "Cut", "Damage", "DamageFoundEvent", "DamageKind", "DamageReport", "DataBursts", "DateInfo", "Decision",
    "Deinterlacing", "Difference", "Disagreement", "Discontinuity", "Disposition", "Doctor", "DolbyVision", "Drift", "EditInfo",
    "EncodeId", "EncodePlan", "EncodePlanAudio", "EncodePlanVideo", "Encoder", "ErrorDetail", "ErrorDocument", "ErrorKind",
    "Event", "ExactLength", "Excerpt", "ExternalAudioPlan", "ExtrasCount", "FactorTriedEvent", "FailedOutput", "FieldOrder",
    "FileFixity", "FilePlan", "FileReport", "FilterCounts", "FilterPlan", "Filtering", "Fixity", "FollowMode",
    "FollowerSharedAnalysis", "FollowerSharing", "FrameRange", "FrameSize", "FramesStillInput", "FromStart", "FullDecodeCount",
    "HdrFormat", "HdrInfo", "Identity", "Inputs", "Irregularity", "IrregularityKind", "JobEndedEvent", "Layout",
    "LeadSharedAnalysis", "LeadSharing", "Ledger", "LengthPolicy", "Library", "Limits", "Loudness", "LoudnessMode",
    "LoudnessTarget", "Machine", "Manifest", "MasterResult", "MasterState", "MasteringDisplay", "Matrix", "MatrixRemix",
    "Measured", "MediaInfo", "MemoryPlan", "MemoryShare", "Metadata", "Method", "MissedEvent", "Mistake", "Moved", "MustLast",
    "Need", "Normalisation", "Occasion", "OnChange", "OnDamage", "OnLeadFailure", "OnOutputFailure", "Orientation",
    "OutputDoneEvent", "OutputFailedEvent", "OutputId", "OutputPlan", "OutputReport", "PackageId", "PackagePlan", "PackageReport",
    "PackageSettings", "Padding", "Paint", "Phase", "PickRemix", "PictureFormat", "Pitch", "PixelFormat", "Place", "Plan",
    "PlaneLabel", "PlaneScore", "PosterReport", "PosterResult", "PosterScore", "PosterStill", "Primaries", "ProgramInfo",
    "Progress", "ProgressEvent", "ProgressLine", "Queue", "Range", "RateKind", "RateMethod", "RawGeometry", "Reading",
    "ReadingProgress", "Rectangle", "RelabelRemix", "Remix", "RenditionPlan", "RenditionRecord", "RenditionReport", "Report",
    "ReportTiming", "Resampler", "Score", "ScoreCurve", "Seek", "Settled", "SharedAnalysis", "Sharing", "Sink", "SourcePlan",
    "SourceSettings", "Span", "SpriteReport", "SpritesResult", "SpritesStill", "Stage", "StageBeganEvent", "StandardRemix",
    "StaticHdr", "StepId", "StillInput", "StillPlan", "StillReport", "StillResult", "StillSettings", "StreamCount", "StreamInfo",
    "StreamKind", "Subject", "SubtitleForm", "SubtitleInfo", "SubtitlePlan", "Summary", "TargetMetric", "Tempo", "TextPlan",
    "Timecode", "TimecodeInfo", "TimecodeOrigin", "Timing", "TimingExtent", "TimingReport", "ToneMapping", "Tonemap",
    "TrackInput", "TrackLoudness", "TrackRecord", "TrackReport", "TrackSettings", "TrackTags", "Transfer", "Transform",
    "UnitMemory", "Verification", "VerifyLevel", "VideoEncode", "VideoInfo", "VideoPlan", "View", "WarningEvent",
    "WaveformChannels", "WaveformReport", "WaveformResult", "WaveformStill", "Waypoint", "WorstFrame",
]
