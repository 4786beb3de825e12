"""Train, stop and reopen by pointing and clicking."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLabel, QPushButton, QSpinBox, QTreeWidget, QWidget

from napari_atlas import workflow
from napari_atlas.jobs import command_line
from napari_atlas.sample.reef import ReefSpec, write_reef

pytestmark = pytest.mark.gui


@pytest.fixture
def reef(tmp_path):
    """Return the project of a small reef without videos, not yet fitted."""
    spec = ReefSpec("small", 2, 2, (4, 4), (4, 4), 240.0, 60.0, video=False)
    for _ in write_reef(tmp_path / "reef", spec):
        pass
    project = tmp_path / "reef.atlas"
    workflow.new(project)
    for _ in workflow.add_reef(project, tmp_path / "reef"):
        pass
    return project


def press(widget):
    """Press a button with the mouse."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_train_shows_progress_then_the_map_and_what_it_is_worth(reef, workspace, wait):
    dock = workspace.widget("training")
    train, stop = dock.findChild(QPushButton, "atlas-train"), dock.findChild(QPushButton, "atlas-stop")
    assert not train.isEnabled()
    workspace.open(reef)
    wait(train.isEnabled)
    assert not stop.isEnabled()
    dock.findChild(QSpinBox, "atlas-epochs").setValue(15)
    epochs, states = [], []
    workspace.desk.runner.event.connect(lambda event: epochs.append(event.get("epoch")))
    workspace.session.job_changed.connect(lambda job: states.append(job.text))
    press(train)
    wait(stop.isEnabled)
    wait(lambda: workspace.session.atlas.recipe.startswith("UMAP"), 120)
    assert [epoch for epoch in epochs if epoch] == list(range(1, 16))
    assert any(text.startswith("epoch ") for text in states)
    assert "cpu" in dock.findChild(QLabel, "atlas-device").text()
    card = dock.findChild(QLabel, "atlas-card").text()
    assert "held" in card
    assert "shuffled" in card
    assert len(workspace.session.atlas.coordinates) == len(workspace.session.atlas.windows.table)


def test_stop_keeps_the_best_epoch(reef, workspace, wait):
    dock = workspace.widget("training")
    train, stop = dock.findChild(QPushButton, "atlas-train"), dock.findChild(QPushButton, "atlas-stop")
    workspace.open(reef)
    wait(train.isEnabled)
    dock.findChild(QSpinBox, "atlas-epochs").setValue(100_000)
    epochs, session = [], workspace.session
    workspace.desk.runner.event.connect(lambda e: epochs.append(e.get("epoch")))
    press(train)
    wait(lambda: len([e for e in epochs if e]) > 24, 90)
    assert session.mapped.recipe.startswith("while training · epoch "), "the map is that of the fit under way"
    examples = dock.findChild(QWidget, "atlas-reconstructions").accessibleDescription()
    assert examples.count("jellyfish · held out") == examples.count("stickleback · held out") == 2
    press(stop)
    wait(lambda: session.atlas.run != "", 60)
    card = session.atlas.card
    assert card["stopped"] is True
    assert card["best_epoch"] >= 20
    assert np.isfinite(session.atlas.latents).all()
    assert session.mapped is session.atlas
    assert session.live.epoch == card["best_epoch"], "the examples are those of what was kept"
    goes_on(workspace, wait, epochs)


def goes_on(workspace, wait, epochs):
    """Continue the run that was stopped, and stop it again."""
    dock, session = workspace.widget("training"), workspace.session
    button, stop = dock.findChild(QPushButton, "atlas-continue"), dock.findChild(QPushButton, "atlas-stop")
    wait(lambda: session.job.verb == "map")
    press(stop)
    wait(lambda: button.isVisible() and not stop.isVisible())
    run, last = session.atlas.run, max(e for e in epochs if e)
    assert run in button.toolTip()
    press(button)
    wait(lambda: max(e for e in epochs if e) > last + 3)
    assert sorted(e for e in epochs if e) == list(range(1, max(e for e in epochs if e) + 1))
    assert session.mapped.recipe.startswith("while training · epoch ")
    press(stop)
    wait(lambda: session.atlas.card["epochs"] > last + 3)
    assert session.atlas.run == run


def test_a_window_follows_a_fit_that_was_under_way_before_it_opened(reef, workspace, wait):
    dock = workspace.widget("training")
    stop = dock.findChild(QPushButton, "atlas-stop")
    epochs = []
    workspace.desk.runner.event.connect(lambda e: epochs.append(e.get("epoch")))
    command = command_line("fit", [str(reef), "--set", "epochs=100000", "--set", "patience=0"])
    with subprocess.Popen(command, stdout=subprocess.PIPE) as fit:
        while b'"epoch": 12' not in fit.stdout.readline():
            pass
        fit.stdout.close()
        try:
            workspace.open(reef)
            wait(lambda: len([e for e in epochs if e]) > 20)
            assert [e for e in epochs if e][:12] == list(range(1, 13))
            assert stop.isEnabled()
            assert dock.findChild(QLabel, "atlas-status").text().startswith("fit: ")
            press(stop)
            assert fit.wait(60) == 0
        finally:
            fit.kill()
    wait(lambda: workspace.session.atlas.recipe.startswith("UMAP"), 60)
    assert workspace.session.atlas.card["stopped"] is True
    assert not workspace.session.job.running


def test_a_click_in_the_list_goes_to_that_animal(reef, workspace, wait):
    workspace.open(reef)
    wait(lambda: workspace.session.atlas is not None and workspace.bridge.shown is not None)
    tree = workspace.widget("project").findChild(QTreeWidget, "atlas-recordings")
    assert tree.topLevelItemCount() == 4
    item = tree.topLevelItem(3)
    tree.scrollToItem(item)
    QTest.mouseClick(
        tree.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, tree.visualItemRect(item).center()
    )
    name = item.data(0, Qt.ItemDataRole.UserRole)[0]
    wait(lambda: workspace.session.cursor.recording == name)
    wait(lambda: workspace.bridge.shown.recording.name == name)
    assert "°C" in workspace.viewer.canvas.overlays.text.text


def test_docks_survive_closing_and_reopening(reef, workspace, wait, qtbot):
    workspace.open(reef)
    wait(lambda: workspace.session.atlas is not None and workspace.bridge.shown is not None)
    for part in ("project", "training", "map", "timeline"):
        widget = workspace.widget(part)
        widget.parent().close()
        widget.close()
    qtbot.wait(50)
    cursor = workspace.session.cursor
    workspace.session.seek(cursor.recording, cursor.individual, cursor.frame + 5)
    workspace.lay_out()
    for part in ("project", "training", "map", "timeline"):
        workspace.widget(part).show()
    qtbot.wait(200)
    assert cursor.recording in workspace.widget("timeline").title()
    assert workspace.widget("project").findChild(QTreeWidget, "atlas-recordings").topLevelItemCount() == 4


LIGHT = """
import sys
from pathlib import Path
from napari_atlas.views.launch import make_viewer, settle, wait_for
viewer, workspace = make_viewer(Path(sys.argv[1]))
wait_for(lambda: workspace.session.atlas is not None and workspace.bridge.shown is not None)
settle(1.0)
print(sorted({"torch", "umap", "anndata", "sleap_io", "sklearn"} & set(sys.modules)))
viewer.close()
"""


def test_the_window_imports_nothing_heavy(reef):
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, str(reef)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr[-2000:]


def test_a_project_of_a_newer_format_is_told_not_opened(reef, workspace, wait, monkeypatch):
    text = (reef / "project.toml").read_text(encoding="utf-8")
    (reef / "project.toml").write_text(text.replace("format = 1", "format = 99"), encoding="utf-8")
    told = []
    monkeypatch.setattr("napari_atlas.views.desk.show_error", told.append)
    workspace.open(reef)
    wait(lambda: told)
    assert "format 99" in told[0]
    assert "update napari-atlas" in told[0]
    assert workspace.session.atlas is None
