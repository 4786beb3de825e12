"""Two maps side by side, the keys of the map, and pictures on the hover card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QLabel, QLineEdit, QToolButton, QWidget

from napari_atlas.data.clip import Clip
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.session import linking
from napari_atlas.session.session import Session
from napari_atlas.views._beside import BesideMenu
from napari_atlas.views._hover_card import HoverCard
from napari_atlas.views._legend import LegendEntry
from napari_atlas.views._map_layout import layout_of
from napari_atlas.views._map_model import coloring_of
from napari_atlas.views._map_pair import MapPair
from napari_atlas.views.desk import Desk
from napari_atlas.views.latent_map import LatentMap

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.views._colors import Coloring
    from napari_atlas.views._map_plot import MapPlot

pytestmark = pytest.mark.gui
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def latent_map(qtbot: QtBot, session: Session, atlas: Atlas) -> LatentMap:
    session.show(spread(atlas))
    widget = LatentMap(Desk(session))
    qtbot.addWidget(widget)
    widget.resize(720, 620)
    with qtbot.waitExposed(widget):
        widget.show()
    QTest.qWait(80)
    return widget


def spread(atlas: Atlas) -> Atlas:
    """Return the atlas with its points on a lattice, and latents that differ."""
    n = len(atlas.coordinates)
    side = int(np.ceil(np.sqrt(n)))
    lattice = np.stack([np.arange(n) % side, np.arange(n) // side], axis=1)
    latents = np.random.default_rng(1).normal(size=(n, 8)).astype(np.float32)
    return replace(atlas, coordinates=lattice.astype(np.float32), latents=latents)


@pytest.fixture
def beside(fewer_atlas: Atlas) -> Atlas:
    """Return a run of the same project that lacks the second recording of each species, the lattice upside down."""
    fewer = spread(fewer_atlas)
    return replace(fewer, run="4", recipe="UMAP · n=30 · seed 1", coordinates=-fewer.coordinates)


def second(latent_map: LatentMap) -> MapPlot:
    plots: list[MapPlot] = list(latent_map.findChild(MapPair).plots())
    return plots[1]


def test_two_maps_have_one_selection_and_one_cursor(
    latent_map: LatentMap, session: Session, beside: Atlas, qtbot: QtBot
) -> None:
    session.show_beside(beside)
    plot = second(latent_map)
    qtbot.waitUntil(lambda: len(plot.places) == len(beside.coordinates))
    QTest.qWait(60)
    assert session.atlas is not None
    own = linking.matched(beside, session.atlas)
    window = len(beside.coordinates) - 3
    assert own[window] != window, "the ids differ"
    QTest.mouseClick(plot.native, LEFT, NONE, plot.screen_of(window))
    assert session.selection.ids.tolist() == [own[window]]
    assert session.cursor == linking.cursor_of(beside, window)
    captions = [label.text() for label in latent_map.findChildren(QLabel)]
    assert any("run 3" in text and "n=15" in text for text in captions)
    assert any("run 4" in text and "n=30" in text for text in captions)
    session.arrange(axes="pca", dims=(1, 2))
    assert np.allclose(plot.places, layout_of(beside, session.map_state)), "both are laid out alike"
    close = latent_map.findChild(QToolButton, "atlas-map-close-second")
    QTest.mouseClick(close, LEFT)
    assert session.beside is None
    assert len(list(latent_map.findChild(MapPair).plots())) == 1
    assert not close.isVisible()


def test_the_ring_under_the_mouse_is_on_both_maps(
    latent_map: LatentMap, session: Session, beside: Atlas, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    session.show_beside(beside)
    QTest.qWait(80)
    rings: list[Any] = []
    monkeypatch.setattr(second(latent_map).visuals, "set_hover", lambda position: rings.append(position.tolist()))
    point = latent_map.coordinates_on_screen(9)
    QTest.mouseMove(latent_map.canvas_widget, point + QPoint(30, 20))
    QTest.qWait(80)
    QTest.mouseMove(latent_map.canvas_widget, point)
    qtbot.waitUntil(lambda: len(rings) > 0, timeout=3000)
    assert session.beside is not None
    assert rings[-1] == [session.beside.coordinates[9].tolist()]


def test_the_second_map_has_the_clusters_of_the_first(latent_map: LatentMap, session: Session, beside: Atlas) -> None:
    assert session.atlas is not None
    n = len(session.atlas.windows.table)
    session.group((Clustering("odd", "", np.arange(n) % 2, ("even", "odd")),))
    session.color("clusters: odd")
    drawn: list[Any] = []
    session.show_beside(beside)
    plot = second(latent_map)
    plot.draw_cloud = lambda coloring, state, moved=False: drawn.append(coloring)  # type: ignore[method-assign]
    session.color("temperature")
    session.arrange(limits={"temperature": (22.0, 25.0)})
    session.color("clusters: odd")
    assert [(c.column, c.low, c.high) for c in drawn[:2]][1] == ("temperature", 22.0, 25.0)
    assert session.beside is not None
    own = linking.matched(session.beside, session.atlas)
    assert drawn[-1].codes.tolist() == (own % 2).tolist()


def test_runs_are_listed_in_a_thread_and_a_fault_is_told(
    qtbot: QtBot, session: Session, atlas: Atlas, monkeypatch: pytest.MonkeyPatch, beside: Atlas
) -> None:
    session.show(atlas)
    said: list[str] = []
    window = QWidget()
    qtbot.addWidget(window)
    menu = BesideMenu(Desk(session), said.append, window)
    menu.fill()
    qtbot.waitUntil(lambda: "No other" in menu.actions()[0].text())
    assert not menu.actions()[0].isEnabled()
    monkeypatch.setattr("napari_atlas.views._beside._others", lambda folder, shown: [("4", "rough (4)")])
    menu.fill()
    qtbot.waitUntil(lambda: menu.actions()[0].text() == "rough (4)")
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: len(said) == 2)
    assert session.beside is None
    assert str(atlas.folder) in said[1]
    monkeypatch.setattr("napari_atlas.workflow.load_atlas", lambda folder, run: beside)
    menu.open("4")
    qtbot.waitUntil(lambda: session.beside is beside)


def test_keys_change_the_selection(latent_map: LatentMap, session: Session) -> None:
    assert session.atlas is not None
    n = len(session.atlas.windows.table)
    QTest.keyClick(latent_map, Qt.Key.Key_A, CTRL)
    assert len(session.selection) == n
    session.select(np.array([3, 5, 40]))
    QTest.keyClick(latent_map, Qt.Key.Key_I)
    assert len(session.selection) == n - 3
    QTest.keyClick(latent_map, Qt.Key.Key_Z, CTRL)
    assert session.selection.ids.tolist() == [3, 5, 40]
    QTest.keyClick(latent_map, Qt.Key.Key_Z, CTRL | SHIFT)
    assert len(session.selection) == n - 3
    QTest.keyClick(latent_map, Qt.Key.Key_Z, CTRL)
    QTest.keyClick(latent_map, Qt.Key.Key_Y, CTRL)
    assert len(session.selection) == n - 3
    undo = latent_map.findChild(QToolButton, "atlas-map-undo")
    QTest.mouseClick(undo, LEFT)
    assert session.selection.ids.tolist() == [3, 5, 40]
    session.seek("nobody", "0", 0)
    QTest.keyClick(latent_map, Qt.Key.Key_J)
    QTest.keyClick(latent_map, Qt.Key.Key_J)
    assert linking.window_at(session.atlas, session.cursor) == 5
    QTest.keyClick(latent_map, Qt.Key.Key_K)
    assert linking.window_at(session.atlas, session.cursor) == 3
    QTest.keyClick(latent_map, Qt.Key.Key_D)
    assert session.map_state.density
    QTest.keyClick(latent_map, Qt.Key.Key_D)
    QTest.keyClick(latent_map, Qt.Key.Key_Escape)
    assert len(session.selection) == 0


def test_zooming_to_the_selection_brings_it_nearer(latent_map: LatentMap, session: Session) -> None:
    def apart() -> int:
        return int((latent_map.coordinates_on_screen(31) - latent_map.coordinates_on_screen(30)).manhattanLength())

    before = apart()
    session.select(np.array([30, 31, 32]))
    QTest.keyClick(latent_map, Qt.Key.Key_Z)
    assert apart() > 2 * before


def test_a_selection_is_kept_under_a_name_that_is_typed(latent_map: LatentMap, session: Session) -> None:
    said = latent_map.findChild(QLabel, "atlas-map-said")
    QTest.keyClick(latent_map, Qt.Key.Key_S, CTRL)
    assert "Select some windows first" in said.toolTip()
    session.select(np.array([3, 4]))
    QTest.keyClick(latent_map, Qt.Key.Key_S, CTRL)
    field = latent_map.findChild(QLineEdit, "atlas-map-name")
    assert field.isVisible()
    QTest.keyClicks(field, "lab bursts")
    assert session.selection.ids.tolist() == [3, 4], "letters are text"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert session.annotations.find("selection", "lab bursts") is not None
    assert not field.isVisible()
    assert "lab bursts" in said.toolTip()


def test_a_double_click_selects_the_cluster(latent_map: LatentMap, session: Session) -> None:
    said = latent_map.findChild(QLabel, "atlas-map-said")
    QTest.mouseDClick(latent_map.canvas_widget, LEFT, NONE, latent_map.coordinates_on_screen(7))
    assert "No clusters yet" in said.toolTip()
    assert session.atlas is not None
    n = len(session.atlas.windows.table)
    session.group((Clustering("odd", "", np.arange(n) % 2, ("even", "odd")),))
    QTest.qWait(QTest.mouseDoubleClickInterval() if hasattr(QTest, "mouseDoubleClickInterval") else 10)
    QTest.mouseDClick(latent_map.canvas_widget, LEFT, NONE, latent_map.coordinates_on_screen(7))
    assert session.selection.name == "odd"
    assert session.selection.ids.tolist() == list(range(1, n, 2))


def test_a_new_tag_leaves_the_colours_of_other_columns_alone(
    latent_map: LatentMap, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.atlas is not None
    colored: list[object] = []

    def counted(*args: Any) -> Coloring:
        colored.append(args)
        return coloring_of(*args)

    monkeypatch.setattr("napari_atlas.views.latent_map.coloring_of", counted)
    spans = Spans.of_windows(session.atlas.windows.table, np.array([2, 3]))
    session.annotate(Annotations((Mark("tag", "burst", spans),)))
    assert not colored
    session.color("tag")
    session.annotate(Annotations((Mark("tag", "burst", spans), Mark("tag", "pause", spans))))
    assert len(colored) == 2


def test_colours_of_many_windows_come_from_a_thread_and_the_last_wish_counts(
    latent_map: LatentMap, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_atlas.views.latent_map.MANY", 10)
    session.color("temperature")
    assert latent_map.busy
    session.arrange(shown="train")
    session.color("recording")
    session.color("split")
    qtbot.waitUntil(lambda: not latent_map.busy)
    entries = [entry.text().split()[0] for entry in latent_map.findChildren(LegendEntry) if entry.isVisible()]
    assert entries == ["train", "test"]
    assert latent_map.findChild(QComboBox, "atlas-map-color").currentText() == "split"


class FakeLibrary:
    """Has a picture of every window, or of none."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.broken = False
        self.library = self

    def clip(self, table: object, window: int, size: tuple[int, int], most: int) -> Clip:
        self.asked.append(window)
        if self.broken:
            raise OSError("gone")
        pictures = np.full((most, size[1], size[0], 3), 90, dtype=np.uint8)
        none = np.empty((0, 2), dtype=np.float32)
        lines = np.empty((0, 2, 2), dtype=np.float32)
        return Clip("a", "0", np.array([4]), pictures, (none,), (lines,), "#E69F00", np.array([0.1]), "no video")


def test_the_hover_card_gets_its_picture_and_never_that_of_another(latent_map: LatentMap, qtbot: QtBot) -> None:
    library: Any = FakeLibrary()
    hover = latent_map.findChild(MapPair).plot.hover
    hover.take_pictures_from(library)
    card = latent_map.findChild(HoverCard)
    places = latent_map.findChild(MapPair).plot.places
    hover.over(9, places[9][None])
    qtbot.waitUntil(lambda: card.isVisible() and card.picture.isVisible(), timeout=3000)
    assert not card.picture.pixmap().isNull()
    assert library.asked == [9]
    library.broken = True
    hover.over(10, places[10][None])
    assert not card.isVisible()
    qtbot.waitUntil(card.isVisible, timeout=3000)
    qtbot.waitUntil(lambda: library.asked == [9, 10])
    QTest.qWait(60)
    assert not card.picture.isVisible(), "words alone, and no picture of the window before"
    hover.clear()
    assert not card.isVisible()
