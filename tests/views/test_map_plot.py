"""The engine of the latent map: layouts, very many windows, three dimensions, and two runs with one selection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_atlas.data.windows import WindowTable
from napari_atlas.session.map_state import MapState
from napari_atlas.session.session import Session
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._colors import color_of
from napari_atlas.views._map_layout import layout_of, recipe_of
from napari_atlas.views._map_model import Cloud
from napari_atlas.views._map_pick import Picker, inside_polygon
from napari_atlas.views._map_plot import MapPlot
from napari_atlas.views._map_raster import Frame, Scale, density_picture, points_picture
from napari_atlas.views._map_source import BesideSource, SessionSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.views._map_source import MapSource

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def spread(atlas: Atlas) -> Atlas:
    """Return the atlas with its points on a lattice, and latents that lie along its rows and columns."""
    n = len(atlas.windows.table)
    side = int(np.ceil(np.sqrt(n)))
    lattice = np.stack([np.arange(n) % side, np.arange(n) // side], axis=1).astype(np.float32)
    latents = np.zeros((n, 4), dtype=np.float32)
    latents[:, 2], latents[:, 0], latents[:, 3] = 3 * lattice[:, 0], lattice[:, 1], np.arange(n) % 3
    return replace(atlas, coordinates=lattice, latents=latents)


def many(atlas: Atlas, n: int) -> Atlas:
    """Return the atlas with its windows repeated, on a larger lattice."""
    table, per = atlas.windows.table, -(-n // len(atlas.windows.table))
    columns = {
        name: np.repeat(getattr(table, name), per)
        for name in (
            *("track", "start", "stop", "first_frame", "stop_frame"),
            *("seconds", "split", "temperature", "activity"),
        )
    }
    windows = replace(atlas.windows, table=WindowTable(keys=table.keys, **columns))
    return spread(replace(atlas, windows=windows))


class Stage(QWidget):
    """A map plot that follows a session."""

    def __init__(self, session: Session, source: MapSource | None = None) -> None:
        super().__init__()
        self.session, self.source = session, source or SessionSource(session)
        self.plot = MapPlot(session, palette_of("dark"), self, self.source)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self.resize(520, 480)
        session.selection_changed.connect(self.follow_selection)

    def follow_selection(self, selection: object) -> None:
        self.plot.draw_selection()

    def draw(self, column: str = "species", **changes: object) -> None:
        columns, state = self.source.columns, MapState(**changes)
        self.plot.draw_cloud(color_of(columns, column) if columns is not None else None, state)
        self.plot.draw_selection()
        self.plot.draw_cursor()

    def click(self, window: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.mouseClick(self.plot.native, LEFT, modifiers, self.plot.screen_of(window))

    def drag(self, path: list[QPoint], modifiers: Qt.KeyboardModifier = NONE) -> None:
        canvas = self.plot.native
        QTest.mousePress(canvas, LEFT, modifiers, path[0])
        for point in path[1:]:
            QTest.qWait(25)
            place, away = QPointF(point), QPointF(canvas.mapToGlobal(point))
            QApplication.sendEvent(
                canvas, QMouseEvent(QEvent.Type.MouseMove, place, away, Qt.MouseButton.NoButton, LEFT, modifiers)
            )
        QTest.mouseRelease(canvas, LEFT, modifiers, path[-1])

    def pixels(self) -> np.ndarray:
        """Return (height, width, 3) what a user sees."""
        image = self.plot.native.grabFramebuffer()
        buffer = image.convertToFormat(image.Format.Format_RGB888)
        rows = np.frombuffer(buffer.constBits().asarray(buffer.sizeInBytes()), np.uint8).copy()
        rows = rows.reshape(buffer.height(), buffer.bytesPerLine())[:, : 3 * buffer.width()]
        return rows.reshape(buffer.height(), buffer.width(), 3)

    def colored(self) -> int:
        """Return how many pixels are neither background nor grey."""
        seen = self.pixels().astype(int)
        return int((np.ptp(seen, axis=2) > 60).sum())


@pytest.fixture
def stage(qtbot: QtBot, atlas: Atlas) -> Iterator[Stage]:
    session = Session()
    session.show(spread(atlas))
    widget = Stage(session)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.draw()
    yield widget
    widget.plot.stop()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hundred windows count as very many."""
    for name in ("_map_cloud.MANY", "_map_plot.MANY", "_map_finder.MANY", "_map_gestures.MANY"):
        monkeypatch.setattr(f"napari_atlas.views.{name}", 100)
    monkeypatch.setattr("napari_atlas.views._map_plot._OUTLINED", 20)


def at_rest(stage: Stage) -> Callable[[], bool]:
    return lambda: not stage.plot.busy and stage.plot.places.size > 0


@pytest.mark.gui
def test_the_axes_are_the_map_the_components_or_latent_dimensions(stage: Stage) -> None:
    atlas = stage.session.atlas
    assert atlas is not None
    before = stage.plot.screen_of(7)
    stage.draw(axes="latent", dims=(2, 0))
    assert (stage.plot.screen_of(7) - before).manhattanLength() > 4, "three times as wide as it was"
    stage.click(7)
    assert stage.session.selection.ids.tolist() == [7]
    stage.draw(axes="pca", dims=(0, 1))
    widest = np.ptp(stage.plot.places, axis=0)
    assert widest[0] > widest[1]
    assert np.allclose(np.abs(np.corrcoef(stage.plot.places[:, 0], atlas.latents[:, 2])[0, 1]), 1, atol=0.05)
    stage.draw()
    assert stage.plot.screen_of(7) == before


@pytest.mark.gui
def test_a_solid_map_turns_and_is_picked_where_it_is_seen(stage: Stage) -> None:
    stage.draw(axes="latent", dims=(2, 0, 3))
    assert stage.plot.places.shape[1] == 3
    before = [stage.plot.screen_of(window) for window in (0, 40)]
    stage.drag([QPoint(200, 200), QPoint(240, 215), QPoint(280, 230)])
    after = [stage.plot.screen_of(window) for window in (0, 40)]
    assert before != after
    stage.click(40)
    assert stage.session.selection.ids.tolist() == [40]
    stage.plot.mouse.set_mode(type(stage.plot.mouse.mode).BOX)
    here = stage.plot.screen_of(0)
    stage.drag([here + QPoint(-4, -4), here + QPoint(1, 1), here + QPoint(5, 5)], SHIFT)
    found = stage.session.selection.ids
    assert {0, 40} <= set(found.tolist())
    places = stage.plot.visuals.view.to_screen(stage.plot.places)
    near = np.flatnonzero((np.abs(places - [here.x(), here.y()]) <= 6).all(axis=1))
    assert set(found.tolist()) <= {40, *near.tolist()}
    stage.draw()
    assert not stage.plot.visuals.view.solid


@pytest.mark.gui
def test_very_many_windows_are_a_picture_that_can_be_picked(few: None, stage: Stage, qtbot: QtBot) -> None:
    session = stage.session
    assert session.atlas is not None
    session.show(many(session.atlas, 30_000))
    stage.draw()
    qtbot.waitUntil(at_rest(stage), timeout=10_000)
    whole = stage.colored()
    assert whole > 0.5 * 480 * 400
    stage.click(1234)
    assert session.selection.ids.tolist() == [1234]
    stage.plot.mouse.set_mode(type(stage.plot.mouse.mode).BOX)
    here = stage.plot.screen_of(15_000)
    stage.drag([here, here + QPoint(50, 40), here + QPoint(100, 80)])
    qtbot.waitUntil(lambda: len(session.selection) > 1000, timeout=10_000)
    chosen = stage.plot.visuals.view.to_screen(stage.plot.places[session.selection.ids]) - [here.x(), here.y()]
    assert (chosen >= -0.6).all()
    assert (chosen <= [100.6, 80.6]).all()
    qtbot.waitUntil(lambda: not stage.plot.busy and stage.colored() < 0.5 * whole, timeout=10_000)
    assert stage.colored() > 3000, "what is selected keeps its colours"


@pytest.mark.gui
def test_density_takes_the_place_of_points_and_gives_it_back(stage: Stage, qtbot: QtBot) -> None:
    points = stage.pixels()
    stage.draw("temperature", density=True)
    qtbot.waitUntil(at_rest(stage), timeout=10_000)
    QTest.qWait(50)
    smooth = stage.pixels().astype(int)
    assert np.abs(np.diff(smooth, axis=1)).max() < 60, "no point has an edge"
    assert np.ptp(smooth.sum(axis=2)) > 60
    stage.draw()
    QTest.qWait(50)
    assert np.array_equal(stage.pixels(), points)


@pytest.mark.gui
def test_what_a_newer_gesture_overtakes_is_dropped(few: None, stage: Stage, qtbot: QtBot) -> None:
    qtbot.waitUntil(at_rest(stage), timeout=10_000)
    stage.plot.mouse.set_mode(type(stage.plot.mouse.mode).BOX)
    stage.drag([QPoint(5, 5), QPoint(300, 300), QPoint(500, 460)])
    stage.click(3)
    qtbot.waitUntil(lambda: not stage.plot.gestures.busy, timeout=10_000)
    QTest.qWait(50)
    assert stage.session.selection.ids.tolist() == [3]


@pytest.mark.gui
@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_windows(stage: Stage, n: int) -> None:
    atlas = stage.session.atlas
    assert atlas is not None
    places = np.full_like(atlas.coordinates, np.nan)
    places[:n] = 1.0
    stage.session.show(replace(atlas, coordinates=places))
    for changes in ({}, {"axes": "pca", "dims": (0, 1, 2)}, {"density": True}):
        stage.draw(**changes)
        stage.plot.fit()
        stage.plot.zoom_to(np.arange(n))
        QTest.qWait(30)
    stage.draw()
    QTest.mouseClick(stage.plot.native, LEFT, NONE, QPoint(40, 40))
    assert len(stage.session.selection) == 0
    if n:
        stage.click(n - 1)
        assert stage.session.selection.ids.tolist()[0] < n


@pytest.mark.gui
def test_zoom_to_shows_the_windows_and_little_else(stage: Stage) -> None:
    stage.plot.zoom_to(np.array([0, 1, 2]))
    spots = [stage.plot.screen_of(window) for window in (0, 2)]
    assert spots[1].x() - spots[0].x() > 300
    stage.plot.fit()
    assert stage.plot.screen_of(2).x() - stage.plot.screen_of(0).x() < 100


@pytest.mark.gui
def test_a_double_click_tells_the_window(stage: Stage, qtbot: QtBot) -> None:
    told: list[int] = []
    stage.plot.clicked_twice.connect(told.append)
    stage.click(11)
    QTest.mouseDClick(stage.plot.native, LEFT, NONE, stage.plot.screen_of(11))
    assert told == [11]


@pytest.mark.gui
def test_two_runs_have_one_selection(stage: Stage, qtbot: QtBot, atlas: Atlas) -> None:
    session, table = stage.session, atlas.windows.table
    odd = np.arange(1, len(table), 2)
    columns = {
        name: getattr(table, name)[odd]
        for name in (
            *("track", "start", "stop", "first_frame", "stop_frame"),
            *("seconds", "split", "temperature", "activity"),
        )
    }
    fewer = replace(atlas, run="2", windows=replace(atlas.windows, table=WindowTable(keys=table.keys, **columns)))
    fewer = replace(spread(fewer), predicted=np.empty(0, dtype=np.float32))
    session.show_beside(fewer)
    second = Stage(session, BesideSource(session))
    qtbot.addWidget(second)
    with qtbot.waitExposed(second):
        second.show()
    second.draw()
    second.click(4)
    assert session.selection.ids.tolist() == [9]
    stage.click(7, SHIFT)
    assert second.source.from_session(session.selection.ids).tolist() == [3, 4]
    session.show_beside(None)
    second.draw()
    assert not second.plot.places.size
    second.plot.stop()


def test_principal_components_are_those_of_the_covariance(atlas: Atlas) -> None:
    rng = np.random.default_rng(3)
    n = len(atlas.windows.table)
    latents = (rng.normal(0, 1, (n, 4)) * [1, 6, 0.1, 3]).astype(np.float32)
    latents[5] = np.nan
    run = replace(atlas, latents=latents)
    places = layout_of(run, MapState(axes="pca", dims=(0, 1)))
    assert np.isnan(places[5]).all()
    known = np.delete(places, 5, axis=0)
    _, values, _ = np.linalg.svd(np.delete(latents, 5, axis=0) - np.delete(latents, 5, axis=0).mean(axis=0))
    assert np.allclose(known.std(axis=0) * np.sqrt(n - 1), values[:2], rtol=1e-3)
    assert layout_of(run, MapState(axes="latent", dims=(1, 7))).shape == (n, 2), "there is no eighth dimension"
    bare = replace(run, coordinates=np.empty((0, 2), dtype=np.float32), recipe="")
    assert np.array_equal(layout_of(bare, MapState()), places, equal_nan=True)
    assert recipe_of(bare, MapState()) == "PCA 1, 2 · run 3"


@pytest.mark.parametrize("seed", range(4))
def test_polygons_agree_with_the_plain_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.round(rng.normal(0, 1, (4000, 2)), 1 + seed).astype(np.float32)
    polygon = np.round(rng.normal(0, 1, (40, 2)), 1)
    x, y = points.astype(float).T
    plain = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            plain ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    assert np.array_equal(inside_polygon(points, polygon), plain)


def test_a_picker_finds_the_same_before_and_after_its_tree_is_built() -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(0, 1, (500, 2)).astype(np.float32)
    places[::7] = np.nan
    slow, quick = Picker(places), Picker(places)
    quick.build()
    spots = rng.normal(0, 1, (100, 2))
    assert [slow.nearest(spot, 0.1) for spot in spots] == [quick.nearest(spot, 0.1) for spot in spots]
    assert Picker(np.zeros((5, 2), dtype=np.float32)).nearest(np.zeros(2), 1.0) in range(5)


def test_a_picture_shows_where_points_are_and_whose_they_are() -> None:
    red, blue = [1.0, 0.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.5]
    places = np.array([[2.0, 2], [2, 2], [7, 2], [50, 50]], dtype=np.float32)
    looks = {"sizes": np.ones(4, np.float32), "edges": np.zeros(4, np.float32), "marks": np.zeros(4, np.int8)}
    cloud = Cloud(np.arange(4), places, np.array([red, blue, red, red], dtype=np.float32), **looks)
    frame = Frame(np.eye(2, dtype=np.float32), np.full(2, 0.5, dtype=np.float32), 10, 5)
    cells = frame.cells(places)
    assert cells.tolist() == [22, 22, 27, -1]
    picture = points_picture(cloud, cells, frame)
    assert picture[2, 7].tolist() == [255, 0, 0, 128]
    assert picture[2, 2].tolist() == [128, 0, 128, 191], "two half-transparent ones let a quarter through"
    assert not picture[0, 5].any()
    scale = Scale(np.array([0.0, 1, 1, 1], dtype=np.float32), ("#000000", "#FFFFFF"))
    wide = Frame(np.eye(2, dtype=np.float32) * 10, np.full(2, 0.5, dtype=np.float32), 100, 50)
    mean = density_picture(cloud, wide.cells(places), wide, scale=scale)
    assert abs(int(mean[20, 15, 0]) - 128) < 12
    assert mean[20, 80, 0] > 240


@pytest.mark.gui
def test_a_picture_that_was_under_way_is_there_after_reopening(few: None, stage: Stage, qtbot: QtBot) -> None:
    assert stage.session.atlas is not None
    stage.session.show(many(stage.session.atlas, 5000))
    stage.draw("temperature")
    stage.plot.stop()
    stage.hide()
    QTest.qWait(30)
    with qtbot.waitExposed(stage):
        stage.show()
    qtbot.waitUntil(lambda: not stage.plot.busy and stage.colored() > 20_000, timeout=10_000)
