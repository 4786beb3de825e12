"""The legend of the latent map: counted classes that can be clicked, or a scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QIcon, QPainter, QPainterPath, QPixmap, QPolygonF
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel, QFlowLayout

from napari_atlas.session.selection import Combine
from napari_atlas.views._canvas import combine_of
from napari_atlas.views._range_bar import RangeBar

if TYPE_CHECKING:
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring, Entry

__all__ = ["Legend", "marker_icon"]

_MOST, _ALL = 12, 400
_ROWS_PX = 136
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
        self.setObjectName(f"atlas-legend-{entry.label}")
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
    """Classes or a scale, whichever the colouring is, and what to know about the column."""

    picked = Signal(str, object)
    limits_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[LegendEntry, ...] = ()
        self._shown: tuple[Entry, ...] = ()
        self._column = ""
        self._counts: tuple[tuple[int, ...], bool] = ((), False)
        self._box = QWidget()
        flow = QFlowLayout(self._box)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setHorizontalSpacing(4)
        flow.setVerticalSpacing(0)
        self._classes = _Scrolled(self._box, self)
        self.more = _more_button(self)
        self.more.toggled.connect(self._fill)
        self.scale = RangeBar(self)
        self.scale.moved.connect(self.limits_chosen)
        self._note = QElidingLabel("", self)
        self._note.setObjectName("atlas-map-note")
        self._note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._classes)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.scale)
        column.addWidget(self._note)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self.setStyleSheet(
            f"QToolButton {{ background: transparent; border: none; border-radius: 3px; padding: 2px 5px;"
            f" color: {palette.text}; }} QToolButton:hover, QToolButton:focus {{ background: {palette.line}; }}"
            " QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }"
        )
        self._note.setStyleSheet(f"color: {palette.muted};")
        self.scale.paint(palette)

    def show_coloring(self, coloring: Coloring | None) -> None:
        """Show the legend of a colouring, or none."""
        scaled = coloring is not None and coloring.continuous
        entries = coloring.entries if coloring is not None else ()
        column = coloring.column if coloring is not None else ""
        if column != self._column:
            self.more.setChecked(False)
        if (entries, column) != (self._shown, self._column):
            self._shown, self._column = entries, column
            self._fill()
        self._classes.setVisible(bool(entries))
        self.scale.setVisible(scaled)
        if coloring is not None and scaled:
            self.scale.show_scale(coloring)
        note = coloring.note if coloring is not None else ""
        self._note.setText(note)
        self._note.setToolTip(note)
        self._note.setVisible(bool(note))

    def show_counts(self, counts: tuple[int, ...], any_selected: bool) -> None:
        """Show how many windows of each class are selected."""
        self._counts = (counts, any_selected)
        for entry, selected in zip(self._entries, counts, strict=False):
            entry.count(selected, any_selected)

    def _fill(self, _: object = None) -> None:
        """Make an entry for each class; of many the first few, until all are asked for."""
        flow = self._box.layout()
        while (item := flow.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()
        n = len(self._shown)
        shown = self._shown[: _ALL if self.more.isChecked() else _MOST]
        self._entries = tuple(LegendEntry(entry, self._box) for entry in shown)
        before = _reached_before(self.more)
        for entry in self._entries:
            entry.picked.connect(self.picked)
            flow.addWidget(entry)
            # Not left to the next turn of the event loop: the height is taken now.
            entry.show()
            QWidget.setTabOrder(before, entry)
            before = entry
        self.more.setVisible(n > _MOST)
        self.more.setText(
            "Show fewer" if self.more.isChecked() else f"Show all {n}" if n <= _ALL else f"Show {_ALL} of {n}"
        )
        self.show_counts(*self._counts)
        self._classes.settle()


class _Scrolled(QScrollArea):  # type: ignore[misc]
    """As high as its content needs, up to a few rows; beyond that it scrolls."""

    def __init__(self, content: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(content)

    def settle(self) -> None:
        """Take the height that goes with the width."""
        needed = self.widget().layout().heightForWidth(self.viewport().width())
        # A theme may give it a frame.
        self.setFixedHeight(min(needed, _ROWS_PX) + 2 * self.frameWidth())

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Take another height with another width."""
        super().resizeEvent(event)
        self.settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take another height with other content."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.settle()
        return bool(super().eventFilter(watched, event))


def _reached_before(widget: QWidget) -> QWidget:
    """Return what Tab comes to before a widget."""
    before = widget.previousInFocusChain()
    while before is not widget and before.focusPolicy() == Qt.FocusPolicy.NoFocus:
        before = before.previousInFocusChain()
    return before


def _more_button(parent: QWidget) -> QToolButton:
    more = QToolButton(parent)
    more.setObjectName("atlas-map-more-classes")
    more.setCheckable(True)
    more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    more.setToolTip("Show all classes, or only the first of them")
    more.setVisible(False)
    return more


def _marker_path(marker: str, box: QRectF) -> QPainterPath:
    path = QPainterPath()
    corners = _POLYGONS.get(marker)
    if corners is None:
        path.addEllipse(box)
        return path
    path.addPolygon(QPolygonF([QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in corners]))
    path.closeSubpath()
    return path
