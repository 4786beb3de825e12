"""The dock that tells what the latent still tells: figures, what it says, and when it works."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel, QPushButton

from napari_atlas.data.scores import Decoded, Scores
from napari_atlas.session.session import JobState, Session
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._decodability_model import rows_of
from napari_atlas.views._decodability_table import TellTable
from napari_atlas.views._scoring import measure_if_scrubbed
from napari_atlas.views.decodability import DecodabilityDock
from napari_atlas.views.desk import Desk

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui
NAN = float("nan")


def scores(run: str, of_animal: float, scrubbed: bool, notes: tuple[str, ...] = ()) -> Scores:
    """Return figures of two variables, each with the latent and the signal."""

    def pair(name: str, kind: str, decoder: str, score: float, chance: float) -> tuple[Decoded, Decoded]:
        taken = scrubbed and name == "individual"
        mine = Decoded(name, kind, decoder, "latent", score, 0.02, chance, chance + 0.05, 90, taken)
        return mine, replace(mine, source="signal", score=0.96, scrubbed=False)

    rows = (
        *pair("individual", "class", "logistic", of_animal, 0.25),
        *pair("individual", "class", "mlp", of_animal + 0.1, 0.25),
        *pair("heading", "angle", "linear", -0.03, -0.01),
    )
    return Scores(run, rows, notes)


def write_run(folder: Path, run: str, scrub: str, found: Scores | None = None) -> Path:
    """Write as much of a run as the dock reads."""
    path = folder / "runs" / run
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps({"config": {"scrub": scrub}}), encoding="utf-8")
    for name in ("latents.npz", "weights.safetensors"):
        (path / name).touch()
    if found is not None:
        (path / "score.json").write_text(json.dumps(found.as_dict()), encoding="utf-8")
    return path


@pytest.fixture
def session(atlas: Atlas) -> Session:
    """Return a session with a run that scrubs, measured, and an older one that does not."""
    write_run(atlas.folder, "2", "", scores("2", 0.91, scrubbed=False))
    write_run(atlas.folder, "3", "individual", scores("3", 0.28, True, ("Heading goes with the speed.",)))
    made = Session()
    made.show(atlas)
    return made


@pytest.fixture
def desk(session: Session) -> Desk:
    return Desk(session)


@pytest.fixture
def dock(desk: Desk, qtbot: QtBot) -> DecodabilityDock:
    made = DecodabilityDock(desk)
    qtbot.addWidget(made)
    made.resize(300, 500)
    made.show()
    return made


def table_of(dock: DecodabilityDock) -> TellTable:
    return dock.findChild(TellTable, "atlas-scrubbing-table")


def text_of(dock: DecodabilityDock, part: str) -> str:
    label = dock.findChild(QLabel, f"atlas-scrubbing-{part}")
    return label.text() if label.isVisible() else ""


def button_of(dock: DecodabilityDock, part: str) -> QPushButton:
    return dock.findChild(QPushButton, f"atlas-scrubbing-{part}")


def cells(dock: DecodabilityDock) -> list[tuple[str, str]]:
    model = table_of(dock).tells
    return [(model.index(i, 0).data(), model.index(i, 2).data()) for i in range(model.rowCount())]


def atlas_folder_of(session: Session) -> Path:
    assert session.atlas is not None
    return session.atlas.folder


def await_figures(dock: DecodabilityDock, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: table_of(dock).isVisible() and bool(cells(dock)), timeout=5000)


def test_figures_of_the_run_on_show(dock: DecodabilityDock, qtbot: QtBot) -> None:
    await_figures(dock, qtbot)
    assert cells(dock) == [
        ("individual: taken out, 1 of 2 tell it", ""),
        ("straight border", "28 %"),
        ("small network", "38 %"),
        ("heading: told no better than by chance", ""),
        ("straight line", "−0.03"),
    ]
    assert text_of(dock, "title") == "Run 3: individual taken out of the latent"
    assert text_of(dock, "said") == "Heading goes with the speed."
    told = table_of(dock).accessibleDescription()
    assert "individual, straight border (logistic regression): 28 % right answers" in told
    assert "chance 25 %, in 95 of 100 cases below 30 %; 96 % from the signal itself; 90 windows." in told


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_bars_have_the_length_of_their_figure(dock: DecodabilityDock, qtbot: QtBot, theme: str) -> None:
    dock.set_theme(theme)
    await_figures(dock, qtbot)
    table = table_of(dock)
    cell = table.visualRect(table.tells.index(1, 1)).adjusted(4, 0, -4, 0)
    picture, accent = table.viewport().grab().toImage(), QColor(palette_of(theme).accent)
    row = cell.top() + cell.height() // 3
    filled = [x for x in range(cell.left(), cell.right()) if picture.pixelColor(x, row) == accent]
    assert 0.1 < len(filled) / cell.width() < 0.32
    assert max(filled) - cell.left() == pytest.approx(0.28 * cell.width(), abs=2)


def test_a_click_or_return_colours_the_map(dock: DecodabilityDock, session: Session, qtbot: QtBot) -> None:
    await_figures(dock, qtbot)
    table = table_of(dock)

    def click(row: int) -> None:
        place = table.visualRect(table.tells.index(row, 1)).center() + QPoint(0, 0)
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)

    click(4)
    assert session.color_by == "species", "the map cannot be coloured by what is no column"
    assert "cannot be coloured" in table.tells.index(4, 0).data(Qt.ItemDataRole.ToolTipRole)
    click(2)
    assert session.color_by == "individual"
    session.color("species")
    table.setFocus()
    table.setCurrentIndex(table.tells.index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert session.color_by == "individual"


def test_another_run_beside_gives_before_and_after(
    dock: DecodabilityDock, session: Session, fewer_atlas: Atlas, qtbot: QtBot
) -> None:
    await_figures(dock, qtbot)
    session.show_beside(replace(fewer_atlas, run="2"))
    qtbot.waitUntil(lambda: cells(dock)[1][1] == "91 % → 28 %", timeout=5000)
    assert "Beside it run 2: nothing taken out" in text_of(dock, "title")
    assert "beside" in text_of(dock, "legend")
    assert button_of(dock, "compare").text() == "Close the comparison"
    button_of(dock, "compare").click()
    assert session.beside is None
    qtbot.waitUntil(lambda: cells(dock)[1][1] == "28 %", timeout=5000)
    (atlas_folder_of(session) / "runs" / "2" / "score.json").unlink()
    session.show_beside(replace(fewer_atlas, run="2"))
    qtbot.waitUntil(lambda: text_of(dock, "said").startswith("Run 2 beside it is not measured yet"), timeout=5000)
    assert button_of(dock, "measure").text() == "Measure"


def test_the_newest_fit_of_the_other_kind_is_shown_beside(
    dock: DecodabilityDock, session: Session, fewer_atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    other = replace(fewer_atlas, run="2")
    monkeypatch.setattr("napari_atlas.workflow.load_atlas", lambda folder, run: asked.append(run) or other)
    write_run(other.folder, "1", "")
    write_run(other.folder, "4", "speed")
    await_figures(dock, qtbot)
    assert button_of(dock, "compare").text() == "Compare with a fit without scrubbing"
    button_of(dock, "compare").click()
    qtbot.waitUntil(lambda: session.beside is other, timeout=5000)
    assert asked == ["2"]


def test_without_another_fit_it_says_how_to_get_one(
    dock: DecodabilityDock, session: Session, qtbot: QtBot, atlas: Atlas
) -> None:
    write_run(atlas.folder, "2", "individual")
    await_figures(dock, qtbot)
    button_of(dock, "compare").click()
    qtbot.waitUntil(lambda: "untick all variables" in text_of(dock, "said"), timeout=5000)
    assert session.beside is None


def test_measuring_runs_the_verb_and_shows_what_it_found(
    dock: DecodabilityDock, desk: Desk, atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(atlas.folder, "3", "individual").joinpath("score.json").unlink()
    dock.refresh()
    qtbot.waitUntil(lambda: text_of(dock, "said").startswith("Not measured yet"), timeout=5000)
    started: list[Any] = []
    monkeypatch.setattr(desk.runner, "run", lambda *given, **deeds: started.append((given, deeds)))
    button_of(dock, "measure").click()
    (given, deeds), *_ = started
    assert given == ("score", str(atlas.folder), "--run", "3")
    desk.session.report(JobState("score", "fold 2 of 5", 2, 5))
    assert not button_of(dock, "measure").isEnabled()
    assert text_of(dock, "said") == "Measuring: fold 2 of 5"
    dock.refresh()
    qtbot.wait(50)
    assert text_of(dock, "said") == "Measuring: fold 2 of 5"
    desk.session.report(JobState())
    deeds["otherwise"]("windows: there are too few; add recordings")
    qtbot.waitUntil(lambda: text_of(dock, "said").startswith("windows: there are too few"), timeout=5000)
    write_run(atlas.folder, "3", "individual", scores("3", 0.28, True))
    button_of(dock, "measure").click()
    deeds["then"]()
    await_figures(dock, qtbot)
    assert text_of(dock, "said") == ""
    assert button_of(dock, "measure").text() == "Measure again"


def test_it_says_why_it_is_empty(qtbot: QtBot, atlas: Atlas) -> None:
    desk = Desk(Session())
    dock = DecodabilityDock(desk)
    qtbot.addWidget(dock)
    dock.show()
    qtbot.waitUntil(lambda: text_of(dock, "said") == "No project is open.", timeout=5000)
    assert not button_of(dock, "measure").isEnabled()
    desk.session.show(replace(atlas, run=""))
    qtbot.waitUntil(lambda: text_of(dock, "said").startswith("No fit yet: press Train"), timeout=5000)
    write_run(atlas.folder, "3", "").joinpath("score.json").write_text('{"decoded": [3]}', encoding="utf-8")
    desk.session.show(atlas)
    qtbot.waitUntil(lambda: "it does not hold what was measured" in text_of(dock, "said"), timeout=5000)
    assert button_of(dock, "measure").isEnabled()


def test_it_rests_while_it_cannot_be_seen(
    dock: DecodabilityDock, session: Session, atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await_figures(dock, qtbot)
    dock.hide()
    asked: list[object] = []
    monkeypatch.setattr("napari_atlas.views.decodability.read_figures", lambda *given: asked.append(given))
    session.show(replace(atlas))
    qtbot.wait(50)
    assert asked == []
    monkeypatch.undo()
    for _ in range(5):
        dock.show()
        dock.hide()
    dock.close()
    assert len(session.beside_changed) == 0
    dock.show()
    await_figures(dock, qtbot)
    assert cells(dock)[1][1] == "28 %"


def test_a_fit_that_scrubs_is_measured_once_it_is_mapped(
    desk: Desk, atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(desk.runner, "run", lambda *given, **deeds: started.append(given))
    for name in ("2", "3"):
        measure_if_scrubbed(desk, name)
    qtbot.wait(100)
    assert started == []
    write_run(atlas.folder, "4", "speed")
    measure_if_scrubbed(desk, "")
    qtbot.waitUntil(lambda: started == [("score", str(atlas.folder), "--run", "4")], timeout=5000)


def test_figures_that_are_not_defined_are_left_open() -> None:
    row = Decoded("rig", "class", "qda", "latent", NAN, NAN, NAN, NAN, 0, True)
    heading, only = rows_of(Scores("1", (row,)))
    assert heading.told == "taken out, cannot be measured"
    assert only.number == "–"
