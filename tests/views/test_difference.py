"""The dock that tells what sets the selection apart: what it shows, and when it works."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor, QGuiApplication
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton

from napari_atlas.analysis.enrichment import Difference
from napari_atlas.data.clusters import Clustering
from napari_atlas.session.session import Session
from napari_atlas.views._difference_model import DifferenceModel, as_text
from napari_atlas.views._difference_table import DifferenceTable
from napari_atlas.views.desk import Desk
from napari_atlas.views.difference import DifferenceDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui

NAN = float("nan")


@pytest.fixture
def session(atlas: Atlas) -> Session:
    """Return a session with a project whose latents differ, and nothing selected."""
    made = Session()
    latents = np.random.default_rng(0).normal(size=(len(atlas.windows.table), 3)).astype(np.float32)
    made.show(replace(atlas, latents=latents))
    return made


@pytest.fixture
def dock(session: Session, qtbot: QtBot) -> DifferenceDock:
    made = DifferenceDock(Desk(session))
    qtbot.addWidget(made)
    made.resize(300, 500)
    made.show()
    return made


def table_of(dock: DifferenceDock) -> DifferenceTable:
    return dock.findChild(DifferenceTable, "atlas-difference-table")


def text_of(dock: DifferenceDock, name: str) -> str:
    label = dock.findChild(QLabel, f"atlas-difference-{name}")
    return label.text() if label.isVisible() else ""


def labels_of(dock: DifferenceDock) -> list[str]:
    return [row.label for row in table_of(dock).differences.rows]


def warm(session: Session) -> Any:
    assert session.atlas is not None
    return np.flatnonzero(session.atlas.windows.table.temperature > 30)


def await_rows(dock: DifferenceDock, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(labels_of(dock)) and "working" not in text_of(dock, "title"), timeout=10_000)


def place_of(dock: DifferenceDock, label: str) -> QPoint:
    table = table_of(dock)
    index = table.differences.index(labels_of(dock).index(label), 0)
    table.scrollTo(index)
    return table.visualRect(index).center()


def test_rows_of_the_selection_the_greatest_effect_first(dock: DifferenceDock, session: Session, qtbot: QtBot) -> None:
    session.select(warm(session))
    await_rows(dock, qtbot)
    assert labels_of(dock)[0] == "temperature"
    n = len(session.atlas.windows.table)  # type: ignore[union-attr]
    assert text_of(dock, "title") == f"{len(session.selection)} windows against {n - len(session.selection)}"
    effects = [abs(row.effect) for row in table_of(dock).differences.rows]
    assert effects == sorted(effects, reverse=True)


def test_a_click_colours_the_map_by_the_row(dock: DifferenceDock, session: Session, qtbot: QtBot) -> None:
    session.select(warm(session))
    await_rows(dock, qtbot)
    viewport = table_of(dock).viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place_of(dock, "latent 2"))
    assert session.color_by == "latent 2"
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place_of(dock, "species: jellyfish"))
    assert session.color_by == "species"
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place_of(dock, "jellyfish: signal, variability"))
    assert session.color_by == "species"


def test_by_keyboard(dock: DifferenceDock, session: Session, qtbot: QtBot) -> None:
    session.select(warm(session))
    await_rows(dock, qtbot)
    table = table_of(dock)
    table.setFocus()
    table.setCurrentIndex(table.differences.index(0, 0))
    assert session.color_by == "species"  # moving over rows asks for nothing
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert session.color_by == "temperature"
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].startswith("what\tunit\tselected\trest\teffect")
    assert [line.split("\t")[0] for line in lines[1:]] == labels_of(dock)


def test_it_says_why_it_is_empty(qtbot: QtBot, dock: DifferenceDock, session: Session) -> None:
    assert text_of(dock, "said").startswith("Select windows on the map")
    assert not table_of(dock).isVisible()
    session.select(np.arange(len(session.atlas.windows.table)))  # type: ignore[union-attr]
    assert text_of(dock, "said").startswith("All windows are selected")
    empty = DifferenceDock(Desk(Session()))
    qtbot.addWidget(empty)
    empty.show()
    assert text_of(empty, "said") == "No project is open."


def test_against_others_of_the_same_species(dock: DifferenceDock, session: Session, qtbot: QtBot) -> None:
    assert session.atlas is not None
    mine = session.atlas.windows.table.rows_of("jellyfish")
    session.select(mine[:20])
    await_rows(dock, qtbot)
    assert "species: jellyfish" in labels_of(dock)
    dock.findChild(QComboBox, "atlas-difference-against").setCurrentIndex(1)
    await_rows(dock, qtbot)
    assert text_of(dock, "title") == f"20 windows against {mine.size - 20}"
    assert "species: jellyfish" not in labels_of(dock)
    session.select(mine)
    qtbot.waitUntil(lambda: "compare with something else" in text_of(dock, "said"), timeout=5000)
    assert dock.findChild(QComboBox, "atlas-difference-against").isVisible()


def test_the_newest_selection_wins(dock: DifferenceDock, session: Session, qtbot: QtBot) -> None:
    for n in (10, 20, 30):
        session.select(np.arange(n))
    await_rows(dock, qtbot)
    qtbot.wait(100)
    assert text_of(dock, "title").startswith("30 windows against")


def test_new_clusters_are_rows_at_once(dock: DifferenceDock, session: Session, qtbot: QtBot) -> None:
    assert session.atlas is not None
    session.select(warm(session))
    await_rows(dock, qtbot)
    codes = np.arange(len(session.atlas.windows.table)) % 2
    session.group((Clustering("k2", "by hand", codes, ("odd", "even")),))
    qtbot.waitUntil(lambda: "k2: odd" in labels_of(dock), timeout=5000)


def test_it_rests_while_it_cannot_be_seen(
    dock: DifferenceDock, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock.hide()
    asked: list[object] = []
    monkeypatch.setattr("napari_atlas.views.difference.enrichment", lambda *given: asked.append(given))
    session.select(warm(session))
    qtbot.wait(50)
    assert asked == []
    monkeypatch.undo()
    for _ in range(10):
        dock.show()
        dock.hide()
    dock.close()
    assert len(session.selection_changed) == 0
    dock.show()
    await_rows(dock, qtbot)
    assert labels_of(dock)[0] == "temperature"


def test_numbers_give_way_to_names_where_there_is_little_room(
    dock: DifferenceDock, session: Session, qtbot: QtBot
) -> None:
    session.select(warm(session))
    await_rows(dock, qtbot)
    table = table_of(dock)
    dock.resize(250, 400)
    assert table.columnWidth(0) > 80
    dock.resize(600, 400)
    assert not any(table.isColumnHidden(i) for i in range(5))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_bars_have_the_colours_of_the_theme(dock: DifferenceDock, session: Session, qtbot: QtBot, theme: str) -> None:
    from napari_atlas.views._canvas import palette_of

    dock.set_theme(theme)
    session.select(warm(session))
    await_rows(dock, qtbot)
    table = table_of(dock)
    picture = table.viewport().grab().toImage()
    cell = table.visualRect(table.differences.index(0, 1))
    bar = picture.pixelColor(cell.center() + QPoint(cell.width() // 5, 0))
    assert bar == QColor(palette_of(theme).accent)


def test_the_copy_button(dock: DifferenceDock, session: Session, qtbot: QtBot) -> None:
    session.select(warm(session))
    await_rows(dock, qtbot)
    qtbot.mouseClick(dock.findChild(QPushButton, "atlas-difference-copy"), Qt.MouseButton.LeftButton)
    assert "temperature\t°C" in QGuiApplication.clipboard().text()


ROWS = (
    Difference("a", "a", -0.5, inside=-1.25, rest=2.0, p=0.2, corrected=0.4),
    Difference("b", "b: x", 0.75, inside=0.9951, rest=0.2, unit="share", fold=3.0, p=0.0001, corrected=0.0002),
    Difference("", "c", 0.1, inside=20.0, rest=10.0, unit="°C", note="It follows."),
)


def cells(model: DifferenceModel) -> list[list[str]]:
    return [[model.index(i, j).data() for j in range(5)] for i in range(model.rowCount())]


def test_cells_and_order() -> None:
    model = DifferenceModel()
    model.show_rows(ROWS, complete=True)
    assert cells(model) == [
        ["b: x", "+0.75", "99.5 %", "20 %", "< 0.001"],
        ["a", "−0.50", "−1.25", "2", "0.400"],
        ["c", "+0.10", "20 °C", "10 °C", "–"],
    ]
    model.sort(4, Qt.SortOrder.DescendingOrder)
    assert [row[0] for row in cells(model)] == ["a", "b: x", "c"]
    model.sort(0)
    assert [row[0] for row in cells(model)] == ["a", "b: x", "c"]
    told = model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "odds 8 times those of the rest, p 0.0001, corrected 0.0002" in told
    model.show_rows(ROWS, complete=False)
    assert [row[4] for row in cells(model)] == ["…", "…", "–"]


def test_text_leaves_out_what_is_not_known() -> None:
    assert as_text(ROWS[2:]).splitlines()[1] == "c\t°C\t20\t10\t0.1\t\t\t\tIt follows."
