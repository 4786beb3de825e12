"""How long after a click on the map the video shows the window's frame.

    python benchmarks/click_to_frame.py [--n 60] [--frames 3000]

One project, one 720p video with a key frame every 250 frames, the real workspace under Xvfb. Each click is a real mouse
event on the map's native widget; the time runs until the pixels that napari draws are those of the window's frame.

* `warm_p95_ms`: back to a window from another one in the same group of pictures, both decoded before (bound 60);
  `video_alone_p95_ms` is what napari takes to draw another picture that is in memory, with nothing linked.
* `proxy_p95_ms`: first looks at windows, with the all-intra copy of the video.
* `cold_p95_ms`, `cold_median_ms`: first looks without a copy, until the frame itself is there; `bare_seek_p95_ms` and
  `bare_seek_median_ms` are what a bare seek and decode with PyAV takes for the same frames.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS, GROUP = 1280, 720, 30, 250
SIZE = (1500, 950)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=60, help="clicks of each kind")
    parser.add_argument("--frames", type=int, default=3000)
    arguments = parser.parse_args()
    if not os.environ.get("DISPLAY"):
        from napari_atlas.views.launch import hidden_display

        with hidden_display() as display:
            os.environ["DISPLAY"] = display
            os.environ.pop("WAYLAND_DISPLAY", None)
            measure(arguments.n, arguments.frames)
    else:
        measure(arguments.n, arguments.frames)


def measure(n: int, n_frames: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), n_frames)
        told = {**clicks(project, n, proxy=False), **clicks(project, n, proxy=True)}
        print(json.dumps(told, indent=1))


def stripes(index: int) -> np.ndarray:
    """Return a picture that tells its number: twelve bright or dark bars, over a background that moves."""
    picture = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture[:] = ((np.arange(WIDTH) + 3 * index) % 97 + 60).astype(np.uint8)[None, :, None]
    for bit in range(12):
        picture[540:, bit * 100 : bit * 100 + 100] = 235 if index >> bit & 1 else 16
    return picture


def number_on_screen(viewer, canvas) -> int:
    """Return the number of the picture that stands on the screen, read from one line of its pixels."""
    from qtpy.QtCore import QPoint
    from qtpy.QtWidgets import QApplication

    camera = viewer.scene.camera
    _, row, column = camera.center
    left = (0 - column) * camera.zoom + canvas.width() / 2
    height = (640 - row) * camera.zoom + canvas.height() / 2
    begin = canvas.mapToGlobal(QPoint(0, round(height)))
    line = QApplication.primaryScreen().grabWindow(0, begin.x(), begin.y(), canvas.width(), 1).toImage()
    places = [round(left + (bit * 100 + 50) * camera.zoom) for bit in range(12)]
    return sum(1 << bit for bit, x in enumerate(places) if line.pixelColor(x, 0).lightness() > 128)


def make_project(folder: Path, n_frames: int) -> Path:
    """Return a project of one animal that walks through a video of numbered frames, fitted for an epoch and mapped."""
    from napari_atlas import workflow
    from napari_atlas.analysis.projection import MapRecipe
    from napari_atlas.data.config import FitConfig
    from napari_atlas.data.project import AddRequest

    with av.open(str(folder / "v.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.gop_size = WIDTH, HEIGHT, "yuv420p", GROUP
        for i in range(n_frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stripes(i), format="rgb24")))
        container.mux(stream.encode())
    rng = np.random.default_rng(0)
    walk = 300 + np.cumsum(rng.normal(0, 2, (n_frames, 1, 2)), axis=0) + rng.normal(0, 15, (1, 4, 2))
    lines = ["scorer," + "s," * 11 + "s", "bodyparts," + ",".join(f"{k},{k},{k}" for k in "abcd")]
    lines.append("coords," + ",".join(["x,y,likelihood"] * 4))
    for i, nodes in enumerate(walk):
        lines.append(f"{i}," + ",".join(f"{x:.2f},{y:.2f},0.99" for x, y in nodes))
    (folder / "v.csv").write_text("\n".join(lines) + "\n")
    project = folder / "p.atlas"
    workflow.new(project)
    settings = {"bin_rate": 10.0, "window": 2.0, "stride": 0.5}
    workflow.add(project, AddRequest(folder / "v.csv", "mouse", video=folder / "v.mp4", fps=FPS, settings=settings))
    list(workflow.fit(project, FitConfig(epochs=2, beta_warmup=1)))
    list(workflow.make_map(project, MapRecipe()))
    return project


def clicks(project: Path, n: int, proxy: bool) -> dict[str, object]:
    """Return the figures with or without an all-intra copy."""
    from napari_atlas import workflow
    from napari_atlas.views.launch import make_viewer, settle, wait_for

    if proxy:
        list(workflow.make_proxies(project))
    viewer, workspace = make_viewer(project)
    session, bridge = workspace.session, workspace.bridge
    viewer.window.resize(*SIZE)
    wait_for(lambda: session.atlas is not None and bridge.shown is not None)
    settle(2.0)
    table = session.atlas.windows.table
    rng = np.random.default_rng(1)
    chosen = apart(session.atlas.coordinates, rng, n)
    frames = [int(table.centre_frame()[w]) for w in chosen]
    first = [click(workspace, viewer, w, f) for w, f in zip(chosen, frames, strict=True)]
    # Back from another window of the same group of pictures, all of which has just been decoded.
    warm = []
    for i, frame in enumerate(frames):
        near = [j for j, other in enumerate(frames) if j != i and other // GROUP == frame // GROUP]
        if near:
            j = int(rng.choice(near))
            click(workspace, viewer, chosen[i], frame)
            click(workspace, viewer, chosen[j], frames[j])
            warm.append(click(workspace, viewer, chosen[i], frame))
    alone = video_alone(workspace, frames) if not proxy else []
    viewer.close()
    settle(0.3)
    if proxy:
        return {"proxy_p95_ms": p95(first), "proxy_median_ms": median(first), "proxy_warm_p95_ms": p95(warm)}
    bare = [bare_seek(project.parent / "v.mp4", f) for f in frames]
    return {
        "n": len(chosen),
        "warm_p95_ms": p95(warm),
        "warm_median_ms": median(warm),
        "bound_ms": 60,
        "cold_p95_ms": p95(first),
        "cold_median_ms": median(first),
        "video_alone_p95_ms": p95(alone),
        "video_alone_median_ms": median(alone),
        "bare_seek_p95_ms": p95(bare),
        "bare_seek_median_ms": median(bare),
        "python": sys.version.split()[0],
    }


def apart(places: np.ndarray, rng: np.random.Generator, n: int) -> list[int]:
    """Return n windows that a click can tell from their neighbours."""
    size = np.ptp(places, axis=0).max()
    gap = np.array([np.sort(np.linalg.norm(places - p, axis=1))[1] for p in places])
    rows = np.flatnonzero(gap > 0.004 * size)
    return [int(w) for w in rng.choice(rows, min(n, rows.size), replace=False)]


def click(workspace, viewer, window: int, frame: int) -> float:
    """Click a window's point and return milliseconds until its frame is drawn."""
    from qtpy.QtWidgets import QApplication

    from napari_atlas.views.launch import click_window

    canvas = canvas_of(workspace.widget("map").window())
    begun = time.perf_counter()
    click_window(workspace, window)
    while time.perf_counter() - begun < 20:
        QApplication.processEvents()
        if number_on_screen(viewer, canvas) == frame:
            return 1000 * (time.perf_counter() - begun)
    raise SystemExit(f"frame {frame} of window {window} did not come within 20 s")


def video_alone(workspace, frames: list[int]) -> list[float]:
    """Return milliseconds that napari takes to draw another picture that is in memory, with nothing else there."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_atlas.views.launch import settle

    shown, taken = frames[:20], []
    pictures = np.stack([stripes(frame) for frame in shown])
    alone = napari.Viewer()
    alone.window.resize(*SIZE)
    alone.add_image(pictures, rgb=True, multiscale=False, contrast_limits=(0, 255))
    settle(1.0)
    canvas = canvas_of(workspace.widget("map").window(), of=alone)
    for i in range(1, len(shown)):
        begun = time.perf_counter()
        alone.dims.set_current_step(0, i)
        while number_on_screen(alone, canvas) != shown[i]:
            if time.perf_counter() - begun > 5:
                raise SystemExit(f"frame {shown[i]} did not come on its own within 5 s")
            QApplication.processEvents()
        taken.append(1000 * (time.perf_counter() - begun))
    alone.close()
    return taken


def canvas_of(window, of=None):
    """Return the widget that napari draws on in a window, or in the newest window that is another one."""
    from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

    if of is not None:
        others = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow) and w.isVisible()]
        window = next(w for w in others if w is not window)
    return max(
        (
            w
            for w in window.centralWidget().findChildren(QWidget)
            if "Canvas" in type(w).__name__ and "Widget" not in type(w).__name__
        ),
        key=lambda w: w.width() * w.height(),
    )


def bare_seek(path: Path, frame: int) -> float:
    """Return milliseconds of opening, seeking and decoding with PyAV alone, the file being open already."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        begun = time.perf_counter()
        container.seek(int(frame / FPS / stream.time_base), stream=stream)
        for found in container.decode(stream):
            if round(float(found.pts * stream.time_base) * FPS) >= frame:
                found.to_ndarray(format="rgb24")
                break
        return 1000 * (time.perf_counter() - begun)


def p95(values: list[float]) -> float:
    return round(float(np.percentile(values, 95)), 1)


def median(values: list[float]) -> float:
    return round(float(np.median(values)), 1)


if __name__ == "__main__":
    main()
