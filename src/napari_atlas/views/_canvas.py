"""A vispy canvas inside Qt, and colours that follow the napari theme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from napari.utils.theme import get_theme
from qtpy import API_NAME
from qtpy.QtCore import QObject, QRect, Qt, QTimer
from qtpy.QtGui import QColor, QFont, QPainter
from qtpy.QtWidgets import QWidget
from vispy.app import use_app

from napari_atlas.session.selection import Combine
from napari_atlas.views._safe_canvas import SafeCanvas

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispy.scene import SceneCanvas

__all__ = ["Links", "Overlay", "Palette", "Text", "combine_of", "make_canvas", "paint_later", "palette_of"]


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, each as "#rrggbb".

    Attributes
    ----------
    dark
        Whether text is lighter than the background.
    background
        Behind the widgets.
    canvas
        Behind the points.
    line
        Frames and grid lines.
    text, muted
        Text, and text of less weight.
    accent
        Selections.
    cursor
        The current place.
    warm
        Temperature.
    """

    dark: bool
    background: str
    canvas: str
    line: str
    text: str
    muted: str
    accent: str
    cursor: str
    warm: str


def palette_of(theme: str) -> Palette:
    """Return the colours that go with a napari theme, given by its id, such as ``"dark"``."""
    found = get_theme(theme)
    background, text = _hex(found.background), _hex(found.text)
    dark = QColor(background).lightnessF() < 0.5
    return Palette(
        dark=dark,
        background=background,
        canvas=_mix(background, "#0B0D12" if dark else "#FFFFFF", 0.45 if dark else 0.75),
        line=_mix(background, text, 0.18),
        text=text,
        muted=_mix(background, text, 0.62),
        accent="#4FC3F7" if dark else "#0277BD",
        cursor="#FFFFFF" if dark else "#15161A",
        warm="#F28B82" if dark else "#C5392F",
    )


def make_canvas(parent: QWidget, palette: Palette) -> SceneCanvas:
    """Return a canvas whose native widget is a child of *parent*; keys are left to the parent."""
    use_app(API_NAME)
    # A fixed dpi keeps vispy from asking the window system for one in a child process.
    canvas = SafeCanvas(keys=None, show=False, parent=parent, size=(320, 240), dpi=96, bgcolor=palette.canvas)
    canvas.native.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    canvas.native.setFocusProxy(parent)
    canvas.native.setMinimumSize(120, 80)
    return canvas


def paint_later(widget: QWidget, milliseconds: int) -> None:
    """Let a widget show what it showed for a moment longer, so that not all canvases draw in one turn."""
    _Pause(widget).start(milliseconds)


class _Pause(QTimer):  # type: ignore[misc]
    """Hold a widget's painting back until time is up; it ends with the widget."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.setSingleShot(True)
        # Not a lambda: that would be called for a widget that is being destroyed.
        self.timeout.connect(self._end)
        widget.setUpdatesEnabled(False)

    def _end(self) -> None:
        self.parent().setUpdatesEnabled(True)
        self.deleteLater()


def combine_of(modifiers: Any) -> Combine:
    """Return what the keys held down ask for: Shift adds, Alt subtracts; Qt flags or names of vispy keys."""
    if isinstance(modifiers, tuple | list):
        shift, alt = "Shift" in modifiers, "Alt" in modifiers
    else:
        shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        alt = bool(modifiers & Qt.KeyboardModifier.AltModifier)
    if alt:
        return Combine.SUBTRACT
    return Combine.ADD if shift else Combine.REPLACE


@dataclass(frozen=True)
class Text:
    """A piece of text on a canvas.

    Attributes
    ----------
    x, y
        Where it is anchored, in logical pixels.
    text
        What it says.
    color
        As "#rrggbb".
    anchor
        Which of its points lies there: any of "left", "right", "centre", vertically centred on y.
    """

    x: float
    y: float
    text: str
    color: str
    anchor: str = "left"


class Overlay(QWidget):  # type: ignore[misc]
    """Text over a canvas, drawn by Qt so that it is as crisp as any other label; it lets the mouse through."""

    def __init__(self, parent: QWidget, points: float = 8.0) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._texts: tuple[Text, ...] = ()
        self._points = points

    def show_texts(self, texts: tuple[Text, ...]) -> None:
        """Show these and no others."""
        if texts != self._texts:
            self._texts = texts
            self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw the texts."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setFont(_sized(self.font(), self._points))
        for text in self._texts:
            painter.setPen(QColor(text.color))
            shown = painter.fontMetrics().elidedText(text.text, Qt.TextElideMode.ElideRight, self.width() - 12)
            painter.drawText(_box(text), _flags(text.anchor), shown)
        painter.end()


class Links:
    """Connections between signals and bound methods, made and undone together, and undone when their widget is gone.

    Parameters
    ----------
    pairs
        Signals with the bound methods that listen to them.
    """

    def __init__(self, *pairs: tuple[Any, Callable[..., Any]]) -> None:
        self._pairs = pairs
        self._connected = False
        # Weakly: a widget must not live on because Qt knows whom to tell of its end.
        undo = WeakMethod(self.disconnect)

        def end(_: object = None) -> None:
            found = undo()
            if found is not None:
                found()

        for owner in {getattr(slot, "__self__", None) for _, slot in pairs}:
            if isinstance(owner, QObject):
                owner.destroyed.connect(end)

    def connect(self) -> bool:
        """Connect what is not connected, and return whether that was needed."""
        needed = not self._connected
        if needed:
            for signal, slot in self._pairs:
                signal.connect(slot)
        self._connected = True
        return needed

    def disconnect(self) -> None:
        """Undo the connections; nothing happens if there are none."""
        if self._connected:
            for signal, slot in self._pairs:
                signal.disconnect(slot)
        self._connected = False


def _box(text: Text) -> QRect:
    """Return a box round the anchor that is larger than any text."""
    shift = {"left": 0, "right": -600, "centre": -300}[text.anchor]
    return QRect(round(text.x) + shift, round(text.y) - 40, 600, 80)


def _flags(anchor: str) -> int:
    across = {
        "left": Qt.AlignmentFlag.AlignLeft,
        "right": Qt.AlignmentFlag.AlignRight,
        "centre": Qt.AlignmentFlag.AlignHCenter,
    }[anchor]
    return int(across.value) | int(Qt.AlignmentFlag.AlignVCenter.value)


def _sized(font: QFont, points: float) -> QFont:
    sized = QFont(font)
    sized.setPointSizeF(points)
    return sized


def _hex(color: Any) -> str:
    red, green, blue = color.as_rgb_tuple()[:3]
    return f"#{red:02X}{green:02X}{blue:02X}"


def _mix(first: str, second: str, share: float) -> str:
    pairs = zip(QColor(first).getRgb()[:3], QColor(second).getRgb()[:3], strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)
