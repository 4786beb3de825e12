"""Choose what the axes of the map are, and how it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QToolButton, QWidget
from superqt import QFlowLayout

from napari_atlas.session.map_state import AXES

if TYPE_CHECKING:
    from napari_atlas.data.atlas import Atlas
    from napari_atlas.session.map_state import MapState

__all__ = ["AxesBar"]

_WORDS = dict(zip(AXES, ("map of the run", "principal components", "latent dimensions"), strict=True))
_SHORT = dict(zip(AXES, ("", "PC", "latent"), strict=True))
_PLACES = ("across", "up", "in depth")


class AxesBar(QWidget):  # type: ignore[misc]
    """Axes, dimensions, 3-D and density."""

    arranged = Signal(dict)
    """Changes of `MapState` that the user wishes, by field."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._axes = QComboBox(self)
        self._axes.setObjectName("atlas-map-axes")
        self._axes.setAccessibleName("axes of the map")
        self._axes.setToolTip("What the axes are: the run's map, principal components or the latent as it is")
        self._axes.addItems(list(_WORDS.values()))
        self._dims = tuple(_dims_combo(self, place) for place in _PLACES)
        self._solid = _toggle(self, "3-D", "Draw the points in space; drag to turn them")
        self.density = _toggle(self, "Density  D", "Show how many windows lie where, in place of the points")
        flow = QFlowLayout(self)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setHorizontalSpacing(6)
        flow.setVerticalSpacing(4)
        for widget in (self._axes, *self._dims, self._solid, self.density):
            flow.addWidget(widget)
        self._n = dict.fromkeys(AXES, 0)
        self._state_axes = AXES[0]
        self._axes.activated.connect(self._on_axes)
        for combo in self._dims:
            combo.activated.connect(self._on_dims)
        self._solid.clicked.connect(self._on_solid)
        self.density.clicked.connect(self._on_density)

    def paint(self, style: str) -> None:
        """Use a style sheet for the buttons."""
        for button in (self._solid, self.density):
            button.setStyleSheet(style)

    def show_state(self, state: MapState, atlas: Atlas | None) -> None:
        """Show how the map is laid out, and offer what the run has."""
        mapped = atlas is not None and atlas.has_map
        n_latent = atlas.latents.shape[1] if atlas is not None and mapped else 0
        self._n = {"map": atlas.coordinates.shape[1] if atlas is not None else 0, "pca": n_latent, "latent": n_latent}
        self._state_axes = state.axes
        self._axes.setCurrentText(_WORDS[state.axes])
        for i, axes in enumerate(AXES):
            self._axes.model().item(i).setEnabled(self._n[axes] >= 2)
        for place, combo in enumerate(self._dims):
            self._fill(combo, state)
            combo.setVisible(state.axes != "map" and place < len(state.dims))
            if place < len(state.dims):
                combo.setCurrentIndex(state.dims[place])
        self._solid.setChecked(state.solid and self._n[state.axes] > 2)
        self._solid.setEnabled(self._n[state.axes] > 2)
        self._solid.setToolTip(
            "Draw the points in space; drag to turn them"
            if self._n[state.axes] > 2
            else "These axes have two dimensions only; choose others for 3-D"
        )
        self.density.setChecked(state.density)
        for widget in (self._axes, self.density):
            widget.setEnabled(mapped)

    def _fill(self, combo: QComboBox, state: MapState) -> None:
        texts = [f"{_SHORT[state.axes]} {i + 1}" for i in range(self._n[state.axes])]
        if texts != [combo.itemText(i) for i in range(combo.count())]:
            combo.clear()
            combo.addItems(texts)

    def _on_axes(self, index: int) -> None:
        axes = AXES[index]
        n = 3 if self._solid.isChecked() and self._n[axes] > 2 else 2
        self.arranged.emit({"axes": axes, "dims": tuple(range(n))})

    def _on_dims(self, _: int) -> None:
        shown = [combo for combo in self._dims if combo.isVisibleTo(self)]
        self.arranged.emit({"dims": tuple(combo.currentIndex() for combo in shown)})

    def _on_solid(self, solid: bool) -> None:
        dims = tuple(combo.currentIndex() for combo in self._dims[:2]) if self._state_axes != "map" else (0, 1)
        third = next(i for i in range(3) if i not in dims)
        self.arranged.emit({"dims": (*dims, third) if solid else dims})

    def _on_density(self, density: bool) -> None:
        self.arranged.emit({"density": density})


def _dims_combo(parent: QWidget, place: str) -> QComboBox:
    combo = QComboBox(parent)
    combo.setObjectName(f"atlas-map-dim-{_PLACES.index(place) + 1}")
    combo.setAccessibleName(f"dimension {place}")
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    combo.setToolTip(f"Which dimension runs {place}")
    combo.setVisible(False)
    return combo


def _toggle(parent: QWidget, text: str, tip: str) -> QToolButton:
    button = QToolButton(parent)
    button.setObjectName(f"atlas-map-{text.split(maxsplit=1)[0].lower()}")
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
