"""Which module of a package holds which class.

The tables name the classes that documents begin with, and those that several modules use. Every other class lies beside the
only ones that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from classes import Made


@dataclass(frozen=True)
class Module:
    """A module to write."""

    name: str
    text: str
    """Its docstring."""
    holds: str
    """The names of classes, with spaces between them."""


@dataclass(frozen=True)
class Package:
    """A package to write."""

    name: str
    text: str
    """Its docstring."""
    modules: tuple[Module, ...]
    """Each uses only modules that stand above it, so that there is no circle."""


RECORDS = Package(
    "records",
    "What Trix writes: descriptions of files, plans, reports, events.",
    (
        Module("errors", "Errors, and the mistakes of a job.", "ErrorDetail ErrorDocument ErrorKind Stage"),
        Module("fixity", "What tells whether a file is still the same.", "FileFixity Fixity Identity"),
        Module("tracks", "What describes a track of a file, and chapters.", "Chapter StreamKind TrackTags"),
        Module(
            "color",
            "How samples mean colours, and how players turn a picture.",
            "Color ContentLight DolbyVision MasteringDisplay Orientation StaticHdr",
        ),
        Module(
            "reading",
            "What reading a source found: damage, frames and packets, times.",
            "Damage DamageReport Discontinuity FullDecodeCount Seek Timing TimingReport",
        ),
        Module(
            "checks",
            "What was compared: checks, and scores of frames.",
            "Check Comparison FileReport Score Verification VerifyLevel",
        ),
        Module("doctor", "What a build of Trix can do.", "Doctor Library"),
        Module("streams", "What the streams of a file hold.", "Method StreamInfo Timecode"),
        Module("media_info", "What a file holds.", "MediaInfo"),
        Module("audio", "How an audio track is made.", "AudioEncode AudioPlan Loudness LoudnessTarget Pitch"),
        Module(
            "video",
            "How frames are filtered, encoded and copied.",
            "CopyPlan Cut EncodeId FilterPlan Filtering FollowMode Sharing VideoEncode VideoPlan",
        ),
        Module("source", "The source of a job, and external audio tracks.", "ExternalAudioPlan SourcePlan"),
        Module(
            "content",
            "What is written into a file or a rendition.",
            "Container ContentPlan Decision EncodePlan Metadata OutputPlan SubtitlePlan",
        ),
        Module(
            "ledgers",
            "The account of every frame and every sample.",
            "AudioChange AudioLedger Change ExtrasCount Ledger SharedAnalysis TrackLoudness TrackRecord",
        ),
        Module("packages", "Packages for streaming: how they are made, and what became of them.", "PackagePlan PackageReport"),
        Module(
            "stills",
            "Still images: how they are made, and what became of them.",
            "PosterReport SpriteReport StillPlan StillReport View WaveformReport",
        ),
        Module("plan", "What a job resolves to.", "Plan"),
        Module("report", "What became of a job.", "Report"),
        Module("manifest", "The manifest of a master.", "Manifest"),
        Module("summary", "What became of several masters.", "Summary"),
        Module("events", "What happens in a job.", "Event"),
        Module("progress", "The lines of `--progress json`.", "ProgressLine"),
    ),
)

JOBS = Package(
    "jobs",
    "What a user writes: a job with its outputs, packages and stills.",
    (
        Module("source", "The source of a job, and the part of it to read.", "SourceSettings"),
        Module("audio", "How audio is written, and external audio tracks.", "AudioSettings AudioShape TrackSettings"),
        Module("subtitles", "How subtitles are written.", "SubtitleSettings"),
        Module("picture", "What is done to frames before they are encoded.", "PictureSettings"),
        Module("video", "How video is written.", "VideoSettings"),
        Module("packages", "Packages for streaming.", "PackageJob"),
        Module("stills", "Still images.", "StillSettings"),
        Module("job", "A job, and its output files.", "Job"),
    ),
)


def placed(package: Package, made: dict[str, Made]) -> dict[Module, list[Made]]:
    """The classes of each module, by name."""
    places = {name: module for module in package.modules for name in module.holds.split()}
    for name in places:
        if name not in made:
            raise SystemExit(f"modules.py: {name} is in no schema")
    users: dict[str, set[str]] = {name: set() for name in made}
    for name, own in made.items():
        for used in uses(own, made):
            users[used].add(name)

    def place(name: str, asked: tuple[str, ...] = ()) -> Module:
        """The module of a class: that of the table, or the one of all that use it. `asked` are those that led to it."""
        if name in asked:
            raise SystemExit(f"modules.py: {name} needs a place in the table; it uses itself by way of {', '.join(asked)}")
        if name not in places:
            found = {place(user, (*asked, name)) for user in users[name]}
            if len(found) != 1:
                used = ", ".join(sorted(module.name for module in found)) or "none"
                raise SystemExit(f"modules.py: {name} needs a place in the table; it is used by these modules: {used}")
            places[name] = found.pop()
        return places[name]

    found: dict[Module, list[Made]] = {module: [] for module in package.modules}
    for name in sorted(made):
        found[place(name)].append(made[name])
    for name, own in made.items():
        for used in sorted(uses(own, made)):
            if package.modules.index(places[used]) > package.modules.index(places[name]):
                raise SystemExit(
                    f"modules.py: {name} in {places[name].name} uses {used} in {places[used].name}, which stands below: "
                    "move one of them, or there is a circle"
                )
    return found


def uses(own: Made, made: Mapping[str, Made]) -> set[str]:
    """The other classes that this one uses."""
    return (own.uses & made.keys()) - {own.name}
