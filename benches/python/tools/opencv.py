"""OpenCV. It gives BGR."""

from __future__ import annotations

import cv2


def version():
    # A line of the libraries inside: "avcodec: YES (62.28.101)".
    lines = (line.split() for line in cv2.getBuildInformation().splitlines() if line.split()[:1] == ["avcodec:"])
    inside = [f" (libavcodec {words[-1].strip('()')})" for words in lines]
    return f"opencv-python-headless {cv2.__version__}{''.join(inside)}"


def frames_of(video):
    while True:
        is_read, frame = video.read()
        if not is_read:
            break
        yield frame


def rgb(path):
    yield from frames_of(cv2.VideoCapture(path))


def numbered(path, numbers):
    video = cv2.VideoCapture(path)
    found = []
    for number in numbers:
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        found.append(video.read()[1])
    return found


def sheet(path, times, size):
    video = cv2.VideoCapture(path)
    found = []
    for time in times:
        video.set(cv2.CAP_PROP_POS_MSEC, 1000 * time)
        found.append(cv2.resize(video.read()[1], size, interpolation=cv2.INTER_AREA))
    return found


def once(path):
    video = cv2.VideoCapture(path)
    video.read()
    video.release()
