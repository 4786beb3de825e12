"""The reef's files, each in the layout that trackers and loggers really write.

Every file is written beside its place under a temporary name and then renamed, and the same content always gives
the same bytes.
"""

from __future__ import annotations

import csv
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_atlas.sample.simulator import Bools, Clock, Floats, Programme

__all__ = [
    "TRUTH_COLUMNS",
    "write_analysis",
    "write_hulls",
    "write_slp",
    "write_text",
    "write_thermocouple",
    "write_truth",
    "write_video",
]

TRUTH_COLUMNS = ("species", "recording", "individual", "second", "temperature_c", "hidden_state")

_MAT_HEADER = b"MATLAB 5.0 MAT-file, hulls of the synthetic reef"
_KEY_FRAMES = 60


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside *path*, renamed to it if all goes well and removed if not."""
    part = path.with_name(f".part-{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write *text* as UTF-8 to *path*."""
    with _replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_hulls(path: Path, outlines: NDArray[np.float32], seen: Bools) -> None:
    """Write outlines as a MATLAB file: ``hull`` (1, animals) with ``ConvexHull`` (1, frames) and ``Area``.

    Parameters
    ----------
    path
        The ``.mat`` file.
    outlines
        Closed polygons in pixels, shape (animals, frames, vertices, 2).
    seen
        Whether there is a hull, shape (animals, frames); elsewhere the polygon is empty and the area NaN.
    """
    from scipy.io import savemat

    hull = np.empty((1, len(outlines)), dtype=[("ConvexHull", object), ("Area", object)])
    empty = np.empty((0, 0), dtype=np.float32)
    for animal, (polygons, known) in enumerate(zip(outlines, seen, strict=True)):
        cell = np.empty((1, len(polygons)), dtype=object)
        cell[0, :] = [polygon if there else empty for polygon, there in zip(polygons, known.tolist(), strict=True)]
        hull[0, animal] = (cell, np.where(known, _areas(polygons), np.nan)[None])
    with _replacing(path) as part:
        with part.open("wb") as file:
            savemat(file, {"hull": hull})
        # The usual header holds the date, and equal content must give equal bytes.
        with part.open("r+b") as file:
            file.write(_MAT_HEADER.ljust(116))


def _areas(polygons: NDArray[np.float32]) -> Floats:
    """Return the area of each closed polygon in px², shape (frames,)."""
    x, y = np.moveaxis(polygons.astype(np.float64), -1, 0)
    twice = np.sum(x[:, :-1] * y[:, 1:] - x[:, 1:] * y[:, :-1], axis=1)
    return np.asarray(0.5 * np.abs(twice), dtype=np.float64)


def write_thermocouple(path: Path, programme: Programme, clock: Clock, rng: np.random.Generator) -> None:
    """Write a logger's CSV: a row every 1.7 s from 20 s before the light until 10 s after the last frame.

    Parameters
    ----------
    path
        The ``.csv`` file with columns ``time_s``, ``measured_temp_C``, ``setpoint_temp_C``.
    programme
        Temperature of the water, which is also the set point.
    clock
        Frames of the recording.
    rng
        Source of the sensor's noise of 0.04 °C.
    """
    times = np.arange(-20.0, clock.seconds[-1] + 10.0, 1.7)
    wanted = programme.at(times)
    measured = wanted + rng.normal(0.0, 0.04, len(times))
    rows = zip(times.tolist(), measured.tolist(), wanted.tolist(), strict=True)
    lines = [f"{time:.2f},{value:.3f},{goal:.3f}\n" for time, value, goal in rows]
    write_text(path, "time_s,measured_temp_C,setpoint_temp_C\n" + "".join(lines))


def write_truth(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write the truth, columns `TRUTH_COLUMNS`.

    ``second`` is recording time, 0 at the LED-on frame, so it may start below 0. ``temperature_c`` and
    ``hidden_state`` hold at that very instant; between two seconds they run straight.
    """
    with _replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TRUTH_COLUMNS)
        writer.writerows(rows)


def write_analysis(path: Path, tracks: Floats, nodes: Sequence[str], edges: Sequence[tuple[int, int]]) -> None:
    """Write a SLEAP analysis file.

    Parameters
    ----------
    path
        The ``.analysis.h5`` file.
    tracks
        Nodes in pixels, shape (tracks, frames, nodes, 2), NaN where missing; a frame without any node is unoccupied.
    nodes
        Names of the nodes.
    edges
        Pairs of node numbers.
    """
    import h5py

    known = np.isfinite(tracks[..., 0])
    occupied = known.any(axis=2)
    scores = {
        "point_scores": np.where(known, 0.9, np.nan).transpose(0, 2, 1),
        "instance_scores": np.where(occupied, 0.9, np.nan),
        "tracking_scores": np.where(occupied, 1.0, np.nan),
    }
    tables: dict[str, NDArray[Any]] = {
        "node_names": np.array(nodes, dtype="S"),
        "track_names": np.array([f"track_{i}" for i in range(len(tracks))], dtype="S"),
        "edge_names": np.array([[nodes[a], nodes[b]] for a, b in edges], dtype="S"),
        "edge_inds": np.array(edges, dtype=np.int64),
        "track_occupancy": np.asarray(occupied.T, dtype=np.uint8),
    }
    with _replacing(path) as part, h5py.File(part, "w") as file:
        packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        file.create_dataset("tracks", data=np.round(tracks, 3).transpose(0, 3, 2, 1), **packed)
        for name, values in scores.items():
            file.create_dataset(name, data=values, **packed)
        for name, values in tables.items():
            file.create_dataset(name, data=values)
        file["labels_path"] = path.name.replace(".analysis.h5", ".slp")
        file["video_path"] = "video.mp4"
        file["video_ind"] = 0
        file["provenance"] = "{}"


def write_slp(
    path: Path, tracks: Floats, nodes: Sequence[str], edges: Sequence[tuple[int, int]], shape: tuple[int, ...]
) -> None:
    """Write SLEAP labels: predicted instances with tracks; frames without any animal are kept, empty.

    Parameters
    ----------
    path
        The ``.slp`` file.
    tracks
        Nodes in pixels, shape (tracks, frames, nodes, 2), NaN where missing.
    nodes
        Names of the nodes.
    edges
        Pairs of node numbers.
    shape
        Frames, height, width and channels of ``video.mp4`` beside the file.
    """
    import sleap_io

    skeleton = sleap_io.Skeleton(list(nodes), edges=[(nodes[a], nodes[b]) for a, b in edges], name="stickleback")
    video = sleap_io.Video("video.mp4", backend_metadata={"shape": shape, "grayscale": False}, open_backend=False)
    names = [sleap_io.Track(f"track_{i}") for i in range(len(tracks))]
    known = np.isfinite(tracks[..., 0])
    occupied: Bools = np.any(known, axis=2)
    scores = np.where(known, 0.9, 0.0)

    def instance(animal: int, frame: int) -> Any:
        points, marks = tracks[animal, frame], scores[animal, frame]
        return sleap_io.PredictedInstance.from_numpy(points, skeleton, marks, score=0.9, track=names[animal])

    frames = [
        sleap_io.LabeledFrame(video, frame, [instance(int(a), frame) for a in np.flatnonzero(occupied[:, frame])])
        for frame in range(tracks.shape[1])
    ]
    labels = sleap_io.Labels(frames, videos=[video], skeletons=[skeleton], tracks=names)
    with _replacing(path) as part:
        sleap_io.save_slp(labels, str(part), embed=False, verbose=False)


def write_video(path: Path, paint: Callable[[int], NDArray[np.uint8]], frames: int, fps: float) -> Iterator[int]:
    """Write an H.264 video, yielding the number of frames written after every 300 and at the end.

    Parameters
    ----------
    path
        The ``.mp4`` file; it appears only after the last frame.
    paint
        Gives the picture of a frame, shape (height, width, 3).
    frames
        Number of frames.
    fps
        Frames per second, kept exactly.
    """
    import av
    from av.video.reformatter import VideoReformatter

    first = paint(0)
    options = {"crf": "26", "preset": "ultrafast", "x264-params": "threads=1:lookahead-threads=1"}
    with _replacing(path) as part, av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.height, stream.width, stream.pix_fmt = first.shape[0], first.shape[1], "yuv420p"
        stream.codec_context.gop_size = _KEY_FRAMES
        # Left to itself, the encoder would set up the change of colours anew for each frame.
        turner = VideoReformatter()
        for frame in range(frames):
            picture = av.VideoFrame.from_ndarray(paint(frame), format="rgb24")
            container.mux(stream.encode(turner.reformat(picture, format="yuv420p", threads=1)))
            if (frame + 1) % 300 == 0 and frame + 1 < frames:
                yield frame + 1
        container.mux(stream.encode())
    yield frames
