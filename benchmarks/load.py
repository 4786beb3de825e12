"""How fast a file becomes the signals of its animals, and in how much memory: one JSON object.

Each ratio is the time of a plain loop, frame by frame, over ours: the same file, in the same process, by turns, median
of three. The files are a hull .mat (v5, about 20 vertices per polygon; plain and compressed), and 12 keypoints of 2
animals as DeepLabCut .csv and .h5, SLEAP .slp and SLEAP analysis .h5. Both sides are checked to give the same signal.
``..._memory`` is the peak of memory that ours takes above what the imports took, over the size of the array: vertices,
or positions and confidence, in float64.

    python benchmarks/load.py [--frames 100000] [--only hull deeplabcut]
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FPS = 30.0
NODES = tuple(f"node{i}" for i in range(12))
ANIMALS = ("a", "b")
SCORER = "net"
REPEATS = 3
Speeds = list[list[float]]


def ours(path: Path) -> list[NDArray[np.float64]]:
    """Return the signal of every animal, one value per frame, through the public functions."""
    from napari_atlas.data.outline import Outline
    from napari_atlas.data.recording import Recording
    from napari_atlas.data.species import Species
    from napari_atlas.data.timebase import TimeBase
    from napari_atlas.data.windows import make_tracks
    from napari_atlas.io.readers import read_tracks

    tracks = read_tracks(path).tracks
    signal = "hull-area-rate" if isinstance(tracks, Outline) else "centroid-speed"
    recording = Recording(name="r", species="s", tracks=tracks, timebase=TimeBase(n_samples=tracks.n_samples, fps=FPS))
    return [track.values[:, 0] for track in make_tracks(recording, Species(name="s", signal=signal, bin_rate=0))]


def loop_hull(path: Path) -> Speeds:
    """Load the file with scipy, then take the shoelace area of one frame after the other and its difference."""
    from scipy.io import loadmat

    rates, before = [], math.nan
    for polygon in loadmat(path)["hull"][0, 0]["ConvexHull"][0]:
        x, y = polygon[:, 0], polygon[:, 1]
        area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
        rates.append(abs(area - before))
        before = area
    return [rates]


def speeds(frames: object) -> list[float]:
    """Return the speed in px/ms of the mean of the points of one frame after the other, node by node."""
    found, before = [], (math.nan, math.nan)
    for points in frames:  # type: ignore[attr-defined]
        total_x, total_y, count = 0.0, 0.0, 0
        for x, y in points:
            if not (math.isnan(x) or math.isnan(y)):
                total_x, total_y, count = total_x + x, total_y + y, count + 1
        here = (total_x / count, total_y / count) if count else (math.nan, math.nan)
        found.append(math.hypot(here[0] - before[0], here[1] - before[1]) * FPS / 1000.0)
        before = here
    return found


def loop_deeplabcut(path: Path) -> Speeds:
    """Load the table with pandas and its header of four levels, then loop over animals, frames and nodes."""
    import pandas as pd

    frame = pd.read_csv(path, header=[0, 1, 2, 3], index_col=0)
    found = []
    for animal in ANIMALS:
        mine = frame[SCORER][animal]
        xy = np.stack([mine[node][["x", "y"]].to_numpy() for node in NODES], axis=1)
        found.append(speeds(xy))
    return found


def loop_sleap(path: Path) -> Speeds:
    """Load the labels with sleap-io, then loop over labelled frames, instances and nodes."""
    import sleap_io

    labels = sleap_io.load_slp(str(path), open_videos=False)
    points: dict[str, list[NDArray[np.float64]]] = {animal: [] for animal in ANIMALS}
    for frame in labels.labeled_frames:
        for instance in frame.instances:
            points[instance.track.name].append(instance.numpy())
    return [speeds(points[animal]) for animal in ANIMALS]


def loop_analysis(path: Path) -> Speeds:
    """Load the array with h5py, then loop over animals, frames and nodes."""
    import h5py

    with h5py.File(path, "r") as file:
        tracks = file["tracks"][()].T
    return [speeds(tracks[:, :, :, i]) for i in range(len(ANIMALS))]


def polygons(n_frames: int) -> NDArray[np.object_]:
    """Return a pulsing outline of 17 to 23 vertices per frame."""
    rng = np.random.default_rng(0)
    cells = np.empty((1, n_frames), dtype=object)
    for i in range(n_frames):
        angles = np.sort(rng.random(rng.integers(17, 24))) * 2 * np.pi
        cells[0, i] = (200 + 40 * (1 + 0.2 * np.sin(i / 30)) * np.stack([np.cos(angles), np.sin(angles)])).T
    return cells


def write_hull(path: Path, n_frames: int) -> None:
    """Write one animal as hull.ConvexHull{frame}; compressed where the name says so."""
    from scipy.io import savemat

    hull = np.empty((1, 1), dtype=[("ConvexHull", object)])
    hull[0, 0]["ConvexHull"] = polygons(n_frames)
    savemat(path, {"hull": hull}, do_compression="compressed" in path.name)


def poses(n_frames: int) -> NDArray[np.float64]:
    """Return (n_frames, n_animals, n_nodes, 3): x, y and confidence of nodes that wander."""
    rng = np.random.default_rng(0)
    shape = (n_frames, len(ANIMALS), len(NODES))
    return np.concatenate([200 + np.cumsum(rng.normal(size=(*shape, 2)), axis=0), rng.random((*shape, 1))], axis=3)


def labels() -> list[tuple[str, ...]]:
    """Return the labels of the columns of a DeepLabCut table."""
    return [(SCORER, a, n, c) for a in ANIMALS for n in NODES for c in ("x", "y", "likelihood")]


def write_csv(path: Path, n_frames: int) -> None:
    """Write the table that DeepLabCut writes for several animals."""
    import pandas as pd

    names = ["scorer", "individuals", "bodyparts", "coords"]
    columns = pd.MultiIndex.from_tuples(labels(), names=names)
    pd.DataFrame(poses(n_frames).reshape(n_frames, -1), columns=columns).to_csv(path)


def write_h5(path: Path, n_frames: int) -> None:
    """Write the same table as DeepLabCut's .h5, with the column labels as pandas stores them."""
    import h5py

    tuples = "".join(f"({''.join(f'V{text}{chr(10)}' for text in label)}ta" for label in labels())
    table = np.empty(n_frames, dtype=[("index", "<i8"), ("values_block_0", "<f8", (len(labels()),))])
    table["index"], table["values_block_0"] = np.arange(n_frames), poses(n_frames).reshape(n_frames, -1)
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        group.attrs["non_index_axes"] = np.bytes_(f"(l(I1\n(l{tuples}ta.".encode())
        group.create_dataset("table", data=table, chunks=(1024,))
        group["table"].attrs["index_kind"] = np.bytes_(b"integer")
        group["table"].attrs["values_block_0_kind"] = np.bytes_(f"(l{tuples}.".encode())


def write_slp(path: Path, n_frames: int) -> None:
    """Write predictions: one frame through sleap-io, then its tables with all frames."""
    import h5py
    import sleap_io as sio

    skeleton = sio.Skeleton(list(NODES))
    tracks, video = [sio.Track(name) for name in ANIMALS], sio.Video("film.mp4", open_backend=False)
    empty = np.zeros((len(NODES), 2))
    instances = [sio.PredictedInstance.from_numpy(empty, skeleton, point_scores=empty[:, 0], track=t) for t in tracks]
    frame = sio.LabeledFrame(video=video, frame_idx=0, instances=instances)
    sio.Labels([frame], tracks=tracks).save(str(path), embed=False)
    n_animals, n_nodes, values = len(ANIMALS), len(NODES), poses(n_frames).reshape(-1, 3)
    with h5py.File(path, "r+") as file:
        frames, rows, points = (file[name][:1] for name in ("frames", "instances", "pred_points"))
        frames, rows, points = frames.repeat(n_frames), rows.repeat(n_frames * n_animals), points.repeat(len(values))
        frames["frame_id"] = frames["frame_idx"] = np.arange(n_frames)
        frames["instance_id_start"] = np.arange(n_frames) * n_animals
        frames["instance_id_end"] = frames["instance_id_start"] + n_animals
        rows["instance_id"] = np.arange(rows.size)
        rows["frame_id"], rows["track"] = rows["instance_id"] // n_animals, rows["instance_id"] % n_animals
        rows["point_id_start"] = rows["instance_id"] * n_nodes
        rows["point_id_end"] = rows["point_id_start"] + n_nodes
        points["x"], points["y"], points["score"], points["visible"] = *values.T, True
        for name, table in (("frames", frames), ("instances", rows), ("pred_points", points)):
            del file[name]
            file[name] = table


def write_analysis(path: Path, n_frames: int) -> None:
    """Write SLEAP's analysis file, in MATLAB's order."""
    import h5py

    values = poses(n_frames)
    with h5py.File(path, "w") as file:
        file["tracks"] = values[..., :2].transpose(1, 3, 2, 0)
        file["point_scores"] = values[..., 2].transpose(1, 2, 0)
        file["track_occupancy"] = np.ones((n_frames, len(ANIMALS)), dtype=np.uint8)
        file["node_names"], file["track_names"] = np.array(NODES, dtype="S"), np.array(ANIMALS, dtype="S")


@dataclass(frozen=True)
class Format:
    """One format: its file, how to write it, and the loop; the loop of another's file where its own would need it."""

    file: str
    write: Callable[[Path, int], None]
    loop: Callable[[Path], Speeds]
    looped: str = ""


FORMATS = {
    "hull": Format("hull.mat", write_hull, loop_hull),
    "hull_compressed": Format("hull_compressed.mat", write_hull, loop_hull),
    "deeplabcut": Format("pose.csv", write_csv, loop_deeplabcut),
    "deeplabcut_h5": Format("pose.h5", write_h5, loop_deeplabcut, "deeplabcut"),
    "sleap": Format("pose.slp", write_slp, loop_sleap),
    "sleap_analysis": Format("pose.analysis.h5", write_analysis, loop_analysis),
}


def written(folder: Path, name: str, n_frames: int) -> Path:
    """Return the file of a format, written if it is not there."""
    path = folder / FORMATS[name].file
    if not path.exists():
        FORMATS[name].write(path, n_frames)
    return path


def timed(task: Callable[[Path], object], path: Path) -> tuple[float, object]:
    """Return how long a task takes in seconds, and what it gives."""
    begin = time.perf_counter()
    given = task(path)
    return time.perf_counter() - begin, given


def import_all() -> None:
    """Import what either side needs, so that no import is timed or counted."""
    for name in (
        "h5py",
        "pandas",
        "scipy.io",
        "sleap_io.io.slp",
        "napari_atlas.data.windows",
        "napari_atlas.io.readers",
    ):
        importlib.import_module(name)


def speed(folder: Path, name: str, n_frames: int) -> dict[str, float]:
    """Return the ratio of one format and both times, after a check that both sides agree."""
    made = FORMATS[name]
    path = written(folder, name, n_frames)
    other = written(folder, made.looped, n_frames) if made.looped else path
    import_all()
    both = [(timed(ours, path), timed(made.loop, other)) for _ in range(REPEATS)]
    for (_, signals), (_, expected) in both:
        np.testing.assert_allclose(np.array(signals), np.array(expected), rtol=1e-6, atol=1e-9)
    mine, theirs = (statistics.median(times) for times in zip(*((a[0], b[0]) for a, b in both), strict=True))
    return {
        f"{name}_ratio": round(theirs / mine, 2),
        f"{name}_seconds": round(mine, 3),
        f"{name}_loop_seconds": round(theirs, 3),
    }


def peak_bytes() -> int:
    """Return the most memory that this program has held since it began."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def memory(folder: Path, name: str, n_frames: int) -> dict[str, float]:
    """Return the peak of memory above the imports over the size of the array; to be called once per process."""
    import psutil

    from napari_atlas.data.outline import Outline
    from napari_atlas.io.readers import read_tracks

    path = folder / FORMATS[name].file
    import_all()
    before = psutil.Process().memory_info().rss
    ours(path)
    used, tracks = peak_bytes() - before, read_tracks(path).tracks
    size = sum(v.nbytes for v in tracks.vertices) if isinstance(tracks, Outline) else poses(n_frames).nbytes
    return {f"{name}_memory": round(used / size, 2), f"{name}_array_mb": round(size / 1e6)}


def main() -> None:
    """Run every measurement in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--only", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    parser.add_argument("--task", choices=("speed", "memory"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.task:
        task = speed if asked.task == "speed" else memory
        print(json.dumps(task(asked.folder, asked.only[0], asked.frames)))
        return
    found: dict[str, float] = {"frames": asked.frames}
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.only:
            for task_name in ("speed", "memory"):
                settings = ["--task", task_name, "--folder", folder, "--only", name, "--frames", str(asked.frames)]
                command = [sys.executable, __file__, *settings]
                found |= json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
