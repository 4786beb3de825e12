"""Every dock can be used by keyboard and read by a screen reader."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QToolButton,
    QWidget,
)

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.session.session import Session
from napari_atlas.views._playing import Player
from napari_atlas.views.clips import ClipsDock
from napari_atlas.views.compare import CompareDock
from napari_atlas.views.decodability import DecodabilityDock
from napari_atlas.views.desk import Desk
from napari_atlas.views.difference import DifferenceDock
from napari_atlas.views.groups import GroupsDock
from napari_atlas.views.importing import ImportDock
from napari_atlas.views.latent_map import LatentMap
from napari_atlas.views.player import PlayerBar
from napari_atlas.views.project import ProjectDock
from napari_atlas.views.runs import RunsDock
from napari_atlas.views.synthesis import SynthesisDock
from napari_atlas.views.timeline import Timeline
from napari_atlas.views.training import TrainingDock
from napari_atlas.views.workspace import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui

_KINDS = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QAbstractItemView)
# Their parts are told and reached through them.
_WHOLES = (QComboBox, QAbstractSpinBox, QLineEdit, QAbstractItemView)


def _player(desk: Desk) -> PlayerBar:
    lens: Any = SimpleNamespace(set_follow=lambda on: None)
    return PlayerBar(desk.session, Player(desk.session), lens)


DOCKS: dict[str, Callable[[Desk], QWidget]] = {
    "player": _player,
    "project": ProjectDock,
    "training": TrainingDock,
    "map": LatentMap,
    "groups": GroupsDock,
    "difference": DifferenceDock,
    "scrubbing": DecodabilityDock,
    "timeline": lambda desk: Timeline(desk.session),
    "compare": CompareDock,
    "clips": ClipsDock,
    "synthesis": lambda desk: SynthesisDock(desk, Player(desk.session)),
    "runs": RunsDock,
    "import": ImportDock,
}


@pytest.fixture
def desk(atlas: Atlas) -> Desk:
    """Return a desk with a project that has clusters and marks."""
    session = Session()
    session.show(atlas)
    table = atlas.windows.table
    codes = np.arange(len(table)) % 3
    session.group((Clustering("thirds", "", codes, ("a", "b", "c")),))
    marks = (Mark(kind, f"a {kind}", Spans.of_windows(table, np.arange(4))) for kind in ("tag", "note", "selection"))
    annotations = Annotations()
    for mark in marks:
        annotations = annotations.with_mark(mark)
    session.annotate(annotations)
    return Desk(session)


def test_every_dock_is_looked_at() -> None:
    assert DOCKS.keys() == PARTS.keys()


@pytest.mark.parametrize("part", DOCKS)
def test_controls_are_named_and_can_be_reached_with_tab(desk: Desk, qtbot: QtBot, part: str) -> None:
    dock = DOCKS[part](desk)
    qtbot.addWidget(dock)
    dock.show()
    controls = controls_of(dock)
    assert controls
    assert {described(control): wrong for control in controls if (wrong := faults_of(control))} == {}
    assert dock.objectName() == "atlas-latent-map" if part == "map" else dock.objectName().startswith("atlas-")


def test_a_nameless_button_would_be_found(qtbot: QtBot) -> None:
    dock = QWidget()
    qtbot.addWidget(dock)
    button = QToolButton(dock)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    assert controls_of(dock) == [button]
    assert faults_of(button) == ["no accessible name", "no object name", "out of reach of Tab"]


def test_tab_goes_through_the_map_as_the_eye_does(desk: Desk, qtbot: QtBot) -> None:
    dock = LatentMap(desk)
    qtbot.addWidget(dock)
    dock.show()
    names = [widget.objectName() for widget in chain_of(dock) if isinstance(widget, _KINDS)]
    wanted = ("map-color", "map-show", "map-axes", "map-density", "legend-jellyfish", "legend-stickleback")
    after = ("map-compare", "map-selection", "map-lasso", "map-box", "map-fit", "map-undo", "map-redo")
    places = [names.index(f"atlas-{name}") for name in wanted + after]
    assert places == sorted(places)


def controls_of(dock: QWidget) -> list[QWidget]:
    """Return what a user presses, chooses from or types in; a part of a larger control stands for nothing itself."""
    found = [widget for kind in _KINDS for widget in dock.findChildren(kind)]
    return [w for w in found if not isinstance(w, QHeaderView) and not within_another(w, dock)]


def within_another(widget: QWidget, dock: QWidget) -> bool:
    """Return whether a widget is a part of a larger control."""
    parent = widget.parent()
    while parent is not None and parent is not dock:
        if isinstance(parent, _WHOLES):
            return True
        parent = parent.parent()
    return False


def faults_of(control: QWidget) -> list[str]:
    """Return what a control lacks."""
    said = control.accessibleName() or (control.text() if isinstance(control, QAbstractButton) else "")
    lacks = {
        "no accessible name": not said,
        "no object name": not control.objectName(),
        "out of reach of Tab": not control.focusPolicy() & Qt.FocusPolicy.TabFocus,
    }
    return [fault for fault, true in lacks.items() if true]


def described(control: QWidget) -> str:
    """Return which control it is, for whoever reads the failure."""
    return f"{type(control).__name__} {control.objectName()!r} in {type(control.parent()).__name__}"


def chain_of(dock: QWidget) -> list[QWidget]:
    """Return all widgets in the order in which Tab comes to them."""
    chain, widget = [], dock.nextInFocusChain()
    while widget is not dock:
        chain.append(widget)
        widget = widget.nextInFocusChain()
    return chain
