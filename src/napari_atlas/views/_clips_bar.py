"""What is above the wall of clips: which windows, how many, how chosen, and what to do with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QMenu, QPushButton, QSpinBox, QWidget
from superqt import QFlowLayout

from napari_atlas.analysis.exemplars import ExemplarWishes
from napari_atlas.views._buttons import MENU
from napari_atlas.views._clips_model import SELECTED, Group
from napari_atlas.views._preferences import preference

__all__ = ["ClipsBar"]

_CHOICES = (("typical ones", "medoids"), ("at random", "random"))
_EXPORTS = (
    ("Films, one for each clip (mp4)…", "mp4", False),
    ("One film with all clips (mp4)…", "mp4", True),
    ("Animated pictures (gif)…", "gif", False),
    ("Stills (png)…", "png", False),
)
_MOST = 25
_SAVE = "Save these clips as films or pictures, with a list of the frames that they show"


class ClipsBar(QWidget):  # type: ignore[misc]
    """Ask which clips are wanted.

    Signals
    -------
    changed
        Other clips are wanted.
    play
        To play, or to pause.
    export
        The clips on show as files: ``"mp4"``, ``"gif"`` or ``"png"``, and whether all go into one.
    """

    changed = Signal()
    play = Signal()
    export = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seed = 0
        self._of, self._choose = QComboBox(self), QComboBox(self)
        self._n = QSpinBox(self)
        self._held_out = QCheckBox("held-out only", self)
        self._again = QPushButton("Other clips", self)
        self._play = QPushButton("Pause", self)
        self._export = QPushButton("Export" + MENU, self)
        named = (
            (self._of, "of", "Whose clips are shown: the windows selected on the map, or those of a cluster"),
            (self._n, "n", "How many clips are shown"),
            (self._choose, "choose", "Typical clips are spread over the group, or take any at random"),
            (self._again, "again", "Draw other clips at random"),
            (
                self._held_out,
                "held-out",
                "Only windows that the model was not trained on: those always look well sorted",
            ),
            (self._play, "play", "Play or pause all clips (Space)"),
            (self._export, "export", _SAVE),
        )
        row = QFlowLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget, name, meaning in named:
            widget.setObjectName(f"atlas-clips-{name}")
            widget.setToolTip(meaning)
            widget.setAccessibleName(meaning)
            row.addWidget(widget)
        self._fill()
        self._connect()

    @property
    def key(self) -> str:
        """The group whose clips are wanted."""
        return str(self._of.currentData() or SELECTED)

    @property
    def wishes(self) -> ExemplarWishes:
        """Which of its windows."""
        among = "test" if self._held_out.isChecked() else ""
        return ExemplarWishes(self._n.value(), str(self._choose.currentData()), self._seed, among)

    def offer(self, groups: Sequence[Group]) -> None:
        """Offer groups; the one that was chosen stays if it is still there."""
        told = [(group.text, group.key) for group in groups]
        if told == [(self._of.itemText(i), self._of.itemData(i)) for i in range(self._of.count())]:
            return
        key = self.key
        self._of.clear()
        for text, other in told:
            self._of.addItem(text, other)
        self._of.setCurrentIndex(max(0, self._of.findData(key)))

    def allow(self, something: bool, idle: bool) -> None:
        """Let the buttons be pressed that make sense."""
        self._play.setEnabled(something)
        self._export.setEnabled(something and idle)
        self._export.setToolTip(_SAVE if idle else "Wait for the job under way, or stop it")
        self._again.setVisible(self._choose.currentData() == "random")

    def say_playing(self, playing: bool) -> None:
        """Call the button by what it does next."""
        self._play.setText("Pause" if playing else "Play")

    def _fill(self) -> None:
        self._of.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._n.setRange(1, _MOST)
        self._n.setValue(preference("n_clips"))
        self._n.setSuffix(" clips")
        for text, choice in _CHOICES:
            self._choose.addItem(text, choice)
        self._held_out.setChecked(True)
        self._again.hide()
        menu = QMenu(self._export)
        for text, form, grid in _EXPORTS:
            menu.addAction(text, partial(self.export.emit, form, grid))
        self._export.setMenu(menu)
        self._export.setStyleSheet("QPushButton::menu-indicator { image: none; width: 0px; }")

    def _connect(self) -> None:
        self._of.activated.connect(self._on_change)
        self._n.valueChanged.connect(self._on_change)
        self._choose.activated.connect(self._on_change)
        self._held_out.toggled.connect(self._on_change)
        self._again.clicked.connect(self._draw_others)
        self._play.clicked.connect(self.play)

    def _on_change(self, _value: object = None) -> None:
        self._again.setVisible(self._choose.currentData() == "random")
        self.changed.emit()

    def _draw_others(self) -> None:
        self._seed += 1
        self.changed.emit()
