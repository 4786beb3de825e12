"""The part of the training form that says what is taken out of the latent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_atlas import workflow
from napari_atlas.data.atlas import Atlas
from napari_atlas.data.scrub_text import WAYS, Scrub, names_in, read_scrubs, scrub_text
from napari_atlas.data.variables import Candidate
from napari_atlas.views._wheel import WheelPasses
from napari_atlas.views._worker import Latest

__all__ = ["CandidateFinder", "ScrubForm"]

_INDENT_PX, _STRENGTH_PX = 18, 94
_TITLE = "Take out of the latent"
_HOW = (
    "The latent is not to tell these any more. The decoder is told them instead, so that the latent need not carry"
    " them, and a scrubber removes what is left."
)
_WHAT = {
    "individual": "who it is",
    "recording": "which recording it is from",
    "species": "of which species it is",
    "heading": "which way it faces",
    "speed": "how fast it goes",
    "speed-parts": "how fast each part of the body moves",
    "temperature": "how warm it is",
    "activity": "how much it moves",
}
_TWO_MINDS = "The temperature head asks the latent for the temperature: set its weight to 0 to take it out."
_STRENGTH = "How strongly it is taken out; 1 is a good start, more may cost other detail"
_NOBODY = "Open a project first."
_READING = "Looking at the recordings …"
_NONE_THERE = "There are no windows yet: add recordings first."


class ScrubForm(QWidget):  # type: ignore[misc]
    """A row for each variable; folded away at first, with what is chosen in its heading."""

    folded = Signal(bool)
    """It was opened or closed, and needs another height."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-scrub")
        self._asked, self._condition = "", ""
        self._temperature_weight = 0.0
        self._rows: dict[str, _Row] = {}
        self._why_none = _NOBODY
        self._fold = QToolButton()
        self._fold.setObjectName("atlas-scrub-fold")
        self._fold.setCheckable(True)
        self._fold.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fold.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._fold.toggled.connect(self._on_fold)
        self._body = QWidget()
        self._grid = QGridLayout(self._body)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnMinimumWidth(0, _INDENT_PX)
        self._grid.setColumnStretch(1, 1)
        self._said = QLabel(_NOBODY)
        self._said.setObjectName("atlas-scrub-said")
        self._said.setWordWrap(True)
        self._said.setMinimumWidth(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self._fold, self._said, self._body):
            layout.addWidget(widget)
        self._on_fold(False)

    def value(self) -> dict[str, str]:
        """Return the settings ``scrub`` and ``condition``; before the variables are known, as they were given."""
        if not self._rows:
            return {"scrub": self._asked, "condition": self._condition}
        wanted = [row.value() for row in self._rows.values() if row.wanted]
        told = [scrub.name for scrub in wanted if scrub.scrubber == "none"]
        return {
            "scrub": scrub_text(scrub for scrub in wanted if scrub.scrubber != "none"),
            "condition": ",".join(told),
        }

    def set_value(self, scrub: str, condition: str) -> None:
        """Show what settings ask for."""
        self._asked, self._condition = scrub, condition
        asked = {name: Scrub(name, "none") for name in names_in(condition)}
        asked |= {each.name: each for each in read_scrubs(scrub)}
        for name, row in self._rows.items():
            row.set_value(asked.get(name))
        self._tell()

    def offer(self, candidates: Sequence[Candidate], why_none: str = "") -> None:
        """Offer these variables; what is chosen stays chosen."""
        now = self.value()
        for row in self._rows.values():
            row.remove(self._grid)
        self._rows = {each.name: _Row(each, self._tell, self._body) for each in candidates}
        for i, row in enumerate(self._rows.values()):
            row.place(self._grid, i)
        self._why_none = why_none
        self.set_value(now["scrub"], now["condition"])
        self.folded.emit(self._fold.isChecked())

    def set_temperature_weight(self, weight: float) -> None:
        """Take note of the weight of the temperature head, which asks the latent for what may be taken out of it."""
        self._temperature_weight = weight
        self._tell()

    def _on_fold(self, opened: bool) -> None:
        self._fold.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self._body.setVisible(opened)
        self._tell()
        self.folded.emit(opened)

    def _tell(self) -> None:
        """Tell in the heading what is chosen, and below it what is in the way."""
        value = self.value()
        names = [scrub.name for scrub in read_scrubs(value["scrub"])]
        chosen = ", ".join(names) or "nothing"
        self._fold.setText(f"Take out: {chosen}" if names else f"{_TITLE}: nothing")
        self._fold.setAccessibleName(f"{_TITLE}: {chosen}")
        self._fold.setToolTip(f"{_TITLE}: {chosen}\n{_HOW}")
        conflict = _TWO_MINDS if "temperature" in names and self._temperature_weight > 0 else ""
        said = conflict or ("" if self._rows else self._why_none)
        self._said.setText(said)
        self._said.setVisible(self._fold.isChecked() and bool(said))


class _Row:
    """One variable: whether, how, and how strongly; how and how strongly appear once it is wanted."""

    def __init__(self, candidate: Candidate, changed: Callable[[], None], parent: QWidget) -> None:
        self._candidate = candidate
        name = candidate.name
        self._check = QCheckBox(name, parent)
        self._check.setObjectName(f"atlas-scrub-{name}")
        what = _WHAT.get(name, f"the {name}")
        meaning = f"The decoder is told {what}, so the latent need not carry it."
        self._check.setToolTip(meaning if not candidate.hindrance else f"{candidate.hindrance.capitalize()}.")
        self._check.setAccessibleName(f"Take {name} out of the latent")
        self._check.setAccessibleDescription(self._check.toolTip())
        self._check.setEnabled(not candidate.hindrance)
        self._way = _ways(candidate, parent)
        self._strength = _strength(name, parent)
        self._why = QLabel(candidate.hindrance, parent)
        self._why.setObjectName(f"atlas-scrub-{name}-why")
        self._why.setWordWrap(True)
        self._why.setEnabled(False)
        self._changed = changed
        self._check.toggled.connect(self._on_change)
        self._way.currentIndexChanged.connect(self._on_change)
        self._strength.valueChanged.connect(self._on_change)
        self._on_change()

    @property
    def wanted(self) -> bool:
        """Whether it is ticked."""
        return bool(self._check.isChecked())

    def value(self) -> Scrub:
        """Return what the row says."""
        return Scrub(self._candidate.name, self._way.currentData(), self._strength.value())

    def set_value(self, scrub: Scrub | None) -> None:
        """Show what a setting says of the variable; None if nothing."""
        if self._candidate.hindrance:
            return
        if scrub is not None:
            self._way.setCurrentIndex(max(0, self._way.findData(scrub.scrubber)))
            self._strength.setValue(scrub.strength)
        self._check.setChecked(scrub is not None)

    def place(self, grid: QGridLayout, i: int) -> None:
        """Take the *i*-th place in a grid: two of its rows, of which the second is empty at first."""
        grid.addWidget(self._check, 2 * i, 0, 1, 3)
        grid.addWidget(self._why, 2 * i + 1, 1, 1, 2)
        grid.addWidget(self._way, 2 * i + 1, 1)
        grid.addWidget(self._strength, 2 * i + 1, 2)

    def remove(self, grid: QGridLayout) -> None:
        """Leave the form."""
        for widget in (self._check, self._why, self._way, self._strength):
            grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()

    def _on_change(self, _: Any = None) -> None:
        self._why.setVisible(bool(self._candidate.hindrance))
        self._way.setVisible(self.wanted)
        self._strength.setVisible(self.wanted and self._way.currentData() != "none")
        self._way.setToolTip(self._way.currentData(Qt.ItemDataRole.ToolTipRole))
        self._changed()


def _ways(candidate: Candidate, parent: QWidget) -> QComboBox:
    """Return the scrubbers that fit a variable; each species has a decoder, so it need not be told the species."""
    ways = QComboBox(parent)
    ways.setObjectName(f"atlas-scrub-{candidate.name}-way")
    ways.setAccessibleName(f"How {candidate.name} is taken out")
    ways.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    ways.setMinimumContentsLength(6)
    for name, way in WAYS.items():
        if candidate.kind in way.kinds and (name, candidate.name) != ("none", "species"):
            ways.addItem(way.label, name)
            ways.setItemData(ways.count() - 1, way.meaning, Qt.ItemDataRole.ToolTipRole)
    return _calm(ways)


def _strength(name: str, parent: QWidget) -> QDoubleSpinBox:
    strength = QDoubleSpinBox(parent)
    strength.setObjectName(f"atlas-scrub-{name}-strength")
    strength.setAccessibleName(f"How strongly {name} is taken out")
    strength.setToolTip(_STRENGTH)
    strength.setRange(0.1, 10.0)
    strength.setDecimals(2)
    strength.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    strength.setPrefix("× ")
    strength.setMaximumWidth(_STRENGTH_PX)
    strength.setValue(1.0)
    return _calm(strength)


def _calm(editor: Any) -> Any:
    editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    editor.installEventFilter(WheelPasses(editor))
    return editor


class CandidateFinder:
    """Find out, in a worker thread, what could be taken out of the latent of the project on show.

    Parameters
    ----------
    form
        Which is to offer it.
    """

    def __init__(self, form: ScrubForm) -> None:
        self._form = form
        self._latest = Latest()
        self._known: tuple[object, ...] = ()

    def look(self, atlas: Atlas | None) -> None:
        """Offer the variables of a project's windows; nothing is read anew while they are the same."""
        table = atlas.windows.table if atlas else None
        if atlas is None or table is None or not len(table):
            self._known = ()
            self._latest.drop()
            self._form.offer((), _NONE_THERE if atlas else _NOBODY)
            return
        folder, labels = atlas.folder, tuple((c.name, c.classes) for c in table.covariates)
        known = (folder, table.keys, len(table), table.has_temperature, labels)
        if known == self._known:
            return
        self._known = known
        self._form.offer((), _READING)

        def show(found: Any) -> None:
            if self._known is known:
                self._form.offer(*((), str(found)) if isinstance(found, Exception) else (found,))

        self._latest.run(lambda: workflow.scrub_candidates(folder, table), show)
