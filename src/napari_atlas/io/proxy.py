"""Copies of videos in which every frame can be decoded alone, for moving about in them smoothly."""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from napari_atlas.data.results import Event, counted
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io._image_sequence import is_image_sequence
from napari_atlas.io._video_index import build_index, decoded, opened
from napari_atlas.io.atomic import replacing
from napari_atlas.io.moved import video_of
from napari_atlas.io.project import read_project
from napari_atlas.io.video import VideoArray, open_video

__all__ = ["make_proxies", "open_proxy", "proxy_of", "write_proxy"]

HEIGHT = 720
CACHE_BYTES = 128 * 2**20
_EDGE = 1 << 16
_STEP = 60
_STALE_S = 3600.0
_OPTIONS = {"preset": "ultrafast", "crf": "23", "x264-params": "keyint=1:bframes=0"}


def proxy_of(folder: Path, video: Path) -> Path:
    """Return the copy of a video beside a project, ``Path()`` where there is none.

    A copy belongs to what the video holds: one that was moved keeps its copy, one that was changed has none.
    """
    path = _place(folder, video)
    return path if path.is_file() else Path()


def open_proxy(folder: Path, video: VideoArray) -> VideoArray | None:
    """Return a video's copy as an array of the same shape; None where there is none with the same frames."""
    path = proxy_of(folder, video.path)
    if path == Path():
        return None
    try:
        proxy = VideoArray(path, len(video), CACHE_BYTES, size=video.shape[1:3])
    except InputError:
        return None
    return proxy if proxy.n_video_frames == video.n_video_frames else None


def make_proxies(
    folder: Path, recordings: Sequence[str] = (), should_stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Write the copies of a project's videos that are not there yet; a generator of events.

    Parameters
    ----------
    folder
        The project.
    recordings
        Names of recordings; none means all that have a video.
    should_stop
        Asked every few frames; whole copies are kept.

    Raises
    ------
    InputError
        If there is no such recording or no video, or, after all others are made, if one cannot be read.
    StoppedError
        If a stop was asked for.
    """
    project = read_project(folder)
    entries = [project.recording_called(name) for name in recordings] or [
        entry for entry in project.recordings if entry.video != Path()
    ]
    for entry in entries:
        if entry.video == Path():
            raise InputError.of(f"recording {entry.name}", "it has no video", "leave it out")
    faults: list[InputError] = []
    for entry in entries:
        data = {"recording": entry.name}
        yield Event("log", f"making a copy of the video of {entry.name} for smooth scrubbing", data=data)
        try:
            for done, total in _ensure(folder, video_of(folder, entry)[0], should_stop):
                yield Event("progress", f"{entry.name}: {done} of {total} frames", done, total, data)
        except InputError as error:
            faults.append(error)
            yield Event("log", str(error), data=data)
    if faults:
        raise faults[0]
    yield Event("done", f"copies of {counted(len(entries), 'video')} are there", len(entries), len(entries))


def write_proxy(video: VideoArray, target: Path, should_stop: Callable[[], bool]) -> Iterator[int]:
    """Write a copy of a video in which each frame is a key frame, yielding the number of frames written now and then.

    It has the same frames in the same order, one after the other at an even rate, at most 720 pixels high.

    Parameters
    ----------
    video
        The video.
    target
        The ``.mp4`` file; it appears only after the last frame.
    should_stop
        Asked every few frames.

    Raises
    ------
    InputError
        If the video gives other frames than it has listed, or the file cannot be written.
    StoppedError
        If a stop was asked for; nothing is left behind.
    """
    import av
    from av.video.reformatter import VideoReformatter

    _, height, width, _ = video.shape
    scale = min(1.0, HEIGHT / height)
    height, width = (max(2, 2 * round(n * scale / 2)) for n in (height, width))
    rate = Fraction(video.fps).limit_denominator(1001) if math.isfinite(video.fps) else Fraction(30)
    colors, written = VideoReformatter(), 0
    with replacing(target) as file, av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options=_OPTIONS)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.gop_size, stream.thread_type = 1, "AUTO"
        for frame in _frames(video):
            picture = colors.reformat(frame, width=width, height=height, format="yuv420p")
            picture.pts, picture.time_base, picture.pict_type = written, 1 / rate, 0
            container.mux(stream.encode(picture))
            written += 1
            if written % _STEP == 0:
                if should_stop():
                    raise StoppedError("stopped; copies that were whole are kept")
                yield written
        container.mux(stream.encode())
        if written != video.n_video_frames:
            what = f"it lists {video.n_video_frames} frames and gives {written}"
            raise InputError.of(video.path, what, "convert it to an mp4 without errors first")
    yield written


def _ensure(folder: Path, path: Path, should_stop: Callable[[], bool]) -> Iterator[tuple[int, int]]:
    """Write a video's copy, unless it is there, yielding frames done and in all."""
    with contextlib.closing(open_video(path)) as video:
        total, target = video.n_video_frames, _place(folder, path)
        if open_proxy(folder, video) is not None:
            yield total, total
            return
        for left in target.parent.glob(f".{target.name}.*.part"):
            if time.time() - left.stat().st_mtime > _STALE_S:
                left.unlink()
        for done in write_proxy(video, target, should_stop):
            yield done, total


def _place(folder: Path, video: Path) -> Path:
    """Return where a video's copy lies: its name tells size, time of change, beginning and end of the video."""
    digest = hashlib.blake2b(digest_size=8)
    with contextlib.suppress(OSError):
        for path in sorted(video.iterdir()) if video.is_dir() else [video]:
            told = path.stat()
            digest.update(f"{path.name if video.is_dir() else ''}{told.st_size} {told.st_mtime_ns}\n".encode())
        if video.is_file():
            with video.open("rb") as file:
                digest.update(file.read(_EDGE))
                file.seek(max(0, told.st_size - _EDGE))
                digest.update(file.read(_EDGE))
    return folder / "proxies" / f"{digest.hexdigest()}.mp4"


def _frames(video: VideoArray) -> Iterator[Any]:
    """Yield the frames of a video from the first to the last, as they leave the decoder."""
    import av

    if is_image_sequence(video.path):
        yield from (av.VideoFrame.from_ndarray(video[i], format="rgb24") for i in range(video.n_video_frames))
        return
    with opened(video.path, build_index(video.path).threads) as (container, stream):
        yield from decoded(container, stream)
