"""How long one frame step takes with everything linked, over the step of the video alone: one JSON object on stdout.

A recording of 100 000 frames with 12 keypoints and a skeleton, fitted and mapped, stands in the workspace with its
720p video, map and timeline. The slider is moved frame by frame as playing does, and each step waits until the window
has drawn. The same steps are taken with nothing but the same video in a napari viewer. Both are measured in turns, in
one run. Starts its own virtual display where there is none.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

N_NODES = 12
N_VIDEO = 600
FPS = 30
ROUNDS = 6


def write_video(path: Path) -> None:
    """Write 20 s of moving content, 1280 x 720."""
    import av

    y, x = np.mgrid[0:720, 0:1280]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(FPS), options={"preset": "ultrafast", "g": "250"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for i in range(N_VIDEO):
            image = np.stack([(x + 3 * i) % 256, (y + 2 * i) % 256, (x + y + i) % 256], axis=-1).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())


def write_tracks(path: Path, n_frames: int) -> None:
    """Write a SLEAP analysis file of one animal with a skeleton."""
    import h5py

    rng = np.random.default_rng(0)
    centre = np.stack([640 + 400 * np.sin(np.arange(n_frames) / 90), 360 + 200 * np.cos(np.arange(n_frames) / 70)])
    nodes = (
        centre[None, :, None, :] + rng.normal(0, 60, (1, 2, N_NODES, 1)) + rng.normal(0, 2, (1, 2, N_NODES, n_frames))
    )
    with h5py.File(path, "w") as file:
        file["tracks"] = nodes
        file["track_occupancy"] = np.ones((n_frames, 1), dtype=np.uint8)
        file["node_names"] = [f"node-{i}".encode() for i in range(N_NODES)]
        file["track_names"] = [b"animal"]
        file["edge_inds"] = np.array([[i, i + 1] for i in range(N_NODES - 1)])


def make_project(folder: Path, n_frames: int) -> Path:
    """Return a fitted and mapped project of one such recording."""
    from napari_atlas import workflow
    from napari_atlas.analysis.projection import MapRecipe
    from napari_atlas.data.config import FitConfig
    from napari_atlas.data.project import AddRequest

    write_video(folder / "video.mp4")
    write_tracks(folder / "tracks.analysis.h5", n_frames)
    project = folder / "playback.atlas"
    workflow.new(project)
    settings: dict[str, object] = {"signal": "keypoint-speed", "bin_rate": 10.0, "window": 2.0, "stride": 1.0}
    workflow.add(
        project,
        AddRequest(folder / "tracks.analysis.h5", "mouse", video=folder / "video.mp4", fps=FPS, settings=settings),
    )
    for _ in workflow.fit(project, FitConfig(epochs=2)):
        pass
    for _ in workflow.make_map(project, MapRecipe()):
        pass
    return project


class Stepper:
    """Move a viewer's slider and wait until the window has drawn."""

    def __init__(self, viewer) -> None:
        self.viewer = viewer

    def steps(self, first: int, n: int) -> float:
        """Return the seconds that *n* steps take, each drawn before the next."""
        from qtpy.QtWidgets import QApplication

        begin = time.perf_counter()
        for frame in range(first, first + n):
            self.viewer.dims.set_current_step(0, frame)
            for _ in range(3):
                QApplication.processEvents()
        return time.perf_counter() - begin


def measure(project: Path, n_steps: int) -> dict[str, object]:
    """Return milliseconds per step of the video alone and of the whole workspace, and their ratio."""
    import napari

    from napari_atlas.io.project import read_project
    from napari_atlas.io.video import open_video
    from napari_atlas.views.launch import make_viewer, settle, wait_for

    viewer, workspace = make_viewer(project)
    wait_for(lambda: workspace.session.atlas is not None and workspace.bridge.shown is not None)
    settle(3.0)
    entry = read_project(project).recordings[0]
    video = open_video(entry.video)
    alone = napari.Viewer()
    alone.window.resize(1560, 940)
    alone.add_image(video, rgb=True, multiscale=False, contrast_limits=(0, 255))
    settle(2.0)
    whole, bare = Stepper(viewer), Stepper(alone)
    whole.steps(0, n_steps), bare.steps(0, n_steps)  # decode the group once
    times = {"whole": [], "alone": []}
    for _ in range(ROUNDS):
        times["alone"].append(1000 * bare.steps(0, n_steps) / n_steps)
        times["whole"].append(1000 * whole.steps(0, n_steps) / n_steps)
    shown = workspace.session.cursor.frame
    alone.close()
    viewer.close()
    if shown != n_steps - 1:
        raise SystemExit(f"the cursor stands at frame {shown} after {n_steps} steps: nothing was measured")
    step, video_step = (float(np.median(times[name])) for name in ("whole", "alone"))
    return {
        "ratio": round(step / video_step, 2),
        "step_ms": round(step, 1),
        "video_step_ms": round(video_step, 1),
        "rounds": {name: [round(value, 1) for value in values] for name, values in times.items()},
        "steps": n_steps,
        "cores": os.cpu_count(),
    }


def main() -> None:
    """Measure, in a child under a virtual display where there is no display."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000, help="tracked frames")
    parser.add_argument("--steps", type=int, default=120, help="steps in a round")
    parser.add_argument("--project", type=Path, help="such a project, made before")
    options = parser.parse_args()
    from napari_atlas.views.launch import has_display, hidden_display

    with tempfile.TemporaryDirectory() as folder:
        project = options.project or make_project(Path(folder), options.frames)
        if has_display():
            print(json.dumps(measure(project, options.steps)))
            return
        command = [sys.executable, __file__, "--project", str(project), "--steps", str(options.steps)]
        with hidden_display() as display:
            done = subprocess.run(
                command, env={**os.environ, "DISPLAY": display}, text=True, stdout=subprocess.PIPE, check=True
            )
        print(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
