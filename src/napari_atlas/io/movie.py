"""Films and stills, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import replacing

__all__ = ["FORMS", "write_movie"]

Picture = NDArray[np.uint8]


def write_movie(path: Path, pictures: Iterable[Picture], fps: float) -> None:
    """Write pictures one after the other; the kind of file is told by its ending, one of `FORMS`.

    Parameters
    ----------
    path
        The file; it appears once it is whole. A ``.png`` holds the first picture alone.
    pictures
        (height, width, 3) colours, all of one size. An ``.mp4`` gets a black line more where height or width is odd.
    fps
        Pictures per second. A GIF keeps time in hundredths of a second, so it plays a little faster or slower.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    import av

    try:
        with replacing(path) as file:
            FORMS[path.suffix](file, iter(pictures), fps)
    except av.FFmpegError as error:
        raise InputError.of(path, f"it cannot be written ({error})", "free some space, or check rights") from error


def _write_mp4(file: IO[bytes], pictures: Iterable[Picture], fps: float) -> None:
    import av

    rate = Fraction(fps).limit_denominator(1001)
    with av.open(file, "w", format="mp4") as container:
        stream: Any = None
        for number, picture in enumerate(pictures):
            even = np.pad(picture, [(0, n % 2) for n in picture.shape[:2]] + [(0, 0)])
            if stream is None:
                codec, options = _codec()
                stream = container.add_stream(codec, rate=rate, options=options)
                stream.height, stream.width, stream.pix_fmt = *even.shape[:2], "yuv420p"
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())


def _codec() -> tuple[str, dict[str, str]]:
    """Return the best encoder that there is, with its settings."""
    import av

    try:
        av.Codec("libx264", "w")
    except ValueError:  # not every build of the library has it
        return "mpeg4", {"qscale": "3"}
    return "libx264", {"crf": "18", "preset": "fast"}


def _write_gif(file: IO[bytes], pictures: Iterable[Picture], fps: float) -> None:
    from PIL import Image

    first, *others = (Image.fromarray(picture).quantize(method=Image.Quantize.FASTOCTREE) for picture in pictures)
    first.save(file, "GIF", save_all=True, append_images=others, duration=1000 / fps, loop=0)


def _write_png(file: IO[bytes], pictures: Iterable[Picture], fps: float) -> None:
    from PIL import Image

    Image.fromarray(next(iter(pictures))).save(file, "PNG")


FORMS: dict[str, Callable[[IO[bytes], Iterable[Picture], float], None]] = {
    ".mp4": _write_mp4,
    ".gif": _write_gif,
    ".png": _write_png,
}
