"""What the synthesis dock looks like: controls and stage, or a sentence why there is nothing to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from napari_atlas.views._canvas import palette_of
from napari_atlas.views._synthesis_bar import SynthesisBar
from napari_atlas.views._synthesis_controls import LatentBox, VariablesBox
from napari_atlas.views._synthesis_stage import Stage

if TYPE_CHECKING:
    from napari_atlas.views._synthesis_facts import Facts

__all__ = ["SynthesisPage"]


class SynthesisPage(QWidget):  # type: ignore[misc]
    """Bar above, then what the decoder is told, the latent, and the stage.

    Signals
    -------
    changed
        Something else is to be generated.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar, self.told, self.latent = SynthesisBar(self), VariablesBox(self), LatentBox(self)
        self.stage = Stage(self)
        self._said = QLabel(self)
        self.again = QPushButton("Try again", self)
        self._lay_out()
        for signal in (self.bar.species_changed, self.told.changed, self.latent.changed):
            signal.connect(self.changed)
        self.bar.play.clicked.connect(self.stage.toggle)
        self.bar.reset.clicked.connect(self.forget)
        self.stage.playing_changed.connect(self.bar.say_playing)

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self.stage.set_theme(theme)
        self._said.setStyleSheet(f"color: {palette_of(theme).muted};")

    def offer(self, facts: Facts) -> None:
        """Offer what a run can be asked for."""
        self.bar.offer(tuple(facts.species))
        self.latent.offer(facts)

    def forget(self) -> None:
        """Take back all that was set by hand."""
        self.bar.forget()
        self.told.forget()
        self.latent.forget()
        self.changed.emit()

    def say(self, text: str, again: bool = False) -> None:
        """Show a sentence in place of everything; with an empty one show everything."""
        self._said.setText(text)
        self.again.setVisible(again)
        self._pages.setCurrentIndex(1 if text else 0)

    def said(self) -> str:
        """Return the sentence on show; empty if there is none."""
        return str(self._said.text())

    def _lay_out(self) -> None:
        self._pages = QStackedWidget(self)
        parts, sentence = QWidget(), QWidget()
        column = QVBoxLayout(parts)
        row = QHBoxLayout()
        row.addWidget(self.told, 2)
        row.addWidget(self.latent, 2)
        row.addWidget(self.stage, 5)
        column.addWidget(self.bar)
        column.addLayout(row, 1)
        self._said.setObjectName("atlas-synthesis-said")
        self._said.setWordWrap(True)
        self._said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.again.setObjectName("atlas-synthesis-again")
        self.again.setToolTip("Start the model once more")
        self.again.setAccessibleName("Try again")
        middle = QVBoxLayout(sentence)
        middle.addStretch(1)
        middle.addWidget(self._said)
        middle.addWidget(self.again, 0, Qt.AlignmentFlag.AlignCenter)
        middle.addStretch(1)
        for page, layout in ((parts, column), (sentence, middle)):
            layout.setContentsMargins(8, 6, 8, 6)
            layout.setSpacing(6)
            self._pages.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)
