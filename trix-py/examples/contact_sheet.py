"""Writes one picture of a film: frames in equal distances, side by side.

python contact_sheet.py master.mov sheet.mkv
"""

import sys

import numpy as np
import trix


def sheet_of(path: str, columns: int = 4, rows: int = 3, width: int = 160) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Frames of a film as one array of shape (rows of samples, samples, 3)."""
    with trix.open(path) as source:
        own_width, own_height = source.size
        height = max(1, round(width * own_height / own_width))
        count = columns * rows
        numbers = [number * len(source) // count for number in range(count)]
        frames = source.batch(numbers, size=(width, height))
    grid = frames.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, columns * width, 3)


def main() -> None:
    source, target = sys.argv[1:]
    with trix.Encoder(target, video=trix.Ffv1(), fps=1) as encoder:
        encoder.write(sheet_of(source))
    print(encoder.report)


if __name__ == "__main__":
    main()
