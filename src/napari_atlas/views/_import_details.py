"""What is known of the line that is selected: how it was matched, and how good its tracks are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from napari_atlas.data.plans import LeftOver, PlannedRecording
from napari_atlas.views._canvas import Palette, palette_of

__all__ = ["Details", "grade", "grade_color", "in_window"]

_MOST_BARS = 7
_POOR = 0.5


def in_window(fault: str) -> str:
    """Return a fault of a line that names it anyway, with a cure for the window instead of the command line."""
    return re.sub(r"\bgive (\w+)( with --[\w-]+|$)", r"give \1 under Edit", re.sub(r"^recording [^:]+: ", "", fault))


def grade(quality: Mapping[str, Any]) -> str:
    """Return "good", "fair" or "poor" for a quality report; empty where nobody looked."""
    if not quality:
        return ""
    if quality.get("missing", 0.0) > _POOR or quality.get("outside", 0.0) > _POOR or quality.get("same_animals"):
        return "poor"
    return "fair" if quality.get("sentences") else "good"


def grade_color(name: str, palette: Palette) -> str:
    """Return the colour of a grade, as "#rrggbb"."""
    colors = {"good": "#2FB5A0", "fair": "#E69F00", "poor": palette.warm}
    return colors.get(name, palette.muted)


class Details(QWidget):  # type: ignore[misc]
    """Sentences on one line of the table, the worst first, and what is missing of each keypoint."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-details")
        self._text = QLabel()
        self._text.setObjectName("atlas-import-details-text")
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._bars = _Bars()
        self._palette = palette_of("dark")
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._text)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(scroll, 1)
        layout.addWidget(self._bars)

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self._palette = palette
        self._bars.palette_ = palette

    def show_recording(self, recording: PlannedRecording, faults: tuple[str, ...]) -> None:
        """Tell of a recording."""
        quality = recording.quality
        told = [_dotted(text, self._palette.warm) for text in faults]
        sentences = list(quality.get("sentences", ()))
        named = grade(quality)
        told += [
            _dotted(text, grade_color(named if i == 0 else "fair", self._palette)) for i, text in enumerate(sentences)
        ]
        if named == "good":
            told.append(_dotted("Nothing odd in the tracks.", grade_color(named, self._palette)))
        told += [_dotted(note, self._palette.muted) for note in recording.notes if note not in sentences]
        self._text.setText("".join(told))
        by = "animal" if recording.kind == "outline" else "keypoint"
        self._bars.show_shares(quality.get(f"missing_by_{by}") or {}, by)

    def show_left(self, left: LeftOver) -> None:
        """Tell of a file that is not used."""
        notes = [note for note in left.found.notes if note not in left.reason]
        told = [left.reason, *notes, str(left.found.path)]
        self._text.setText("".join(_dotted(text, self._palette.muted) for text in told))
        self._bars.show_shares({})

    def show_text(self, text: str) -> None:
        """Say something else."""
        self._text.setText(f"<p style='margin:0'>{escape(text)}</p>")
        self._bars.show_shares({})


def _dotted(text: str, color: str) -> str:
    return f"<p style='margin:0 0 3px 0'><span style='color:{color}'>●</span>&nbsp; {escape(text)}</p>"


class _Bars(QWidget):  # type: ignore[misc]
    """Shares as bars with their names, the largest first."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("atlas-import-missing")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setFixedWidth(230)
        self.palette_ = palette_of("dark")
        self._title = ""
        self._shares: list[tuple[str, float]] = []

    def show_shares(self, shares: Mapping[str, float], by: str = "") -> None:
        """Show what is missing of each keypoint or animal; hide where it is nothing."""
        ranked = sorted(shares.items(), key=lambda pair: -pair[1])
        self._shares = [(name, share) for name, share in ranked if share > 0][:_MOST_BARS]
        told = ", ".join(f"{name} {share:.0%}" for name, share in ranked)
        self._title = f"missing by {by}"
        self.setToolTip(f"{self._title.capitalize()}: {told}")
        self.setAccessibleName(self.toolTip())
        self.setVisible(bool(self._shares))
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPointSizeF(8.0)
        painter.setFont(font)
        step = painter.fontMetrics().height() + 2
        name_px, number_px = 96, 38
        room = self.width() - name_px - number_px - 8
        left = int((Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value)
        right = int((Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value)
        painter.setPen(QColor(self.palette_.muted))
        painter.drawText(QRectF(0, 0, self.width(), step), left, self._title)
        for i, (name, share) in enumerate(self._shares[: max(0, int(self.height() / step) - 1)], start=1):
            y = i * step
            painter.setPen(QColor(self.palette_.text))
            shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, name_px - 6)
            painter.drawText(QRectF(0, y, name_px, step), left, shown)
            painter.drawText(QRectF(self.width() - number_px, y, number_px, step), right, _percent(share))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.palette_.line))
            painter.drawRoundedRect(QRectF(name_px, y + step / 2 - 3, room, 6), 3, 3)
            painter.setBrush(QColor(grade_color("poor" if share > _POOR else "fair", self.palette_)))
            painter.drawRoundedRect(QRectF(name_px, y + step / 2 - 3, max(2.0, share * room), 6), 3, 3)
        painter.end()


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
