"""The latent map under a real mouse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QToolButton

from napari_atlas.data.live import Live
from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.session import linking
from napari_atlas.session.session import Session
from napari_atlas.views import _map_model as model
from napari_atlas.views._hover_card import HoverCard
from napari_atlas.views._legend import LegendEntry
from napari_atlas.views.desk import Desk
from napari_atlas.views.latent_map import LatentMap

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def latent_map(qtbot: QtBot, session: Session, atlas: Atlas) -> LatentMap:
    session.show(spread(atlas))
    widget = LatentMap(Desk(session))
    qtbot.addWidget(widget)
    widget.resize(620, 560)
    with qtbot.waitExposed(widget):
        widget.show()
    QTest.qWait(80)
    return widget


def spread(atlas: Atlas) -> Atlas:
    """Return the atlas with its points on a lattice, so that no two are within a click of each other."""
    n = len(atlas.coordinates)
    side = int(np.ceil(np.sqrt(n)))
    lattice = np.stack([np.arange(n) % side, np.arange(n) // side], axis=1)
    return replace(atlas, coordinates=lattice.astype(np.float32))


class PaintWatcher(QObject):
    """Notes each time that a widget is painted."""

    def __init__(self, painted: list[int]) -> None:
        super().__init__()
        self._painted = painted

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._painted.append(1)
        return False


def click(widget: LatentMap, window: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mouseClick(widget.canvas_widget, LEFT, modifiers, widget.coordinates_on_screen(window))


def drag(widget: LatentMap, path: list[QPoint]) -> None:
    """Drag along a path; vispy drops moves that follow each other at once."""
    canvas = widget.canvas_widget
    QTest.mousePress(canvas, LEFT, NONE, path[0])
    for point in path[1:]:
        QTest.qWait(25)
        place = QPointF(point)
        away = QPointF(canvas.mapToGlobal(point))
        event = QMouseEvent(QEvent.Type.MouseMove, place, away, Qt.MouseButton.NoButton, LEFT, NONE)
        QApplication.sendEvent(canvas, event)
    QTest.mouseRelease(canvas, LEFT, NONE, path[-1])


def test_inside_polygon_follows_the_even_odd_rule() -> None:
    square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    points = np.array([[1.0, 1], [3, 1], [-1, 1], [1, 2.5], [np.nan, 1]])
    assert model.inside_polygon(points, square).tolist() == [True, False, False, False, False]
    assert not model.inside_polygon(points, square[:2]).any()


def test_cloud_draws_test_windows_last_and_greys_but_never_hides(atlas: Atlas) -> None:
    coloring = model.coloring_of(WindowColumns(atlas), "temperature")
    everything = model.cloud_of(atlas, coloring, "all windows").ordered()
    held_out = atlas.windows.table.in_split("test")
    n = int(held_out.sum())
    assert everything.ids.size == len(atlas.coordinates)
    assert held_out[everything.ids[-n:]].all()
    assert everything.faces[-n:, 3].min() > everything.faces[:-n, 3].max()
    trained = model.cloud_of(atlas, coloring, "train")
    assert trained.ids.size == everything.ids.size
    grey = trained.faces[held_out[trained.ids]]
    assert (np.ptp(grey, axis=0) == 0).all()
    assert grey[0, 3] > 0


def test_windows_without_coordinates_are_left_out(atlas: Atlas) -> None:
    coordinates = atlas.coordinates.copy()
    coordinates[5] = np.nan
    atlas = replace(atlas, coordinates=coordinates)
    assert 5 not in model.cloud_of(atlas, model.coloring_of(WindowColumns(atlas), "species"), "all windows").ids
    assert model.Picker(coordinates).nearest(np.array([100.0, 100.0]), 1.0) == -1


def test_words_hold_no_temperature_and_no_seconds_where_there_are_none(atlas: Atlas, plain_atlas: Atlas) -> None:
    assert model.describe(atlas, 2) == ("jellyfish-1 / 0", "0:04.0 – 0:09.0", "20.1 °C · train")
    assert model.describe(plain_atlas, 2) == ("jellyfish-1 / 0", "frame 230", "train")
    assert model.coloring_of(WindowColumns(plain_atlas), "temperature").column == "species"
    assert model.recipe_of(atlas) == "UMAP · n=15 · seed 0 · run 3"


def test_windows_shorter_than_a_second_are_told_apart(atlas: Atlas) -> None:
    table = replace(atlas.windows.table, stop_frame=atlas.windows.table.first_frame + 6)
    short = replace(atlas, windows=replace(atlas.windows, table=table))
    assert model.describe(short, 2)[1] == "0:04.00 – 0:04.30"


@pytest.mark.gui
def test_click_selects_one_window_and_goes_there(latent_map: LatentMap, session: Session) -> None:
    click(latent_map, 17)
    assert session.selection.ids.tolist() == [17]
    assert session.atlas is not None
    assert session.cursor == linking.cursor_of(session.atlas, 17)


@pytest.mark.gui
def test_shift_adds_alt_subtracts_and_empty_space_clears(latent_map: LatentMap, session: Session) -> None:
    click(latent_map, 3)
    click(latent_map, 40, SHIFT)
    assert session.selection.ids.tolist() == [3, 40]
    click(latent_map, 3, ALT)
    assert session.selection.ids.tolist() == [40]
    QTest.mouseClick(latent_map.canvas_widget, LEFT, SHIFT, QPoint(2, 2))
    assert session.selection.ids.tolist() == [40]
    QTest.mouseClick(latent_map.canvas_widget, LEFT, NONE, QPoint(2, 2))
    assert len(session.selection) == 0


@pytest.mark.gui
def test_dragging_pans_without_picking_and_fit_brings_the_map_back(latent_map: LatentMap, session: Session) -> None:
    start = latent_map.coordinates_on_screen(20)
    drag(latent_map, [start, start + QPoint(30, 10), start + QPoint(60, 20)])
    moved = latent_map.coordinates_on_screen(20)
    assert (moved - start).manhattanLength() > 40
    assert len(session.selection) == 0
    QTest.keyClick(latent_map, Qt.Key.Key_F)
    assert (latent_map.coordinates_on_screen(20) - start).manhattanLength() <= 2


@pytest.mark.gui
def test_wheel_zooms_and_picking_still_hits(latent_map: LatentMap, session: Session) -> None:
    canvas = latent_map.canvas_widget
    at = latent_map.coordinates_on_screen(30)
    gap = (latent_map.coordinates_on_screen(31) - at).manhattanLength()
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        QPoint(0, 0),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)
    assert (latent_map.coordinates_on_screen(31) - latent_map.coordinates_on_screen(30)).manhattanLength() > gap
    click(latent_map, 30)
    assert session.selection.ids.tolist() == [30]


@pytest.mark.gui
@pytest.mark.parametrize("key", [Qt.Key.Key_L, Qt.Key.Key_B])
def test_a_shape_selects_what_is_inside(latent_map: LatentMap, session: Session, key: Qt.Key) -> None:
    QTest.keyClick(latent_map, key)
    a, b = latent_map.coordinates_on_screen(0), latent_map.coordinates_on_screen(1)
    r = max(abs(a.x() - b.x()), 8) // 2
    left, right = min(a.x(), b.x()) - r, max(a.x(), b.x()) + r
    top, bottom = a.y() - r, a.y() + r
    corners = [QPoint(left, top), QPoint(right, top), QPoint(right, bottom), QPoint(left, bottom)]
    drag(latent_map, corners if key == Qt.Key.Key_L else [corners[0], QPoint(left + 6, top + 6), corners[2]])
    assert session.selection.ids.tolist() == [0, 1]
    QTest.keyClick(latent_map, Qt.Key.Key_Escape)
    assert len(session.selection) == 0


@pytest.mark.gui
def test_hover_shows_a_card_after_a_moment(latent_map: LatentMap, qtbot: QtBot) -> None:
    card = latent_map.findChild(HoverCard)
    QTest.mouseMove(latent_map.canvas_widget, latent_map.coordinates_on_screen(9) + QPoint(20, 20))
    QTest.qWait(30)
    QTest.mouseMove(latent_map.canvas_widget, latent_map.coordinates_on_screen(9) + QPoint(1, 1))
    qtbot.waitUntil(card.isVisible, timeout=3000)
    assert "jellyfish-1 / 0" in card.words()
    assert "°C" in card.words()


@pytest.mark.gui
def test_legend_counts_and_selects_a_class(latent_map: LatentMap, session: Session) -> None:
    entry = next(e for e in latent_map.findChildren(LegendEntry) if e.text().startswith("jellyfish"))
    assert session.atlas is not None
    mine = session.atlas.windows.table.rows_of("jellyfish")
    assert entry.text() == f"jellyfish  {mine.size}"
    QTest.mouseClick(entry, LEFT)
    assert np.array_equal(session.selection.ids, mine)
    assert entry.text() == f"jellyfish  {mine.size} / {mine.size}"
    other = next(e for e in latent_map.findChildren(LegendEntry) if e.text().startswith("stickleback"))
    QTest.mouseClick(other, LEFT, SHIFT)
    assert len(session.selection) == len(session.atlas.windows.table)
    QTest.mouseClick(entry, LEFT, ALT)
    assert np.array_equal(session.selection.ids, session.atlas.windows.table.rows_of("stickleback"))


@pytest.mark.gui
def test_combo_follows_the_session_and_leads_it(latent_map: LatentMap, session: Session) -> None:
    combo = next(c for c in latent_map.findChildren(QComboBox) if c.accessibleName() == "colour by")
    session.color("temperature")
    assert combo.currentText() == "temperature"
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Down)
    assert session.color_by == combo.currentText() == "temperature in own range"


@pytest.mark.gui
def test_cursor_and_selection_leave_the_cloud_alone(
    latent_map: LatentMap, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads: list[object] = []
    monkeypatch.setattr(model, "cloud_of", lambda *args: uploads.append(args))
    for frame in range(150, 400, 10):
        session.seek("jellyfish-1", "0", frame)
    session.select(np.arange(20))
    assert not uploads


@pytest.mark.gui
def test_frames_within_one_window_draw_nothing(latent_map: LatentMap, session: Session) -> None:
    assert session.atlas is not None
    here = linking.cursor_of(session.atlas, 4)
    session.seek(here.recording, here.individual, here.frame)
    QTest.qWait(60)
    canvas = latent_map.canvas_widget
    painted: list[int] = []
    watcher = PaintWatcher(painted)
    canvas.installEventFilter(watcher)
    session.seek(here.recording, here.individual, here.frame + 1)
    QTest.qWait(60)
    assert not painted
    session.seek(here.recording, here.individual, here.frame + 200)
    QTest.qWait(60)
    assert painted
    canvas.removeEventFilter(watcher)


@pytest.mark.gui
def test_without_temperature_nothing_says_celsius(
    qtbot: QtBot, latent_map: LatentMap, session: Session, plain_atlas: Atlas
) -> None:
    session.color("temperature")
    session.show(plain_atlas)
    combo = next(c for c in latent_map.findChildren(QComboBox) if c.accessibleName() == "colour by")
    assert "temperature" not in [combo.itemText(i) for i in range(combo.count())]
    assert combo.currentText() == "species"


@pytest.mark.gui
def test_empty_state_takes_the_mouse_without_harm(qtbot: QtBot, session: Session) -> None:
    widget = LatentMap(Desk(session))
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    QTest.mouseClick(widget.canvas_widget, LEFT, NONE, QPoint(60, 60))
    assert session.cursor.recording == ""
    widget.fit()


@pytest.mark.gui
def test_closed_map_is_silent_and_wakes_when_shown(qtbot: QtBot, latent_map: LatentMap, session: Session) -> None:
    latent_map.close()
    assert len(session.cursor_changed) == 0
    session.color("split")
    latent_map.show()
    combo = next(c for c in latent_map.findChildren(QComboBox) if c.accessibleName() == "colour by")
    assert combo.currentText() == "split"


@pytest.mark.gui
def test_themes_and_buttons(latent_map: LatentMap) -> None:
    latent_map.set_theme("light")
    latent_map.set_theme("dark")
    names = {b.text() for b in latent_map.findChildren(QToolButton) if not isinstance(b, LegendEntry)}
    assert {"Lasso  L", "Box  B", "Fit  F"} <= names


def live_of(atlas: Atlas, epoch: int, scale: float = 1.0) -> Live:
    """Return all windows but the last ten in a fit under way, each at its place on the map times *scale*."""
    n = len(atlas.windows.table)
    ids = np.arange(n - 10)
    places = (atlas.coordinates[ids] * scale).astype(np.float32)
    return Live(atlas.folder / "runs" / "9", epoch, n, ids, places, atlas.windows.table.split[ids])


@pytest.mark.gui
def test_points_of_a_fit_under_way_move_and_the_view_stays(
    latent_map: LatentMap, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas = session.atlas
    assert atlas is not None
    before = latent_map.coordinates_on_screen(17)
    session.watch(live_of(atlas, 1))
    first = latent_map.coordinates_on_screen(17)
    colored: list[object] = []
    monkeypatch.setattr("napari_atlas.views.latent_map.coloring_of", lambda *args: colored.append(args))
    session.watch(live_of(atlas, 6, scale=0.9))
    moved = latent_map.coordinates_on_screen(17)
    assert 0 < (moved - first).manhattanLength() < 80
    click(latent_map, 17)
    assert session.selection.ids.tolist() == [17], "it is found where it is now"
    session.watch(live_of(atlas, 9, scale=0.1))
    assert (latent_map.coordinates_on_screen(17) - first).manhattanLength() <= 4, "brought nearer again"
    assert not colored, "colours and legend were left alone"
    monkeypatch.undo()
    session.watch(None)
    assert (latent_map.coordinates_on_screen(17) - before).manhattanLength() <= 2


@pytest.mark.gui
def test_a_view_that_somebody_moved_is_left_alone(latent_map: LatentMap, session: Session) -> None:
    assert session.atlas is not None
    session.watch(live_of(session.atlas, 1))
    start = latent_map.coordinates_on_screen(20)
    drag(latent_map, [start, start + QPoint(30, 10), start + QPoint(60, 20)])
    place = latent_map.coordinates_on_screen(0)
    session.watch(live_of(session.atlas, 2, scale=5.0))
    assert (latent_map.coordinates_on_screen(0) - place).manhattanLength() <= 1, "the origin has not moved"


@pytest.mark.gui
def test_the_first_fit_of_a_project_has_a_map_while_it_is_under_way(
    latent_map: LatentMap, session: Session, atlas: Atlas
) -> None:
    bare = replace(atlas, run="", coordinates=np.empty((0, 2), dtype=np.float32), recipe="")
    session.show(bare)
    session.watch(live_of(spread(atlas), 1))
    assert model.recipe_of(session.mapped).startswith("while training · epoch 1 · ")
    click(latent_map, 5)
    assert session.selection.ids.tolist() == [5]
    session.watch(None)
    assert not model.recipe_of(session.mapped)
