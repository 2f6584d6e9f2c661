"""Encodes a film, shows how far it is, and tells what was checked.

python watch_job.py master.mov copy.mkv
"""

import sys

import trix
from trix import records


def encode(source: str, target: str) -> trix.Report:
    """Runs the job and prints its events."""
    output = trix.jobs.OutputSettings(path=target, video=trix.X265(depth=10, crf=24, preset="ultrafast"), audio=trix.Flac())
    job = trix.Job(source=trix.jobs.SourceSettings(path=source), outputs=[output])
    with trix.start(job) as running:
        for event in running:
            if isinstance(event, records.ProgressEvent):
                print(f"{event.stage}: {event.frames} of {event.frames_expected} frames, {event.fps:.0f} a second")
            elif isinstance(event, records.OutputDoneEvent):
                print(f"{event.path}: {event.bytes} bytes")
        return running.result()


def main() -> None:
    try:
        report = encode(*sys.argv[1:])
    except trix.InvalidSpec as error:
        for mistake in error.mistakes:
            print(f"{mistake.place} = {mistake.value}: {mistake.problem}")
        sys.exit(2)
    for output in report.outputs:
        for check in output.verification.checks:
            print(f"{'ok' if check.ok else 'NOT ok'}: {check.name}: {check.found}")


if __name__ == "__main__":
    main()
