"""The bar over the video: step, play, loop, follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QToolButton, QWidget
from superqt import QElidingLabel

from napari_atlas.session.linking import window_at, window_rank
from napari_atlas.session.review import step
from napari_atlas.views._buttons import button_style
from napari_atlas.views._canvas import Links, palette_of
from napari_atlas.views._playing import SPEEDS, Player

if TYPE_CHECKING:
    from napari_atlas.session.session import Session
    from napari_atlas.views._lens import Lens

__all__ = ["PlayerBar"]


class PlayerBar(QWidget):  # type: ignore[misc]
    """Buttons that move the cursor.

    Parameters
    ----------
    session
        Whose cursor it is.
    player
        What plays.
    lens
        What follows the animal.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, player: Player, lens: Lens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-player")
        self.setAccessibleName("playback")
        self._session, self._player, self._lens = session, player, lens
        self.before = _button(
            self, "◀ Previous", "atlas-step-back", "Previous window; of the selection, if there is one (K)"
        )
        self.play = _button(self, "▶ Play", "atlas-play", "Play from here, or pause (Space)", checkable=True)
        self.after = _button(self, "Next ▶", "atlas-step-on", "Next window; of the selection, if there is one (J)")
        self.loop = _button(self, "Loop  O", "atlas-loop", "Play the window at the cursor over and over (O)", True)
        self.follow = _button(self, "Follow", "atlas-follow", "Keep the animal in the middle", True)
        self.speed = QComboBox(self)
        self.speed.setObjectName("atlas-speed")
        self.speed.setAccessibleName("speed")
        self.speed.setToolTip("How fast it is played")
        self.speed.addItems([f"{speed:g}×" for speed in SPEEDS])
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self._where = QElidingLabel("", self)
        self._where.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._where.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(6)
        for widget in (self.before, self.play, self.after, self.speed, self.loop, self.follow):
            row.addWidget(widget)
        row.addWidget(self._where, 1)
        self.before.clicked.connect(self._on_before)
        self.after.clicked.connect(self._on_after)
        self.play.clicked.connect(player.toggle)
        self.loop.clicked.connect(self._on_loop)
        self.follow.clicked.connect(lens.set_follow)
        self.speed.activated.connect(self._on_speed)
        player.changed.connect(self._on_player)
        self._links = Links((session.atlas_changed, self._on_cursor), (session.cursor_changed, self._on_cursor))
        self._links.connect()
        self.set_theme("dark")
        self._on_cursor()

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        palette = palette_of(theme)
        self._where.setStyleSheet(f"color: {palette.muted};")
        self.setStyleSheet(button_style(palette))

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Stop listening."""
        self._links.disconnect()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._on_cursor()
        super().showEvent(event)

    def where(self) -> str:
        """Return what is said of the place of the cursor."""
        return str(self._where.text())

    def _on_cursor(self, _: object = None) -> None:
        atlas, cursor = self._session.atlas, self._session.cursor
        there = atlas is not None and bool(cursor.recording)
        for widget in (self.before, self.play, self.after, self.speed, self.loop, self.follow):
            if widget.isEnabled() != there:
                widget.setEnabled(there)
        window = window_at(atlas, cursor) if atlas is not None and there else -1
        self._where.setText("window {} of {}".format(*window_rank(atlas, window)) if atlas and window >= 0 else "")

    def _on_player(self) -> None:
        self.play.setChecked(self._player.playing)
        self.play.setText("❚❚ Pause" if self._player.playing else "▶ Play")
        self.loop.setChecked(self._player.loop)
        self.speed.setCurrentIndex(SPEEDS.index(self._player.speed))

    def _on_before(self) -> None:
        step(self._session, -1)

    def _on_after(self) -> None:
        step(self._session, 1)

    def _on_loop(self, loop: bool) -> None:
        self._player.set(loop=loop)

    def _on_speed(self, index: int) -> None:
        self._player.set(speed=SPEEDS[index])


def _button(parent: QWidget, text: str, name: str, tip: str, checkable: bool = False) -> QToolButton:
    button = QToolButton(parent)
    button.setText(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
