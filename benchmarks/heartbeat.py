"""How long the window stands still while a fit and its map run beside it: one JSON object on stdout.

A timer in the window's own event loop ticks every few milliseconds; the longest time between two ticks is the
longest time for which the window would not have answered. Starts its own virtual display where there is none.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICK_MS = 5
WARM_UP_S = 5.0
IDLE_S = 10.0


class Heartbeat:
    """Times of a timer's ticks in the running event loop."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.ticks: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(lambda: self.ticks.append(time.perf_counter()))
        self._timer.start()

    def gaps_ms(self, begin: float, end: float) -> list[float]:
        """Return the times between ticks from *begin* to *end*, milliseconds, longest first."""
        inside = [tick for tick in self.ticks if begin <= tick <= end]
        return sorted((1000 * (b - a) for a, b in itertools.pairwise(inside)), reverse=True)


def run_loop(condition, seconds: float) -> float:
    """Run the event loop as an application does, until *condition* holds or time is up; return when it ended."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, end = QEventLoop(), time.perf_counter() + seconds
    watch = QTimer()
    watch.setInterval(50)
    watch.timeout.connect(lambda: loop.quit() if condition() or time.perf_counter() > end else None)
    watch.start()
    loop.exec()
    return time.perf_counter()


def never() -> bool:
    """Return False."""
    return False


def make_project(folder: Path) -> Path:
    """Return the project of a reef with video that is fitted once, so that the window shows all it can."""
    from napari_atlas import workflow
    from napari_atlas.analysis.projection import MapRecipe
    from napari_atlas.data.config import FitConfig
    from napari_atlas.sample.reef import ReefSpec, write_reef

    spec = ReefSpec("beat", 4, 4, jellyfish_seconds=120.0, stickleback_seconds=40.0)
    for _ in write_reef(folder / "reef", spec):
        pass
    project = folder / "reef.atlas"
    workflow.new(project)
    for _ in workflow.add_reef(project, folder / "reef"):
        pass
    for _ in workflow.fit(project, FitConfig(epochs=12)):
        pass
    for _ in workflow.make_map(project, MapRecipe()):
        pass
    return project


def measure(project: Path, epochs: int) -> dict[str, object]:
    """Return the gaps of the idle window, of one in which a fit and a map run, and of its last step."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QPushButton, QSpinBox

    from napari_atlas.views.launch import make_viewer, settle, wait_for

    viewer, workspace = make_viewer(project)
    session = workspace.session
    wait_for(lambda: session.atlas is not None and workspace.bridge.shown is not None)
    settle(3.0)
    beat = Heartbeat()
    begin = time.perf_counter()
    idle = beat.gaps_ms(begin + 1, run_loop(never, IDLE_S))

    training = workspace.widget("training")
    training.findChild(QSpinBox, "atlas-epochs").setValue(epochs)
    told: list[tuple[float, str]] = []
    workspace.desk.runner.event.connect(lambda e: told.append((time.perf_counter(), str(e.get("event")))))
    before = session.atlas.run
    begin = time.perf_counter()
    QTest.mouseClick(training.findChild(QPushButton, "atlas-train"), Qt.MouseButton.LeftButton)
    end = run_loop(lambda: session.atlas.run != before and session.atlas.recipe.startswith("UMAP"), 300.0)
    while_busy = beat.gaps_ms(begin + WARM_UP_S, told[-1][0])
    opening = beat.gaps_ms(told[-1][0] - 0.1, end)
    viewer.close()
    if not while_busy or session.atlas.run == before:
        raise SystemExit("the fit did not end in time, or within the warm-up: nothing was measured")
    return {
        "max_gap_ms": round(while_busy[0], 1),
        "idle_max_gap_ms": round(idle[0], 1),
        "p99_gap_ms": round(while_busy[len(while_busy) // 100], 1),
        "over_50_ms": sum(gap > 50 for gap in while_busy),
        "opening_max_gap_ms": round(opening[0], 1) if opening else None,
        "busy_s": round(told[-1][0] - begin, 1),
        "epochs": sum(event == "epoch" for _, event in told),
        "ticks": len(while_busy),
        "cores": os.cpu_count(),
    }


def main() -> None:
    """Measure, in a child under a virtual display where there is no display."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=120, help="epochs of the fit")
    parser.add_argument("--project", type=Path, help="a fitted project; otherwise a reef is made")
    options = parser.parse_args()
    from napari_atlas.views.launch import has_display, hidden_display

    with tempfile.TemporaryDirectory() as folder:
        project = options.project or make_project(Path(folder))
        if has_display():
            print(json.dumps(measure(project, options.epochs)))
            return
        command = [sys.executable, __file__, "--project", str(project), "--epochs", str(options.epochs)]
        with hidden_display() as display:
            done = subprocess.run(
                command, env={**os.environ, "DISPLAY": display}, text=True, stdout=subprocess.PIPE, check=True
            )
        print(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
