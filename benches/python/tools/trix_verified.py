"""Trix with its defaults: the file that was encoded is read back and compared with what was given."""

from __future__ import annotations

from . import trix as plain


def version():
    return plain.version()


def encode_rgb(path, frames, rate):
    plain.encode_rgb(path, frames, rate, more={})


def encode_planes(path, frames, rate):
    plain.encode_planes(path, frames, rate, more={})
