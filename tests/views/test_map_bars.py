"""The bars of the map, each by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget
from superqt import QDoubleRangeSlider

from napari_atlas.data.clip import Clip
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.window_columns import OWN_RANGE, WindowColumns
from napari_atlas.io.annotations import read_annotations
from napari_atlas.io.runs import RunFolder
from napari_atlas.session.map_state import MapState
from napari_atlas.session.selection import Combine
from napari_atlas.session.session import Session
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._colors import Coloring, color_of
from napari_atlas.views._column_choice import ColumnChoice, grouped
from napari_atlas.views._legend import Legend, LegendEntry
from napari_atlas.views._map_axes import AxesBar
from napari_atlas.views._map_deeds import SelectionDeeds
from napari_atlas.views._map_keys import Keys
from napari_atlas.views._map_menu import SelectionMenu
from napari_atlas.views._map_name import NameField
from napari_atlas.views._subset import SubsetBar
from napari_atlas.views._thumbnail import thumbnail
from napari_atlas.views.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def shown(qtbot: QtBot, make: Callable[[QWidget], Any], width: int = 420, height: int = 160) -> Any:
    """Show a widget, made for its parent, in a window."""
    window = QWidget()
    qtbot.addWidget(window)
    widget = make(window)
    layout = QVBoxLayout(window)
    layout.addWidget(widget)
    layout.addStretch(1)
    window.resize(width, height)
    with qtbot.waitExposed(window):
        window.show()
    widget.kept = window  # The bot holds it weakly.
    return widget


def test_columns_are_offered_under_headings() -> None:
    names = ("species", "temperature", OWN_RANGE, "dose", "split", "clusters: k", "tag", "latent 1")
    found = grouped(names)
    assert list(found) == [
        "Animals",
        "Temperature",
        "Own columns",
        "Clusters and tags",
        "How far to trust it",
        "Latent",
    ]
    assert found["Own columns"] == ("dose",)
    assert found["Clusters and tags"] == ("clusters: k", "tag")
    assert sum(map(len, found.values())) == len(names)


def test_headings_are_passed_over_by_the_keyboard(qtbot: QtBot) -> None:
    choice = shown(qtbot, lambda window: ColumnChoice("colour by", window))
    choice.offer(("species", "individual", "temperature", "latent 1"))
    choice.show_column("individual")
    chosen: list[str] = []
    choice.chosen.connect(chosen.append)
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Down)
    assert chosen == ["temperature"]
    choice.offer(("species", "temperature"))
    assert choice.currentText() == "temperature", "what was on show stays"
    choice.show_column("gone")
    assert choice.currentText() == "temperature"
    assert chosen == ["temperature"], "only what the user does is told"


def of_scale(atlas: Atlas, name: str = "temperature") -> Coloring:
    return color_of(WindowColumns(atlas), name)


def test_dragging_an_end_of_the_scale_tells_it_and_a_double_click_takes_it_back(qtbot: QtBot, atlas: Atlas) -> None:
    legend = shown(qtbot, Legend)
    legend.paint(palette_of("dark"))
    coloring = of_scale(atlas)
    whole = coloring.whole
    legend.show_coloring(coloring)
    told: list[Any] = []
    legend.limits_chosen.connect(told.append)
    slider = legend.findChild(QDoubleRangeSlider)
    y = slider.height() // 2
    QTest.mousePress(slider, LEFT, NONE, QPoint(5, y))
    for x in range(5, slider.width() // 2, 6):
        QTest.mouseMove(slider, QPoint(x, y))
    QTest.mouseRelease(slider, LEFT, NONE, QPoint(slider.width() // 2, y))
    low, high = told[-1]
    middle = sum(whole) / 2
    assert abs(low - middle) < 0.1 * (whole[1] - whole[0])
    assert high == pytest.approx(whole[1])
    assert len(told) < 8, "not each of the moves is told"
    QTest.mouseDClick(slider, LEFT, NONE, QPoint(slider.width() // 2, y))
    assert told[-1] is None


def test_the_ends_of_the_scale_can_be_typed(qtbot: QtBot, atlas: Atlas) -> None:
    legend = shown(qtbot, Legend)
    coloring = of_scale(atlas)
    whole = coloring.whole
    legend.show_coloring(coloring)
    told: list[Any] = []
    legend.limits_chosen.connect(told.append)
    low, high = legend.scale.findChildren(QDoubleSpinBox)
    low.setFocus()
    high.setFocus()
    assert not told, "a field that is merely left tells nothing"
    low.setFocus()
    low.selectAll()
    QTest.keyClicks(low, low.locale().toString(25.5, "f", 1))
    QTest.keyClick(low, Qt.Key.Key_Return)
    assert told == [(25.5, pytest.approx(whole[1], abs=0.01))]
    assert any(label.text() == "°C" for label in legend.scale.findChildren(QLabel))


def test_a_scale_without_extent_takes_the_mouse_without_harm(qtbot: QtBot, atlas: Atlas) -> None:
    legend = shown(qtbot, Legend)
    legend.show_coloring(replace(of_scale(atlas), low=20.0, high=20.0, whole=(20.0, 20.0)))
    slider = legend.findChild(QDoubleRangeSlider)
    QTest.mouseClick(slider, LEFT, NONE, QPoint(slider.width() // 2, slider.height() // 2))


def test_the_legend_says_what_a_column_is(qtbot: QtBot, atlas: Atlas) -> None:
    legend = shown(qtbot, Legend)
    legend.show_coloring(of_scale(atlas, OWN_RANGE))
    note = legend.findChild(QLabel, "atlas-map-note")
    assert "relative to the species' own range" in note.toolTip()
    assert note.isVisible()
    legend.show_coloring(of_scale(atlas))
    assert not note.isVisible(), "degrees need no word"


def many_classes(atlas: Atlas, n: int) -> Coloring:
    codes = np.arange(len(atlas.windows.table)) % n
    clustering = Clustering("k", "k-means", codes, tuple(f"cluster {i}" for i in range(n)))
    return color_of(WindowColumns(atlas, (clustering,)), "clusters: k")


def test_of_many_classes_a_few_are_shown_until_all_are_asked_for(qtbot: QtBot, atlas: Atlas) -> None:
    legend = shown(qtbot, Legend, height=300)
    legend.show_coloring(many_classes(atlas, 40))
    legend.show_counts((1,) * 40, True)
    assert len(entries_of(legend)) == 12
    few = legend.height()
    QTest.mouseClick(legend.more, LEFT)
    assert len(entries_of(legend)) == 40
    assert entries_of(legend)[39].text().startswith("cluster 39  1 / ")
    assert few <= legend.height() < 180, "it scrolls rather than grows"
    before = entries_of(legend)
    legend.show_coloring(many_classes(atlas, 40))
    assert entries_of(legend) == before, "the same classes are left as they are"
    legend.show_coloring(color_of(WindowColumns(atlas), "species"))
    assert not legend.more.isVisible()
    assert len(entries_of(legend)) == 2


def entries_of(legend: Legend) -> list[LegendEntry]:
    return [entry for entry in legend.findChildren(LegendEntry) if entry.isVisibleTo(legend)]


def test_axes_can_be_chosen(qtbot: QtBot, atlas: Atlas) -> None:
    bar = shown(qtbot, AxesBar)
    state = MapState()
    told: list[dict[str, Any]] = []
    bar.arranged.connect(told.append)
    bar.show_state(state, atlas)
    axes = bar.findChild(QComboBox, "atlas-map-axes")
    solid = bar.findChild(QToolButton, "atlas-map-3-d")
    assert not solid.isEnabled(), "this run's map is flat"
    axes.setFocus()
    QTest.keyClick(axes, Qt.Key.Key_Down)
    assert told.pop() == {"axes": "pca", "dims": (0, 1)}
    bar.show_state(MapState(axes="pca"), atlas)
    QTest.mouseClick(solid, LEFT)
    assert told.pop() == {"dims": (0, 1, 2)}
    bar.show_state(MapState(axes="latent", dims=(0, 1, 2)), atlas)
    third = bar.findChild(QComboBox, "atlas-map-dim-3")
    assert third.isVisible()
    third.setFocus()
    QTest.keyClick(third, Qt.Key.Key_Down)
    assert told.pop() == {"dims": (0, 1, 3)}
    QTest.mouseClick(bar.density, LEFT)
    assert told.pop() == {"density": True}
    assert not told


def test_axes_wait_for_a_map(qtbot: QtBot, atlas: Atlas) -> None:
    bar = shown(qtbot, AxesBar)
    bar.show_state(MapState(), None)
    assert not any(widget.isEnabled() for widget in bar.findChildren(QComboBox) if widget.isVisible())


def test_a_taken_name_has_to_be_confirmed(qtbot: QtBot) -> None:
    field = shown(qtbot, NameField)
    given: list[str] = []
    field.given.connect(given.append)
    field.ask("bursts", lambda name: name == "bursts")
    edit = field.findChild(QLineEdit)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert not given
    assert any("replaces" in label.text() for label in field.findChildren(QLabel))
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert given == ["bursts"]
    assert not field.isVisible()
    field.ask("", lambda name: False)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert field.isVisible(), "without a name it waits"
    QTest.keyClick(edit, Qt.Key.Key_Escape)
    assert not field.isVisible()
    assert given == ["bursts"]


def test_keys_are_text_where_text_is_typed(qtbot: QtBot) -> None:
    part = shown(qtbot, QWidget)
    edit, button = QLineEdit(part), QToolButton(part)
    edit.show()
    button.show()
    button.move(0, 40)
    pressed: list[str] = []
    Keys(part, {"I": lambda: pressed.append("I"), "Ctrl+Shift+Z": lambda: pressed.append("redo")})
    QTest.keyClick(edit, Qt.Key.Key_I)
    assert (edit.text(), pressed) == ("i", [])
    QTest.keyClick(button, Qt.Key.Key_I)
    QTest.keyClick(button, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(button, Qt.Key.Key_Z)
    assert pressed == ["I", "redo"]


def deeds_of(atlas: Atlas) -> tuple[Session, SelectionDeeds, Desk]:
    session = Session()
    session.show(atlas)
    desk = Desk(session)
    return session, SelectionDeeds(desk), desk


def test_a_selection_is_kept_recalled_and_combined(qtbot: QtBot, atlas: Atlas) -> None:
    session, deeds, desk = deeds_of(atlas)
    assert "Select" in deeds.save("none")
    session.select(np.array([3, 4, 30]))
    assert "bursts" in deeds.save(" bursts ")
    assert session.selection.name == "bursts"
    assert deeds.is_taken("bursts")
    qtbot.waitUntil(lambda: not desk.keeper.busy)
    assert [mark.name for mark in read_annotations(atlas.folder).marks] == ["bursts"]
    window = QWidget()
    qtbot.addWidget(window)
    menu = SelectionMenu(deeds, {"Invert": ("I", deeds.invert)}, window)
    menu.fill()
    menu.fill()
    ways = {a.text(): a for a in menu.actions()[-1].menu().actions()}
    session.select(np.array([4, 5]))
    ways["Keep what is in both"].trigger()
    qtbot.waitUntil(lambda: session.selection.ids.tolist() == [4])
    session.select(np.array([9]))
    ways["Add to the selection"].trigger()
    qtbot.waitUntil(lambda: session.selection.ids.tolist() == [3, 4, 9, 30])
    deeds.recall(deeds.saved()[0], Combine.REPLACE)
    qtbot.waitUntil(lambda: session.selection.name == "bursts")
    assert session.selection.ids.tolist() == [3, 4, 30]


def test_a_double_click_finds_the_cluster_in_the_clusters_on_show(atlas: Atlas) -> None:
    session, deeds, _ = deeds_of(atlas)
    assert "No clusters yet" in deeds.cluster_of(3)
    n = len(atlas.windows.table)
    halves = Clustering("halves", "", np.repeat([0, 1], [n // 2, n - n // 2]), ("first", "second"))
    odd = Clustering("odd", "", np.where(np.arange(n) % 2, 0, -1), ("odd",))
    session.group((halves, odd))
    assert deeds.cluster_of(3) == ""
    assert session.selection.name == "first"
    session.color("clusters: odd")
    assert "no cluster" in deeds.cluster_of(4)
    deeds.cluster_of(5)
    assert session.selection.ids.tolist() == list(range(1, n, 2))


def test_select_all_invert_clear_undo_and_redo(atlas: Atlas) -> None:
    session, deeds, _ = deeds_of(atlas)
    n = len(atlas.windows.table)
    assert "Nothing" in deeds.undo()
    deeds.everything()
    assert len(session.selection) == n
    session.select(np.arange(4))
    deeds.invert()
    assert session.selection.ids.tolist() == list(range(4, n))
    deeds.clear()
    assert deeds.undo() == ""
    assert len(session.selection) == n - 4
    assert deeds.redo() == ""
    assert "Nothing" in deeds.redo()


class FakeRunner:
    """Writes the map that the verb would write."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.ids: list[int] = []

    def stop(self) -> None:
        """Nothing to stop."""

    def run(self, verb: str, *arguments: str, then: Any, otherwise: Any) -> None:
        options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
        self.file = Path(options["--only"])
        self.ids = json.loads(self.file.read_text())
        run = RunFolder(self.atlas.folder / "runs" / options["--run"])
        arrays = {"coordinates": np.ones((len(self.ids), 2)), "kept": np.ones(len(self.ids)), "ids": self.ids}
        run.write_map(options["--name"], "UMAP of some", **{k: np.asarray(v) for k, v in arrays.items()})
        then()


def test_selected_windows_get_a_map_of_their_own_and_there_is_a_way_back(qtbot: QtBot, atlas: Atlas) -> None:
    session, _, desk = deeds_of(atlas)
    (atlas.folder / "runs" / "3" / "maps").mkdir(parents=True)
    runner: Any = FakeRunner(atlas)
    desk.runner = runner
    bar = shown(qtbot, lambda window: SubsetBar(desk, window))
    session.atlas_changed.connect(bar.refresh)
    told: list[str] = []
    bar.said.connect(told.append)
    session.select(np.arange(3))
    bar.make()
    assert "10 windows or more" in told[-1]
    wanted = np.arange(5, 25)
    session.select(wanted)
    session.seek("jellyfish-1", "0", 200)
    cursor = session.cursor
    bar.make()
    qtbot.waitUntil(bar.isVisible)
    assert runner.ids == wanted.tolist()
    assert not runner.file.exists()
    now = session.atlas
    assert now is not None
    assert np.flatnonzero(np.isfinite(now.coordinates).all(axis=1)).tolist() == wanted.tolist()
    assert now.recipe == "UMAP of some"
    session.select(np.arange(8, 20))
    bar.make()
    qtbot.waitUntil(lambda: session.atlas is not now)
    assert bar.isVisible()
    QTest.mouseClick(bar.back_button, LEFT)
    assert session.atlas is not None
    assert np.array_equal(session.atlas.coordinates, atlas.coordinates), "not the map of the first part"
    assert not bar.isVisible()
    assert (session.selection.ids.tolist(), session.cursor) == (list(range(8, 20)), cursor)


def test_thumbnail_holds_picture_and_drawing() -> None:
    pictures = np.full((1, 144, 192, 3), 40, dtype=np.uint8)
    line = np.array([[[10, 20], [100, 20]]], dtype=np.float32)
    node = np.array([[150, 100]], dtype=np.float32)
    clip = Clip("a", "0", np.array([5]), pictures, (node,), (line,), "#E69F00", np.array([0.2]))
    pixmap = thumbnail(clip)
    assert (pixmap.width(), pixmap.height()) == (192, 144)
    image = pixmap.toImage()
    assert image.pixelColor(5, 5).name() == "#282828"
    assert image.pixelColor(60, 20).red() > 150
    assert image.pixelColor(150, 100).name() == "#e69f00"
    assert image.pixelColor(60, 60).name() == "#282828"
