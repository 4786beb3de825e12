"""Choose a column of the windows, in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QStandardItem
from qtpy.QtWidgets import QComboBox, QWidget

from napari_atlas.data.window_columns import CLUSTERS, KEPT, OWN_RANGE

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ColumnChoice", "grouped"]

_GROUPS = {
    "Animals": ("species", "recording", "individual"),
    "Temperature": ("temperature", OWN_RANGE, "predicted temperature"),
    "Behaviour": ("activity",),
    "Own columns": (),
    "Clusters and tags": ("tag",),
    "How far to trust it": ("split", KEPT),
    "Latent": (),
}
_NAMED = {name: group for group, names in _GROUPS.items() for name in names}


def grouped(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of columns by the heading that they belong under, in the order of a menu; no empty groups."""
    found: dict[str, list[str]] = {group: [] for group in _GROUPS}
    for name in names:
        found[_group_of(name)].append(name)
    return {group: tuple(members) for group, members in found.items() if members}


class ColumnChoice(QComboBox):  # type: ignore[misc]
    """A combo box of columns under headings.

    Parameters
    ----------
    meaning
        What the column is for, told to screen readers, such as "colour by".
    parent
        Qt parent.
    """

    chosen = Signal(str)
    """What the user chose; what a program chose is merely shown."""

    def __init__(self, meaning: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(meaning)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(14)
        self.setMaxVisibleItems(24)
        self._names: tuple[str, ...] = ()
        self.textActivated.connect(self.chosen)

    def offer(self, names: tuple[str, ...]) -> None:
        """Offer these columns; the one on show stays if it is among them."""
        if names == self._names:
            return
        self._names, shown = names, self.currentText()
        self.clear()
        for group, members in grouped(names).items():
            heading = QStandardItem(group)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            self.model().appendRow(heading)
            self.addItems(list(members))
        self.show_column(shown)

    def show_column(self, name: str) -> None:
        """Show which column is in use; a name that is not offered changes nothing."""
        if name in self._names:
            self.setCurrentText(name)
            self.setToolTip(f"What the colours tell: {name}")


def _group_of(name: str) -> str:
    if name in _NAMED:
        return _NAMED[name]
    if name.startswith(CLUSTERS):
        return "Clusters and tags"
    return "Latent" if name.startswith("latent ") else "Own columns"
