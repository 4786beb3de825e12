"""The legend of the latent map: counted classes that can be clicked, or a scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QIcon, QPainter, QPainterPath, QPixmap, QPolygonF
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget
from superqt import QFlowLayout

from napari_atlas.session.selection import Combine
from napari_atlas.views._canvas import combine_of

if TYPE_CHECKING:
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring, Entry

__all__ = ["Legend", "marker_icon"]

_MOST = 12
_ICON = 14
_POLYGONS = {
    "triangle_up": ((0.5, 0.08), (0.95, 0.9), (0.05, 0.9)),
    "triangle_down": ((0.05, 0.1), (0.95, 0.1), (0.5, 0.92)),
    "diamond": ((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)),
    "square": ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)),
    "hbar": ((0.0, 0.36), (1.0, 0.36), (1.0, 0.64), (0.0, 0.64)),
    "star": (
        (0.5, 0.0),
        (0.62, 0.36),
        (1.0, 0.37),
        (0.69, 0.6),
        (0.81, 0.97),
        (0.5, 0.75),
        (0.19, 0.97),
        (0.31, 0.6),
        (0.0, 0.37),
        (0.38, 0.36),
    ),
    "cross": (
        (0.36, 0.0),
        (0.64, 0.0),
        (0.64, 0.36),
        (1.0, 0.36),
        (1.0, 0.64),
        (0.64, 0.64),
        (0.64, 1.0),
        (0.36, 1.0),
        (0.36, 0.64),
        (0.0, 0.64),
        (0.0, 0.36),
        (0.36, 0.36),
    ),
}


def marker_icon(marker: str, color: str, ratio: float = 2.0) -> QIcon:
    """Return a species marker as an icon; a name that is not known is drawn as a disc."""
    pixmap = QPixmap(round(_ICON * ratio), round(_ICON * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(_marker_path(marker, QRectF(2, 2, _ICON - 4, _ICON - 4)), QBrush(QColor(color)))
    painter.end()
    return QIcon(pixmap)


class LegendEntry(QToolButton):  # type: ignore[misc]
    """One class: its marker, its name, and how many of its windows are selected.

    Parameters
    ----------
    entry
        The class.
    parent
        Qt parent.
    """

    picked = Signal(str, object)

    def __init__(self, entry: Entry, parent: QWidget) -> None:
        super().__init__(parent)
        self._entry = entry
        self._combine = Combine.REPLACE
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIcon(marker_icon(entry.marker, entry.color))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(f"Select {entry.label}; Shift adds, Alt subtracts")
        self.clicked.connect(self._tell)
        self.count(0, False)

    def count(self, selected: int, any_selected: bool) -> None:
        """Show how many windows are selected, of how many; only the total while nothing is selected at all."""
        share = f"{selected} / {self._entry.count}" if any_selected else f"{self._entry.count}"
        self.setText(f"{self._entry.label}  {share}")

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        """Remember which keys are held down."""
        self._combine = combine_of(event.modifiers())
        super().mousePressEvent(event)

    def _tell(self) -> None:
        self.picked.emit(self._entry.label, self._combine)
        self._combine = Combine.REPLACE


class Legend(QWidget):  # type: ignore[misc]
    """Classes or a scale, whichever the colouring is."""

    picked = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QFlowLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(4)
        layout.setVerticalSpacing(0)
        self._entries: tuple[LegendEntry, ...] = ()
        # A flow layout grows taller as it grows narrower; the canvas, not the legend, takes the space left over.
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_coloring(self, coloring: Coloring | None, palette: Palette) -> None:
        """Show the legend of a colouring, or none."""
        self._clear()
        if coloring is None:
            return
        if coloring.continuous:
            self.layout().addWidget(_scale(self, coloring, palette))
            return
        self._entries = tuple(LegendEntry(entry, self) for entry in coloring.entries[:_MOST])
        for entry in self._entries:
            entry.picked.connect(self.picked)
            self.layout().addWidget(entry)
        if len(coloring.entries) > _MOST:
            self.layout().addWidget(_muted(self, f"and {len(coloring.entries) - _MOST} more", palette))

    def show_counts(self, counts: tuple[int, ...], any_selected: bool) -> None:
        """Show how many windows of each class are selected."""
        for entry, selected in zip(self._entries, counts, strict=False):
            entry.count(selected, any_selected)

    def _clear(self) -> None:
        self._entries = ()
        while (item := self.layout().takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()


def _scale(parent: QWidget, coloring: Coloring, palette: Palette) -> QWidget:
    """Return low, a bar of colours, high and unit, side by side."""
    box = QWidget(parent)
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 2, 0, 2)
    row.setSpacing(6)
    bar = QFrame(box)
    bar.setFixedSize(140, 8)
    places = [i / (len(coloring.stops) - 1) for i in range(len(coloring.stops))]
    stops = ", ".join(f"stop:{place:.3f} {color}" for place, color in zip(places, coloring.stops, strict=True))
    bar.setStyleSheet(f"background: qlineargradient(x1:0, y1:0, x2:1, y2:0, {stops}); border-radius: 4px;")
    digits = 1 if coloring.unit == "°C" else 0
    # Adding 0 turns a rounded "-0" into "0".
    low, high = (f"{round(value, digits) + 0.0:.{digits}f}" for value in (coloring.low, coloring.high))
    row.addWidget(_muted(box, low, palette))
    row.addWidget(bar)
    row.addWidget(_muted(box, f"{high} {coloring.unit}", palette))
    if coloring.column == "activity":
        box.setToolTip("Mean signal of the window, ranked within its species because the units differ")
    return box


def _muted(parent: QWidget, text: str, palette: Palette) -> QLabel:
    label = QLabel(text, parent)
    label.setStyleSheet(f"color: {palette.muted};")
    return label


def _marker_path(marker: str, box: QRectF) -> QPainterPath:
    path = QPainterPath()
    corners = _POLYGONS.get(marker)
    if corners is None:
        path.addEllipse(box)
        return path
    path.addPolygon(QPolygonF([QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in corners]))
    path.closeSubpath()
    return path
