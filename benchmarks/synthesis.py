"""How long after a slider was moved the generated pose is drawn.

    python benchmarks/synthesis.py [--n 100]

One project of a walking animal of 14 keypoints, fitted for a few epochs with its speed and heading told, in the real
workspace under Xvfb. The sliders are moved as the keyboard would, with the animation paused, so that nothing else
changes the picture; the time runs until other pixels stand on the screen.

* `p95_ms`, `median_ms`: slider to pixels (bound 50); `latent_*` and `told_*` for each kind of slider.
* `round_trip_p95_ms`: the child's part alone, a request there and the answer back.
* `draw_p95_ms`: painting the recorded and the generated pose once.
* `start_s`: from the first look at the dock to the first pose.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

N_NODES, FPS, BOUND_MS = 14, 50, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100, help="moves of each kind of slider")
    arguments = parser.parse_args()
    from napari_atlas.views.launch import hidden_display

    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder))
        if os.environ.get("DISPLAY"):
            print(json.dumps(measure(project, arguments.n), indent=1))
            return
        with hidden_display() as display:
            os.environ["DISPLAY"] = display
            os.environ.pop("WAYLAND_DISPLAY", None)
            print(json.dumps(measure(project, arguments.n), indent=1))


def make_project(folder: Path) -> Path:
    """Return the fitted project of an animal that walks faster and slower, and swings its limbs."""
    from napari_atlas import workflow
    from napari_atlas.data.config import FitConfig
    from napari_atlas.data.project import AddRequest

    rng, n = np.random.default_rng(0), 6000
    names = ["nose", *(f"limb{i}" for i in range(N_NODES - 2)), "tailbase"]
    speed = 1 + 0.8 * np.sin(np.arange(n) / 300)
    phase, turn = np.cumsum(0.15 * speed), np.cumsum(rng.normal(0, 0.02, n))
    body = np.zeros((n, N_NODES, 2))
    body[..., 0] = np.linspace(40, -40, N_NODES)
    body[..., 1] = 25 * np.sin(phase[:, None] + np.arange(N_NODES)) * np.abs(np.sin(np.linspace(0, np.pi, N_NODES)))
    place = np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1) * speed[:, None], axis=0)
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    points = np.stack([body[..., 0] * cos - body[..., 1] * sin, body[..., 0] * sin + body[..., 1] * cos], axis=2)
    points += place[:, None] + rng.normal(0, 0.5, points.shape)
    lines = ["scorer" + ",s" * 3 * N_NODES, "bodyparts," + ",".join(f"{k},{k},{k}" for k in names)]
    lines.append("coords" + ",x,y,likelihood" * N_NODES)
    lines += [f"{i}," + ",".join(f"{x:.2f},{y:.2f},0.99" for x, y in nodes) for i, nodes in enumerate(points)]
    (folder / "v.csv").write_text("\n".join(lines) + "\n")
    project = folder / "p.atlas"
    workflow.new(project)
    settings = {"signal": "egocentric-pose", "bin_rate": 50.0, "window": 1.0, "stride": 0.2}
    workflow.add(project, AddRequest(folder / "v.csv", "mouse", fps=FPS, settings=settings))
    config = FitConfig(epochs=12, beta=0.01, beta_warmup=2, latent_dim=8, device="cpu", condition="speed,heading")
    list(workflow.fit(project, config))
    return project


def measure(project: Path, n: int) -> dict[str, object]:
    """Return the figures."""
    from qtpy.QtWidgets import QSlider

    from napari_atlas.views.launch import make_viewer, settle, wait_for

    viewer, workspace = make_viewer(project)
    session = workspace.session
    wait_for(lambda: session.atlas is not None)
    settle(2.0)
    begun = time.perf_counter()
    dock = workspace.widget("synthesis")
    for bar in workspace._docks.values():
        if bar.widget() is not None and dock in bar.findChildren(type(dock)):
            bar.show()
            bar.raise_()
    wait_for(lambda: dock.shown >= 0 and not dock.page.said())
    start = time.perf_counter() - begun
    dock.page.stage.toggle()
    settle(1.0)
    rng = np.random.default_rng(1)
    taken = {
        kind: [move(dock, slider, value) for slider, value in moves(box.findChildren(QSlider), rng, n)]
        for kind, box in (("latent", dock.page.latent), ("told", dock.page.told))
    }
    both = [*taken["latent"], *taken["told"]]
    warm, stage = dock._source._child.warm, dock.page.stage
    trips = [timed(partial(warm.ask, do="decode", window=i % 50)) for i in range(200)]
    draws = [timed(stage.repaint) for _ in range(100)]
    viewer.close()
    settle(0.3)
    return {
        "p95_ms": p95(both),
        "median_ms": median(both),
        "bound_ms": BOUND_MS,
        "n": len(both),
        **{f"{kind}_{name}_ms": of(values) for kind, values in taken.items() for name, of in (("p95", p95),)},
        "round_trip_p95_ms": p95(trips),
        "round_trip_median_ms": median(trips),
        "draw_p95_ms": p95(draws),
        "draw_median_ms": median(draws),
        "start_s": round(start, 2),
        "cores": os.cpu_count(),
    }


def moves(sliders: list, rng: np.random.Generator, n: int):
    """Yield n times a slider and where to move it: from one half to the other, so that the pose changes visibly."""
    shown = [slider for slider in sliders if slider.isVisible()]
    for i in range(n):
        slider = shown[i % len(shown)]
        far = slider.value() <= (slider.minimum() + slider.maximum()) / 2
        yield slider, int(rng.integers(150, 200) if far else rng.integers(0, 50))


def move(dock, slider, value: int) -> float:
    """Move a slider and return milliseconds until other pixels stand on the screen."""
    from qtpy.QtWidgets import QApplication

    before = pixels(dock.page.stage)
    begun = time.perf_counter()
    slider.setValue(value)
    while time.perf_counter() - begun < 5:
        QApplication.processEvents()
        if pixels(dock.page.stage) != before:
            taken = 1000 * (time.perf_counter() - begun)
            quiet_until = time.perf_counter() + 0.05
            while time.perf_counter() < quiet_until:  # what is still under way belongs to this move
                QApplication.processEvents()
            return taken
    raise SystemExit(f"{slider.objectName()} at {value} changed no pixel within 5 s")


def pixels(stage) -> bytes:
    """Return the right half of the stage, where the generated pose is, as it stands on the screen."""
    from qtpy.QtCore import QPoint
    from qtpy.QtWidgets import QApplication

    corner = stage.mapToGlobal(QPoint(stage.width() // 2, 20))
    grabbed = QApplication.primaryScreen().grabWindow(
        0, corner.x(), corner.y(), stage.width() // 2, stage.height() - 24
    )
    image = grabbed.toImage()
    return image.constBits().asstring(image.sizeInBytes())


def timed(work) -> float:
    """Return the milliseconds that a call takes."""
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def p95(values: list[float]) -> float:
    return round(float(np.percentile(values, 95)), 1)


def median(values: list[float]) -> float:
    return round(float(np.median(values)), 1)


if __name__ == "__main__":
    main()
