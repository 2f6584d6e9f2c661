"""One frame of video."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from . import _trix

if TYPE_CHECKING:
    import numpy.typing as npt

    from .jobs import ColorOverride
    from .records import Color, ContentLight, MasteringDisplay

__all__ = ["Frame"]


class Frame:
    """A frame of video. It never changes, and stays valid when its source is closed."""

    __slots__ = ("_frame",)

    def __init__(self, frame: _trix.Frame) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        kind = f", {self.picture_type}" if self.picture_type else ""
        return f"<trix.Frame {self.number}: {self.width}x{self.height} {self.format}{kind}, {float(self.pts):.6f} s>"

    @property
    def number(self) -> int:
        """Its number in the stream, from 0, in the order of presentation."""
        return self._frame.number

    @property
    def pts(self) -> Fraction:
        """When it is shown, in seconds, in the time of the file."""
        return self._frame.pts

    @property
    def duration(self) -> Fraction | None:
        """How long it is shown, in seconds, if the container states it."""
        return self._frame.duration

    @property
    def width(self) -> int:
        """Samples in a row of luma, red, green or blue."""
        return self._frame.width

    @property
    def height(self) -> int:
        """Rows."""
        return self._frame.height

    @property
    def format(self) -> str | None:
        """FFmpeg's name of the pixel format."""
        return self._frame.format

    @property
    def depth(self) -> int:
        """Bits of a sample."""
        return self._frame.depth

    @property
    def picture_type(self) -> Literal["I", "P", "B"] | None:
        """How the codec coded it; None if the decoder does not say."""
        return self._frame.picture_type

    @property
    def is_key(self) -> bool:
        """True if the decoder says that decoding can begin with it."""
        return self._frame.is_key

    @property
    def fields(self) -> Literal["top", "bottom"] | None:
        """The field that is shown first; None for a progressive frame."""
        return self._frame.fields

    @property
    def sample_aspect(self) -> Fraction | None:
        """Width of a sample divided by its height; None if unknown."""
        return self._frame.sample_aspect

    @property
    def color(self) -> Color:
        """Primaries, transfer, matrix, range and chroma location, as the stream or its container states them."""
        return self._frame.color

    @property
    def mastering(self) -> MasteringDisplay | None:
        """The display that it was graded on (SMPTE ST 2086)."""
        return self._frame.mastering

    @property
    def content_light(self) -> ContentLight | None:
        """How bright the programme gets (CTA-861.3)."""
        return self._frame.content_light

    @property
    def captions(self) -> bytes | None:
        """Closed captions: `cc_data` of CTA-708."""
        return self._frame.captions

    @property
    def hdr10_plus(self) -> bytes | None:
        """The HDR10+ message, from the country code on."""
        return self._frame.hdr10_plus

    @property
    def dolby_vision(self) -> bytes | None:
        """The reference processing unit of Dolby Vision, as the stream carries it."""
        return self._frame.dolby_vision

    @property
    def planes(self) -> list[npt.NDArray[Any]]:
        """The samples: Y, Cb and Cr, or red, green and blue, or grey; then alpha.

            >>> [plane.shape for plane in trix.open("master.mov")[0].planes]
            [(108, 192), (54, 96), (54, 96)]

        Each is a read-only view of shape (rows, columns) without a copy: uint8 for 8 bits and less, else uint16 with the value in
        the low bits. Chroma has its own, smaller shape. A view stays valid when frame and source are gone.

        Raises:
            Unsupported: Samples are no whole bytes or words, as in a palette or in `p010le`; `converted` helps.
        """
        return self._frame.planes

    @property
    def pixels(self) -> npt.NDArray[Any]:
        """The samples of packed formats such as `rgb24` and `bgra`, as a read-only view of shape (rows, columns, components)
        without a copy. Components have the order of the format's name. Of one component, such as `gray`, the shape is (rows,
        columns).

        Raises:
            ValueError: The samples lie in planes; use `planes` or `to_rgb`.
        """
        found = self._frame.pixels
        if found is None:
            raise ValueError(f"the samples of {self.format} lie in planes; use planes, to_rgb or converted")
        return found[:, :, 0] if found.shape[2] == 1 else found

    def converted(
        self,
        *,
        size: tuple[int, int] | None = None,
        format: str | None = None,
        color: ColorOverride | dict[str, str] | None = None,
    ) -> Frame:
        """The frame in another size or format, with range, matrix and chroma location taken into account.

        Args:
            size: Width and height.
            format: FFmpeg's name of a pixel format. RGB has full range.
            color: Colour that is known better than the frame says: `{"matrix": "bt709"}`.

        Raises:
            InvalidSpec: RGB is asked for, and the matrix of the frame is unknown; state it by `color`.
            Unsupported: The format cannot be converted.
        """
        from ._arguments import color_of, size_of

        return Frame(self._frame.converted(size=size_of(size), format=format, color=color_of(color)))

    def to_rgb(
        self,
        dtype: npt.DTypeLike = "uint8",
        *,
        size: tuple[int, int] | None = None,
        color: ColorOverride | dict[str, str] | None = None,
    ) -> npt.NDArray[Any]:
        """The frame as red, green and blue: a new contiguous array of shape (rows, columns, 3).

            >>> picture = trix.open("master.mov")[0].to_rgb("float32", size=(96, 54))
            >>> picture.shape, picture.dtype, bool(picture.max() <= 1)
            ((54, 96, 3), dtype('float32'), True)

        Args:
            dtype: uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 to 1, from 16 bits).
            size: Width and height to scale to.
            color: Colour that is known better than the frame says.

        Raises:
            ValueError: Another `dtype`.
            InvalidSpec: The matrix of the frame is unknown; state it by `color`, such as `{"matrix": "bt709"}`.
        """
        import numpy as np

        kind = np.dtype(dtype).name
        if kind not in ("uint8", "uint16", "float32"):
            raise ValueError(f"RGB is uint8, uint16 or float32, not {kind}")
        converted = self.converted(size=size, format="rgb24" if kind == "uint8" else "rgb48le", color=color).pixels
        if kind == "float32":
            scaled: npt.NDArray[Any] = np.multiply(converted, np.float32(1 / 65535), dtype=np.float32)
            return scaled
        return np.array(converted)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """The frame as `numpy.asarray(frame)`: `to_rgb()`, as uint8 for 8 bits, else as uint16. It is always a copy.

        Raises:
            ValueError: `copy` is False.
        """
        if copy is False:
            raise ValueError("the RGB samples of a frame are always a copy; its planes are views")
        array = self.to_rgb("uint8" if self.depth <= 8 else "uint16")
        return array if dtype is None else array.astype(dtype, copy=False)

    def _repr_png_(self) -> bytes | None:
        """The picture for notebooks, at most 640 samples wide; None if the matrix of the frame is unknown."""
        from ._html import png
        from .errors import InvalidSpec

        width = min(self.width, 640)
        try:
            return png(self.to_rgb(size=(width, max(1, round(width * self.height / self.width)))))
        except InvalidSpec:
            return None

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """The frame as a tensor (DLPack): `to_rgb()`, as uint8 for 8 bits, else as uint16. It is always a copy.

        Raises:
            BufferError: `copy` is False.
        """
        if copy is False:
            raise BufferError("the RGB samples of a frame are always a copy; its planes are views")
        array = self.to_rgb("uint8" if self.depth <= 8 else "uint16")
        wanted = {"stream": stream, "max_version": max_version, "dl_device": dl_device}
        return array.__dlpack__(**{name: value for name, value in wanted.items() if value is not None})

    def __dlpack_device__(self) -> tuple[int, int]:
        """The processor: (1, 0)."""
        return 1, 0
