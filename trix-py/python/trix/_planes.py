"""Arrays of a program as the planes of a frame."""

from __future__ import annotations

from typing import Any


# The packed formats, by number of components and bits; the first is that of an array without a format.
_PACKED = {
    (2, 8): ("ya8",),
    (3, 8): ("rgb24", "bgr24"),
    (4, 8): ("rgba", "bgra", "argb", "abgr"),
    (2, 16): ("ya16le",),
    (3, 16): ("rgb48le", "bgr48le"),
    (4, 16): ("rgba64le", "bgra64le"),
}


def planes_of(frame: Any, format: str | None) -> tuple[tuple[str, int, int], list[tuple[bytes, int]]]:
    """The format and size of arrays, and their bytes with those of a row."""
    import numpy as np

    if isinstance(frame, np.ndarray):
        arrays = [frame]
    elif isinstance(frame, (list, tuple)) and all(isinstance(plane, np.ndarray) for plane in frame):
        arrays = list(frame)
    else:
        raise TypeError(f"a frame is a trix.Frame, a numpy array or planes, not {type(frame).__name__}")
    kinds = {array.dtype.name for array in arrays}
    if not arrays or len(kinds) != 1 or not kinds <= {"uint8", "uint16"}:
        raise ValueError(f"samples are uint8 or uint16, not {', '.join(sorted(kinds)) or 'nothing'}")
    is_deep = kinds == {"uint16"}
    first = arrays[0]
    if len(arrays) == 1 and first.ndim == 3:
        name = _packed(first, format, is_deep)
        height, width = first.shape[:2]
    elif all(array.ndim == 2 and array.size for array in arrays):
        height, width = first.shape
        name = format or _planar(arrays, is_deep)
    else:
        raise ValueError(f"planes have the shape (rows, columns), not {', '.join(str(array.shape) for array in arrays)}")
    packed = []
    for array in arrays:
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        packed.append((data, len(data) // array.shape[0]))
    return (name, width, height), packed


def _packed(array: Any, format: str | None, is_deep: bool) -> str:
    """The format of an array whose components lie side by side."""
    names = _PACKED.get((array.shape[2], 16 if is_deep else 8))
    if names is None or not array.size:
        raise ValueError(f"RGB has the shape (rows, columns, 3) or (rows, columns, 4), not {array.shape}")
    if format is not None and format not in names:
        raise ValueError(f"an array of {array.dtype} of shape {array.shape} is {' or '.join(names)}, not {format}")
    return format or names[0]


def _planar(arrays: list[Any], is_deep: bool) -> str:
    """The format of planes, by their shapes."""
    (height, width) = arrays[0].shape
    if len(arrays) == 1:
        return "gray16le" if is_deep else "gray"
    if is_deep:
        raise ValueError("planes of uint16 need format, such as yuv420p10le, since arrays do not tell their depth")
    if len(arrays) != 3 or arrays[1].shape != arrays[2].shape:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"planes are (Y, Cb, Cr), with Cb and Cr of one shape; these are {shapes}")
    halves = ((height + 1) // 2, (width + 1) // 2)
    names = {(height, width): "yuv444p", (height, halves[1]): "yuv422p", halves: "yuv420p"}
    name = names.get(arrays[1].shape)
    if name is None:
        raise ValueError(f"chroma of {arrays[1].shape} fits no format for luma of {(height, width)}")
    return name
