"""What a map of a million windows costs: one JSON object on stdout.

The latent map shows 10^6 windows of two species, and 10^5 beside it. Measured are adding them (until the first picture
of all of them is drawn), frames while the mouse really drags and wheels, picking, a lasso of 200 corners, colouring by
another column, and redrawing at rest. napari's Points layer and matplotlib's scatter (where it is installed) draw the
same points in the same run; what takes longer than the cap is cut short, and "frames" says how many were drawn. Where
other programs use the machine, "cpu_ms" says what the processor did meanwhile, drawing in software included. Starts
its own virtual display where there is none.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CANVAS = (800, 600)
N_FRAMES = 40
CAP_S = 40.0


def make_atlas(n: int):
    """Return an atlas of two species in 200 recordings with *n* windows, on a map of eight blots."""
    from napari_atlas.data.atlas import Atlas, RecordingInfo
    from napari_atlas.data.species import Species
    from napari_atlas.data.timebase import TimeBase
    from napari_atlas.data.windows import TrackKey, Windows, WindowTable

    rng = np.random.default_rng(0)
    kinds = (Species("jellyfish", "hull-area-rate"), Species("stickleback", marker="triangle_up", color="#2FB5A0"))
    keys = tuple(TrackKey(kinds[i % 2].name, f"recording-{i:03d}", "0") for i in range(200))
    track = (np.arange(n) * 200 // n).astype(np.int32)
    within = np.arange(n) - np.searchsorted(track, track)
    table = WindowTable(
        keys=keys,
        track=track,
        start=5 * within,
        stop=5 * within + 10,
        first_frame=50 * within,
        stop_frame=50 * within + 100,
        seconds=2.5 * within,
        temperature=20 + 16 * rng.random(n),
        activity=rng.random(n),
        split=np.where(track % 10 == 9, 2, 0).astype(np.int8),
    )
    blot = rng.integers(0, 8, n)
    middle = np.stack([np.cos(blot * np.pi / 4), np.sin(blot * np.pi / 4)], axis=1) * 5
    places = (middle + rng.normal(0, 1, (n, 2)) * (0.4 + 0.15 * blot[:, None])).astype(np.float32)
    clock = TimeBase(500_000, fps=20.0)
    windows = Windows(table, kinds, {}, within, {kind.name: 10 for kind in kinds}, np.zeros(len(keys), dtype=np.int64))
    recordings = {k.recording: RecordingInfo(k.recording, k.species, ("0",), clock) for k in keys}
    latents = rng.normal(0, 1, (n, 8)).astype(np.float32)
    return Atlas(Path("cloud.atlas"), recordings, windows, (), "1", latents, places)


class Watch:
    """Count what a widget paints, and note the longest time that the window's thread was held up."""

    def __init__(self, widget) -> None:
        from qtpy.QtCore import QEvent, QObject

        self.painted, self.stall = 0, 0.0
        watch = self

        class Filter(QObject):
            def eventFilter(self, watched, event) -> bool:  # noqa: N802
                watch.painted += event.type() == QEvent.Type.Paint
                return False

        self._filter = Filter()
        widget.installEventFilter(self._filter)

    def turn(self) -> None:
        """Process the window's events once."""
        from qtpy.QtWidgets import QApplication

        begin = time.perf_counter()
        QApplication.processEvents()
        self.stall = max(self.stall, 1000 * (time.perf_counter() - begin))

    def until(self, done, begin: float, cap: float = CAP_S) -> float:
        """Return the milliseconds since *begin* until something holds and is painted; infinite after the cap."""
        while not done() and time.perf_counter() - begin < cap:
            self.turn()
            time.sleep(0.001)
        # What was changed last is painted in the turn after.
        self.turn()
        return 1000 * (time.perf_counter() - begin)

    def frame(self, deed) -> float:
        """Return the milliseconds from a deed until it is painted."""
        count, begin = self.painted, time.perf_counter()
        deed()
        while self.painted == count and time.perf_counter() - begin < CAP_S:
            self.turn()
        return 1000 * (time.perf_counter() - begin)


def summary(times: list[float]) -> dict[str, float]:
    """Return median and 95th percentile."""
    return {"median": round(statistics.median(times), 1), "p95": round(float(np.percentile(times, 95)), 1)}


def mouse(widget, kind: str, x: float, y: float, held: bool) -> None:
    """Send a mouse event to a native widget."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    types = {"press": QEvent.Type.MouseButtonPress, "move": QEvent.Type.MouseMove}
    place = QPointF(x, y)
    event = QMouseEvent(
        types.get(kind, QEvent.Type.MouseButtonRelease),
        place,
        QPointF(widget.mapToGlobal(place.toPoint())),
        none if kind == "move" else left,
        left if held else none,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def wheel(widget, up: bool) -> None:
    """Turn the wheel by one notch in the middle of a widget."""
    from qtpy.QtCore import QPoint, QPointF, Qt
    from qtpy.QtGui import QWheelEvent
    from qtpy.QtWidgets import QApplication

    place = QPointF(widget.rect().center())
    away = QPointF(widget.mapToGlobal(place.toPoint()))
    phase, none = Qt.ScrollPhase.NoScrollPhase, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        place, away, QPoint(0, 0), QPoint(0, 120 if up else -120), Qt.MouseButton.NoButton, none, phase, False
    )
    QApplication.sendEvent(widget, event)


def drag(widget, watch: Watch) -> list[float]:
    """Return how long each frame takes while the mouse drags in a circle."""
    x, y = widget.width() / 2, widget.height() / 2
    mouse(widget, "press", x, y, True)
    times = []
    for i in range(N_FRAMES):
        # The window system does not send moves faster than this.
        time.sleep(0.02)
        angle = 2 * np.pi * i / N_FRAMES
        times.append(
            watch.frame(lambda a=angle: mouse(widget, "move", x + 80 * np.sin(a), y + 60 * (1 - np.cos(a)), True))
        )
    mouse(widget, "release", x, y, False)
    return times


def zoom(widget, watch: Watch) -> list[float]:
    """Return how long each frame takes while the wheel zooms in and out."""
    times = []
    for i in range(N_FRAMES):
        time.sleep(0.02)
        times.append(watch.frame(lambda up=i < N_FRAMES // 2: wheel(widget, up)))
    return times


def lasso(stage, plot, watch: Watch) -> tuple[float, int]:
    """Return the milliseconds from letting go of a shape of 200 corners until its windows are selected, and theirs."""
    from napari_atlas.session.selection import Combine

    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    radius = 180 + 40 * np.sin(9 * angle)
    shape = np.stack([400 + radius * np.cos(angle), 300 + radius * np.sin(angle)], axis=1)
    stage.session.select(np.empty(0, dtype=np.int64))
    watch.until(lambda: not stage.map.busy, time.perf_counter())
    begin = time.perf_counter()
    plot.mouse.drawn.emit(shape, Combine.REPLACE)
    while not len(stage.session.selection) and time.perf_counter() - begin < CAP_S:
        watch.turn()
        time.sleep(0.001)
    return 1000 * (time.perf_counter() - begin), len(stage.session.selection)


class Stage:
    """The latent map in a window of its own."""

    def __init__(self) -> None:
        from napari_atlas.session.session import Session
        from napari_atlas.views._map_plot import MapPlot
        from napari_atlas.views.desk import Desk
        from napari_atlas.views.latent_map import LatentMap

        self.session = Session()
        self.map = LatentMap(Desk(self.session))
        self.map.resize(CANVAS[0] + 16, CANVAS[1] + 140)
        self.map.show()
        self.plot = self.map.findChild(MapPlot)
        self.canvas = self.map.canvas_widget
        self.watch = Watch(self.canvas)
        # Shaders are compiled and modules imported with the first points of all.
        self.session.show(make_atlas(30_000))
        self.watch.until(lambda: not self.map.busy, time.perf_counter())

    def measure(self, atlas) -> dict[str, object]:
        """Return the figures of one atlas."""
        watch, plot, session = self.watch, self.plot, self.session
        watch.stall, begin, cpu = 0.0, time.perf_counter(), {"add": time.process_time()}
        session.show(atlas)
        first = watch.until(lambda: len(plot.places) == len(atlas.coordinates), begin)
        add = watch.until(lambda: not self.map.busy, begin)
        stalls = {"add": watch.stall}
        cpu["add"] = time.process_time() - cpu["add"]
        begin = time.perf_counter()
        plot._finder.window_at(400.0, 300.0)
        first_pick = 1000 * (time.perf_counter() - begin)
        time.sleep(1.0)  # a thread makes the search quick
        cpu["pan_frame"] = time.process_time()
        pan = drag(self.canvas, watch)
        cpu["pan_frame"] = (time.process_time() - cpu["pan_frame"]) / N_FRAMES
        pan_end = time.perf_counter()
        idle = watch.until(lambda: not self.map.busy, pan_end)
        wheeled = zoom(self.canvas, watch)
        watch.until(lambda: not self.map.busy, time.perf_counter())
        self.map.fit()
        watch.until(lambda: not self.map.busy, time.perf_counter())
        picks = []
        for x, y in np.random.default_rng(1).uniform((0, 0), CANVAS, (400, 2)):
            begin = time.perf_counter()
            plot._finder.window_at(float(x), float(y))
            picks.append(1000 * (time.perf_counter() - begin))
        watch.stall = 0.0
        lassos = [lasso(self, plot, watch) for _ in range(3)]
        stalls["lasso"] = watch.stall
        watch.until(lambda: not self.map.busy, time.perf_counter())
        session.select(np.empty(0, dtype=np.int64))
        watch.until(lambda: not self.map.busy, time.perf_counter())
        recolour, watch.stall, cpu["recolour"] = [], 0.0, time.process_time()
        for column in ("temperature", "species", "split"):
            begin = time.perf_counter()
            session.color(column)
            recolour.append(watch.until(lambda: not self.map.busy, begin))
        stalls["recolour"] = watch.stall
        cpu["recolour"] = (time.process_time() - cpu["recolour"]) / len(recolour)
        cursor = [
            watch.frame(lambda w=w: session.seek(*cursor_of(atlas, w)))
            for w in np.linspace(0, len(atlas.coordinates) - 1, 20).astype(int)
        ]
        return {
            "add_ms": round(add),
            "first_points_ms": round(first),
            "pan_frame_ms": summary(pan),
            "zoom_frame_ms": summary(wheeled),
            "idle_ms": round(idle),
            "pick_ms": {**summary(picks), "p95": round(float(np.percentile(picks, 95)), 3)},
            "first_pick_ms": round(first_pick, 1),
            "lasso_ms": round(statistics.median(t for t, _ in lassos)),
            "lasso_windows": lassos[0][1],
            "recolour_ms": round(max(recolour)),
            "cursor_frame_ms": summary(cursor),
            "cpu_ms": {name: round(1000 * value) for name, value in cpu.items()},
            "longest_stall_ms": {name: round(value) for name, value in stalls.items()},
        }


def cursor_of(atlas, window: int) -> tuple[str, str, int]:
    """Return animal and frame of a window."""
    from napari_atlas.session import linking

    cursor = linking.cursor_of(atlas, int(window))
    return cursor.recording, cursor.individual, cursor.frame


def napari_points(atlas) -> dict[str, object]:
    """Return how long napari's Points layer takes for the same points."""
    import napari
    from qtpy.QtWidgets import QApplication

    known = set(QApplication.allWidgets())
    viewer = napari.Viewer()
    viewer.window.resize(*CANVAS)
    canvas = next(w for w in QApplication.allWidgets() if w not in known and "Canvas" in type(w).__name__)
    watch = Watch(canvas)
    viewer.add_points(atlas.coordinates[:1000])
    for _ in range(100):
        watch.turn()
    viewer.layers.clear()
    begin, cpu = time.perf_counter(), time.process_time()
    colors = np.repeat([[0.9, 0.6, 0.0, 0.8]], len(atlas.coordinates), axis=0)
    viewer.add_points(atlas.coordinates, size=0.02, face_color=colors, border_width=0)
    watch.frame(viewer.reset_view)
    add, cpu_add = 1000 * (time.perf_counter() - begin), 1000 * (time.process_time() - cpu)
    frames, begin, cpu = [], time.perf_counter(), time.process_time()
    for i in range(N_FRAMES):
        if time.perf_counter() - begin > CAP_S:
            break

        def move(i=i) -> None:
            viewer.camera.center = (0.0, 0.1 * (i + 1), 0.0)

        frames.append(watch.frame(move))
    cpu_frame = 1000 * (time.process_time() - cpu) / len(frames)
    viewer.close()
    told = {"add_ms": round(add), "frame_ms": summary(frames), "frames": len(frames)}
    return {**told, "cpu_ms": {"add": round(cpu_add), "frame": round(cpu_frame)}}


def matplotlib_scatter(atlas) -> dict[str, object] | None:
    """Return how long matplotlib's scatter takes for the same points; None where it is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    begin = time.perf_counter()
    figure = Figure(figsize=(CANVAS[0] / 100, CANVAS[1] / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(*atlas.coordinates.T, s=6, c=np.repeat([[0.9, 0.6, 0.0, 0.5]], len(atlas.coordinates), axis=0))
    canvas.draw()
    add, frames, begin = 1000 * (time.perf_counter() - begin), [], time.perf_counter()
    for i in range(8):
        if time.perf_counter() - begin > CAP_S:
            break
        started = time.perf_counter()
        axes.set_xlim(-8 + 0.1 * i, 8 + 0.1 * i)
        canvas.draw()
        frames.append(1000 * (time.perf_counter() - started))
    return {"add_ms": round(add), "frame_ms": summary(frames), "frames": len(frames)}


def measure(sizes: list[int], alone: bool) -> dict[str, object]:
    """Return the figures of all sizes."""
    import napari  # noqa: F401  # its themes
    from qtpy.QtWidgets import QApplication

    application = QApplication.instance() or QApplication([])
    told: dict[str, object] = {"cores": os.cpu_count(), "canvas": CANVAS}
    for n in sizes:
        atlas, stage = make_atlas(n), Stage()
        told[f"{n:.0e}"] = {"map": stage.measure(atlas)}
        stage.map.close()
        if not alone:
            told[f"{n:.0e}"] |= {"napari": napari_points(atlas), "matplotlib": matplotlib_scatter(atlas)}
    application.processEvents()
    return told


def main() -> None:
    """Measure, in a child under a virtual display where there is no display."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e5, 1e6], help="windows")
    parser.add_argument("--alone", action="store_true", help="without napari's layer and matplotlib")
    options = parser.parse_args()
    from napari_atlas.views.launch import has_display, hidden_display

    if has_display():
        print(json.dumps(measure([int(size) for size in options.sizes], options.alone)))
        return
    command = [sys.executable, *sys.argv]
    with hidden_display() as display:
        done = subprocess.run(
            command, env={**os.environ, "DISPLAY": display}, text=True, stdout=subprocess.PIPE, check=True
        )
    print(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
