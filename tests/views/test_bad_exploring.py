"""The docks of the explorer on odd projects: what a user sees, and that nothing fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLabel, QWidget

from napari_atlas import workflow
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError
from napari_atlas.session.linking import cursor_of
from napari_atlas.session.session import JobState, Session
from napari_atlas.views._colors import color_of
from napari_atlas.views._compare_model import Question, answer
from napari_atlas.views._layers import blank_video
from napari_atlas.views._timeline_strips import legend_text
from napari_atlas.views.bridge import Bridge
from napari_atlas.views.clips import ClipsDock
from napari_atlas.views.compare import CompareDock
from napari_atlas.views.desk import Desk
from napari_atlas.views.difference import DifferenceDock
from napari_atlas.views.groups import GroupsDock
from napari_atlas.views.latent_map import LatentMap
from napari_atlas.views.runs import RunsDock
from napari_atlas.views.timeline import Timeline
from napari_atlas.views.training import TrainingDock

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui
DOCKS = (LatentMap, CompareDock, ClipsDock, GroupsDock, DifferenceDock, RunsDock, TrainingDock)


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def known(atlas: Atlas) -> Atlas:
    """Return an atlas with a latent of three dimensions for each window, and a report."""
    latents = np.random.default_rng(5).normal(size=(len(atlas.windows.table), 3)).astype(np.float32)
    return replace(atlas, latents=latents, card={"device": "cpu"})


def few(atlas: Atlas, n: int, species: int = 2) -> Atlas:
    """Return an atlas of the first *n* windows of its first track, or of the first track of each of some species."""
    kinds = atlas.windows.species[:species]
    tracks = [next(t for t in atlas.tracks if t.key.species == kind.name) for kind in kinds]
    tracks = [replace(track, starts=track.starts[:n]) for track in tracks] if n else []
    windows = Windows.from_tracks(tracks, kinds)
    rows = np.arange(len(windows.table))
    return replace(
        atlas,
        windows=windows,
        tracks=tuple(tracks),
        recordings={t.key.recording: atlas.recordings[t.key.recording] for t in tracks},
        latents=atlas.latents[rows],
        coordinates=atlas.coordinates[rows],
        predicted=atlas.predicted[rows],
    )


def odd_atlases(known: Atlas) -> dict[str, Atlas]:
    """Return what a project may look like, by name."""
    n, nan = len(known.windows.table), np.nan
    gaps = np.where(np.arange(n)[:, None] % 3, known.coordinates, nan).astype(np.float32)
    gaps[1] = np.inf
    return {
        "as ever": known,
        "no windows": few(known, 0),
        "one window": few(known, 1, species=1),
        "two windows": few(known, 1),
        "one species": few(known, 20, species=1),
        "coordinates with gaps": replace(known, coordinates=gaps),
        "no coordinates": replace(known, coordinates=np.full_like(known.coordinates, nan)),
        "no latents": replace(known, latents=np.full_like(known.latents, nan)),
        "one latent dimension": replace(known, latents=known.latents[:, :1]),
        "no run": replace(known, run="", latents=np.empty((0, 0), "f4"), card={}),
    }


def said(widget: QWidget, name: str) -> str:
    label = widget.findChild(QLabel, name)
    return label.text() if label is not None and label.isVisibleTo(widget) else ""


def test_no_dock_fails_on_an_odd_project(known: Atlas, session: Session, qtbot: QtBot) -> None:
    desk, docks = Desk(session), []
    for make in DOCKS:
        dock = make(desk)
        qtbot.addWidget(dock)
        dock.resize(600, 400)
        dock.show()
        docks.append(dock)
    timeline = Timeline(session)
    qtbot.addWidget(timeline)
    timeline.show()
    for name, atlas in odd_atlases(known).items():
        session.show(atlas)
        n = len(atlas.windows.table)
        if n:
            cursor = cursor_of(atlas, 0)
            session.seek(cursor.recording, cursor.individual, cursor.frame)
        for ids in (np.arange(n), np.arange(min(n, 1)), np.arange(min(n, 2))):
            session.select(ids.astype(np.int64))
        for state in ({"dims": (0, 1, 2)}, {"axes": "latent"}, {"axes": "pca"}, {"density": True}):
            session.arrange(**state)
            QTest.qWait(5)
        session.arrange(axes="map", dims=(0, 1), density=False)
        for column in session.columns.names:
            session.color(column)
        docks[0].fit()
        QTest.qWait(60)
        assert session.atlas is atlas, name
    device = docks[-1].findChild(QLabel, "atlas-device")
    assert device.text() == "", "no run is on show, so none is named"


def test_compare_says_why_it_is_empty(known: Atlas) -> None:
    atlases = odd_atlases(known)
    assert answer(atlases["no windows"], (), Question(0)).empty.startswith("There are no windows yet.")
    assert "only one species (jellyfish)" in answer(atlases["one species"], (), Question(0)).empty
    assert "The model knows no place" in answer(atlases["no latents"], (), Question(0)).empty
    assert "There is no model yet" in answer(atlases["no run"], (), Question(0)).empty


def test_one_window_is_not_called_windows(known: Atlas, session: Session, qtbot: QtBot) -> None:
    session.show(known)
    session.select(np.array([3]))
    dock = DifferenceDock(Desk(session))
    qtbot.addWidget(dock)
    dock.show()
    qtbot.waitUntil(lambda: "against" in said(dock, "atlas-difference-title"), timeout=5000)
    assert said(dock, "atlas-difference-title").startswith("1 window against")


@pytest.mark.parametrize("limits", [(5.0, 1.0), (1.0, 1.0), (float("inf"), 1.0), (0.0, float("nan"))])
def test_a_scale_that_does_not_rise_is_not_used(known: Atlas, limits: tuple[float, float]) -> None:
    columns = WindowColumns(known)
    coloring = color_of(columns, "temperature", limits)
    assert (coloring.low, coloring.high) == coloring.whole
    assert "°C" in legend_text(coloring, np.arange(3))


def test_the_second_map_goes_with_what_it_shows(known: Atlas, session: Session) -> None:
    session.show(known)
    session.show_beside(replace(known, run="2"))
    session.show(replace(known))
    assert session.beside is not None
    less = dict(list(known.recordings.items())[1:])
    session.show(replace(known, recordings=less))
    assert session.beside is None, "a recording that it shows was removed"


def test_the_second_map_closes_when_its_run_is_deleted(
    known: Atlas, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "delete_run", lambda folder, name: None)
    monkeypatch.setattr(Desk, "open", lambda self, folder, run="": None)
    dock = RunsDock(Desk(session))
    qtbot.addWidget(dock)
    session.show(known)
    session.show_beside(replace(known, run="2"))
    dock.refresh()
    qtbot.waitUntil(lambda: dock._folder == known.folder, timeout=5000)
    dock._delete(["4"])
    qtbot.wait(60)
    assert session.beside is not None
    dock._delete(["2"])
    qtbot.waitUntil(lambda: session.beside is None, timeout=5000)


def test_what_is_wrong_with_clusters_of_one_run_is_not_said_of_another(
    known: Atlas, session: Session, qtbot: QtBot
) -> None:
    (known.folder / "runs" / known.run / "clusters").mkdir(parents=True)
    (known.folder / "runs" / known.run / "clusters" / "bad.npz").write_bytes(b"?")
    dock = GroupsDock(Desk(session))
    qtbot.addWidget(dock)
    dock.show()
    session.show(known)
    qtbot.waitUntil(lambda: "bad.npz" in said(dock, "atlas-clusters-faults"), timeout=5000)
    session.show(odd_atlases(known)["no run"])
    assert said(dock, "atlas-clusters-faults") == ""


def test_names_are_shown_as_they_are_written(known: Atlas, session: Session, qtbot: QtBot) -> None:
    timeline = Timeline(session)
    qtbot.addWidget(timeline)
    session.show(known)
    session.seek("jellyfish-1", "0", 150)
    title = next(label for label in timeline.findChildren(QLabel) if "jellyfish-1" in label.text())
    assert title.textFormat() == Qt.TextFormat.PlainText, "a name may hold < and &"


def test_a_recording_that_is_gone_leaves_no_picture_of_another(
    known: Atlas, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_folder: Path, name: str) -> Recording:
        if name != "jellyfish-1":
            raise InputError.of(f"recording {name}", "the project does not hold it", "open the project again")
        pose = Pose(np.random.default_rng(0).uniform(5, 40, (150, 1, 3, 2)), ("a", "b", "c"), ("0",))
        return Recording(name, "jellyfish", pose, TimeBase(150, fps=20.0))

    monkeypatch.setattr(workflow, "load_tracks_of", load)
    faults: list[str] = []
    monkeypatch.setattr("napari_atlas.views.bridge.show_error", faults.append)
    viewer = ViewerModel()
    bridge = Bridge(viewer, session)
    session.show(known)
    session.seek("jellyfish-1", "0", 100)
    qtbot.waitUntil(lambda: bridge.shown is not None, timeout=5000)
    assert "video" in viewer.layers
    session.seek("stickleback-1", "0", 100)
    qtbot.waitUntil(lambda: bool(faults), timeout=5000)
    assert (bridge.shown, len(viewer.layers), viewer.canvas.overlays.text.visible) == (None, 0, False)
    session.seek("jellyfish-1", "0", 100)
    qtbot.waitUntil(lambda: bridge.shown is not None, timeout=5000)
    assert viewer.canvas.overlays.text.visible
    bridge.close()


def test_wild_coordinates_do_not_ask_for_a_picture_as_large() -> None:
    clock = TimeBase(4, fps=20.0)
    pose = Pose(np.full((4, 1, 2, 2), 3e7), ("a", "b"), ("0",))
    corners = np.array([[0.0, 0.0], [9e6, 0.0], [9e6, 9e6]])
    outline = Outline(("0",), (np.tile(corners, (4, 1)),), (np.arange(5) * 3,))
    for tracks in (pose, outline):
        shape = blank_video(Recording("r", "s", tracks, clock)).shape
        assert max(shape[1:]) <= 4096


def test_a_dock_that_is_gone_hears_nothing_more(known: Atlas, session: Session, qtbot: QtBot) -> None:
    from qtpy import sip

    host = QWidget()
    desk = Desk(session)
    docks = [make(desk, host) for make in (TrainingDock, RunsDock, GroupsDock, DifferenceDock)]
    host.show()
    sip.delete(host)  # as the window does with its docks
    assert all(sip.isdeleted(dock) for dock in docks)
    session.show(known)
    session.report(JobState("map", "laying out"))
    session.select(np.array([1]))
