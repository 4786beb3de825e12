"""The project dock: recordings by species, runs, and the ways to add more."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.io.recent import recent_projects
from napari_atlas.session.linking import cursor_of, windows_of_track
from napari_atlas.session.session import Cursor
from napari_atlas.views._buttons import MENU
from napari_atlas.views._canvas import Links
from napari_atlas.views._export_dialog import export_dialog
from napari_atlas.views._import_drop import Drops
from napari_atlas.views._legend import marker_icon
from napari_atlas.views._recording_menu import fill_menu
from napari_atlas.views.desk import Desk

__all__ = ["ProjectDock"]

_EMPTY = "No project is open.\n\nFile → Open Sample → ATLAS makes one to play with;\nNew and Open are below."
_NO_RECORDING = "This project is empty.\n\nDrop a folder with tracks and videos here,\nor press Import."


class ProjectDock(QWidget):  # type: ignore[misc]
    """List recordings and animals; a click goes there.

    Parameters
    ----------
    desk
        What carries wishes out.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-project")
        self._desk = desk
        self._title = QLabel("No project")
        self._title.setStyleSheet("font-weight: bold")
        self._hint = QLabel(_EMPTY)
        self._hint.setWordWrap(True)
        self._tree = _make_tree()
        self._runs = _named(QComboBox(), "atlas-runs", "Which fit is on show")
        self._buttons = {
            "new": _button("New…", "Make an empty project", self._new),
            "open": _button("Open…", "Open a project folder", self._open),
            "import": _button(
                "Import…",
                "Add recordings: a folder with tracks, videos and logs, or single files",
                lambda _: desk.offer_import(),
            ),
            "export": _button(
                "Export table…",
                "Write all that is known of the windows as a table for your own statistics",
                lambda _: export_dialog(desk, self),
            ),
        }
        self._recent = QMenu(self)
        self._recent.setObjectName("atlas-recent")
        self._recent.aboutToShow.connect(partial(_fill_menu_of_recent, self._recent, desk))
        self._buttons["recent"] = _button("Recent" + MENU, "Open one of the projects that were open last", None)
        self._buttons["recent"].setMenu(self._recent)
        self._buttons["recent"].setStyleSheet("QPushButton::menu-indicator { image: none; width: 0px; }")
        self._listed: tuple[object, ...] = ()
        Drops(self, desk.offer_import)
        self._lay_out()
        self._tree.customContextMenuRequested.connect(self._offer)
        self._tree.itemActivated.connect(self._go)
        self._tree.itemClicked.connect(self._go)
        self._runs.activated.connect(self._choose_run)
        session = desk.session
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.cursor_changed, self._on_cursor),
        )
        self._links.connect()
        self._on_atlas(session.atlas)

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._on_atlas(self._desk.session.atlas)
        super().showEvent(event)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.addWidget(self._buttons["new"], 0, 0)
        buttons.addWidget(self._buttons["open"], 0, 1)
        buttons.addWidget(self._buttons["recent"], 0, 2)
        buttons.addWidget(self._buttons["import"], 1, 0)
        buttons.addWidget(self._buttons["export"], 1, 1, 1, 2)
        row = QHBoxLayout()
        row.addWidget(QLabel("Fit"))
        row.addWidget(self._runs, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self._title)
        layout.addWidget(self._hint)
        layout.addWidget(self._tree, 1)
        layout.addLayout(row)
        layout.addLayout(buttons)

    def _on_atlas(self, atlas: object) -> None:
        there = isinstance(atlas, Atlas) and bool(atlas.recordings)
        opened = isinstance(atlas, Atlas)
        self._title.setText(atlas.folder.name if isinstance(atlas, Atlas) else "No project")
        self._hint.setText(_NO_RECORDING if opened and not there else _EMPTY)
        self._hint.setVisible(not there)
        self._tree.setVisible(there)
        self._buttons["export"].setEnabled(isinstance(atlas, Atlas) and len(atlas.windows.table) > 0)
        listed = _listed(atlas) if isinstance(atlas, Atlas) else ()
        if listed != self._listed:
            self._listed = listed
            self._tree.clear()
            if isinstance(atlas, Atlas):
                self._fill(atlas)
        self._runs.clear()
        if isinstance(atlas, Atlas):
            self._fill_runs(atlas)
            self._on_cursor(self._desk.session.cursor)

    def _fill(self, atlas: Atlas) -> None:
        icons = {s.name: marker_icon(s.marker, s.color) for s in atlas.windows.species}
        for info in atlas.recordings.values():
            item = _recording_item(atlas, info)
            item.setIcon(0, icons.get(info.species, QIcon()))
            self._tree.addTopLevelItem(item)
        for name, why in atlas.faults.items():
            self._tree.addTopLevelItem(_faulty_item(name, why))
        self._tree.resizeColumnToContents(1)

    def _fill_runs(self, atlas: Atlas) -> None:
        names = sorted(p.parent.name for p in (atlas.folder / "runs").glob("*/weights.safetensors"))
        self._runs.addItems(names or ["none yet"])
        self._runs.setEnabled(len(names) > 0)
        self._runs.setCurrentText(atlas.run)

    def _on_cursor(self, cursor: Cursor) -> None:
        for i in range(self._tree.topLevelItemCount()):
            item = self._tree.topLevelItem(i)
            font = item.font(0)
            font.setBold(item.data(0, Qt.ItemDataRole.UserRole)[0] == cursor.recording)
            item.setFont(0, font)

    def _go(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        atlas = self._desk.session.atlas
        if atlas is None:
            return
        recording, individual = item.data(0, Qt.ItemDataRole.UserRole)
        if recording not in atlas.recordings:
            show_error(atlas.faults.get(recording, "it is not there any more"))
            return
        ids = windows_of_track(atlas, recording, individual)
        clock = atlas.recordings[recording].timebase
        cursor = (
            cursor_of(atlas, int(ids[0])) if ids.size else Cursor(recording, individual, clock.tracking_start_frame)
        )
        self._desk.session.seek(cursor.recording, cursor.individual, cursor.frame)

    def _offer(self, place: QPoint) -> None:
        """Offer what can be done with the recording at a place, or with the current one (by keyboard)."""
        atlas, item = self._desk.session.atlas, self._tree.itemAt(place) or self._tree.currentItem()
        if atlas is None or item is None:
            return
        menu = QMenu(self)
        menu.setObjectName("atlas-recording-menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        fill_menu(menu, self, self._desk, atlas, item.data(0, Qt.ItemDataRole.UserRole)[0])
        menu.popup(self._tree.viewport().mapToGlobal(place))

    def _choose_run(self, _index: int) -> None:
        self._desk.open(self._desk.folder, self._runs.currentText())

    def _new(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "New project", "behaviour.atlas")
        if path:
            self._desk.new(Path(path))

    def _open(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a project folder")
        if path:
            self._desk.open(Path(path))


def _fill_menu_of_recent(menu: QMenu, desk: Desk) -> None:
    menu.clear()
    for path in recent_projects():
        action = menu.addAction(path.name, partial(desk.open, path))
        action.setToolTip(str(path))
    if menu.isEmpty():
        menu.addAction("none yet").setEnabled(False)
    menu.setToolTipsVisible(True)


def _listed(atlas: Atlas) -> tuple[object, ...]:
    """Return what the list of recordings says; as long as it is the same, the list stays as it was folded."""
    recordings = tuple((info.name, info.individuals, _tooltip(info)) for info in atlas.recordings.values())
    looks = tuple((s.name, s.marker, s.color) for s in atlas.windows.species)
    return atlas.folder, recordings, looks, len(atlas.windows.table), tuple(atlas.faults.items())


def _make_tree() -> QTreeWidget:
    tree = _named(
        QTreeWidget(),
        "atlas-recordings",
        "Recordings and their animals; right-click, or the menu key, for what can be done with one",
    )
    tree.setColumnCount(2)
    tree.setHeaderHidden(True)
    tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    tree.header().setStretchLastSection(False)
    tree.header().setSectionResizeMode(0, tree.header().ResizeMode.Stretch)
    return tree


def _recording_item(atlas: Atlas, info: RecordingInfo) -> QTreeWidgetItem:
    counts = {name: int(windows_of_track(atlas, info.name, name).size) for name in info.individuals}
    n = sum(counts.values())
    told = f"{n} windows" if n or not atlas.run else "not in this fit"
    item = QTreeWidgetItem([f"⚠ {info.name}" if info.notes else info.name, told])
    item.setToolTip(0, _tooltip(info))
    item.setData(0, Qt.ItemDataRole.UserRole, (info.name, info.individuals[0]))
    for name, count in counts.items():
        child = QTreeWidgetItem([name, str(count)])
        child.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
        child.setData(0, Qt.ItemDataRole.UserRole, (info.name, name))
        item.addChild(child)
    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
    return item


def _faulty_item(name: str, why: str) -> QTreeWidgetItem:
    item = QTreeWidgetItem([f"⚠ {name}", "cannot be read"])
    item.setData(0, Qt.ItemDataRole.UserRole, (name, ""))
    item.setToolTip(0, why)
    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
    return item


def _tooltip(info: RecordingInfo) -> str:
    clock = info.timebase
    rate = f"{clock.fps:g} fps" if clock.known else "frame rate unknown"
    video = info.video.name if info.video != Path() else "no video"
    return "\n".join([info.species, f"{clock.n_samples} frames, {rate}", video, *info.notes])


def _named(widget: Any, name: str, meaning: str) -> Any:
    widget.setObjectName(name)
    widget.setAccessibleName(meaning)
    widget.setToolTip(meaning)
    return widget


def _button(text: str, meaning: str, action: Any) -> QPushButton:
    button: QPushButton = _named(QPushButton(text), f"atlas-{text.strip('…').split()[0].lower()}", meaning)
    if action is not None:
        button.clicked.connect(action)
    return button
