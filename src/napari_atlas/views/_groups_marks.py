"""Tags, notes and saved selections: made, found, picked, renamed, deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_atlas.session.linking import cursor_of
from napari_atlas.session.selection import Combine
from napari_atlas.views._canvas import Links
from napari_atlas.views._groups_marks_rows import MarkRows
from napari_atlas.views._groups_parts import Said, button, flowing, named, offer_colors
from napari_atlas.views._groups_rows import GroupsList
from napari_atlas.views._mark_deeds import MarkDeeds
from napari_atlas.views._tagging import Tagger, meant, meant_text
from napari_atlas.views.desk import Desk

__all__ = ["MarksPanel"]


@dataclass(frozen=True)
class _Words:
    """What a kind of marks is called.

    Attributes
    ----------
    plural
        Of the kind.
    hint
        In the empty line, before the words for the windows that are meant.
    add
        On the button beside it.
    empty
        Shown while there are none.
    """

    plural: str
    hint: str
    add: str
    empty: str


_WORDS = {
    "tag": _Words(
        "tags",
        "New tag on",
        "Add",
        "No tags yet. Press a number key from 1 to 9: it puts a tag on the selected windows, or on the one at the "
        "cursor, and takes it off again. Tags outlive fits.",
    ),
    "note": _Words(
        "notes",
        "Note on",
        "Add",
        "No notes yet. Type one above: it is kept with the selected windows, or with the one at the cursor, and a "
        "click on it goes back there.",
    ),
    "selection": _Words(
        "saved selections",
        "Name for",
        "Save",
        "No saved selections yet. Select windows on the map or in the timeline, then give them a name above.",
    ),
}


class MarksPanel(QWidget):  # type: ignore[misc]
    """List the marks of one kind; it listens only while it can be seen.

    Parameters
    ----------
    desk
        Whose session it is, and what keeps the marks.
    kind
        "tag", "note" or "selection".
    """

    def __init__(self, desk: Desk, kind: str) -> None:
        super().__init__()
        self._desk, self._kind, self._words = desk, kind, _WORDS[kind]
        self._name = name = f"atlas-{kind}s"
        self.setObjectName(name)
        self._tagger, self._rows = Tagger(desk), MarkRows(kind)
        self._new: QLineEdit = named(QLineEdit(), f"{name}-new", f"{self._words.hint} the windows that are meant")
        self._find: QLineEdit = named(QLineEdit(), f"{name}-find", f"Show only {self._words.plural} with these words")
        self._find.setPlaceholderText(f"Find {self._words.plural} …")
        self._find.setClearButtonEnabled(True)
        self._list = GroupsList(f"{name}-list", f"{self._words.plural.capitalize()}: a click selects, F2 renames")
        self._empty = QLabel(self._words.empty)
        self._said = Said(name)
        self._deeds = MarkDeeds(desk, kind, self._said)
        self._buttons = self._make_buttons()
        self._lay_out()
        session = desk.session
        self._links = Links(
            (session.atlas_changed, self.refresh),
            (session.columns_changed, self.refresh),
            (session.selection_changed, self._on_selection),
        )

    def refresh(self, _: object = None) -> None:
        """List what there is."""
        atlas, annotations = self._desk.session.atlas, self._desk.session.annotations
        rows = self._rows.rows(atlas, annotations) if atlas is not None else ()
        wanted = self._find.text().casefold().split()
        found = (row for row in rows if all(word in f"{row.name} {row.detail}".casefold() for word in wanted))
        self._list.show_rows(tuple(found))
        for widget in (self._list, self._find, *self._buttons.values()):
            widget.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        self._on_selection()

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self._list.set_theme(theme)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and list anew what may have changed meanwhile, in another window too."""
        super().showEvent(event)
        self._links.connect()
        self.refresh()
        self._desk.keeper.look_again()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        super().hideEvent(event)

    def _make_buttons(self) -> dict[str, QPushButton]:
        tags = {
            "put": ("Put on, take off", "Put the tag on the windows that are meant; if all have it, take it off"),
            "color": ("Colour…", "Choose another colour for the tag"),
            "map": ("Colour the map", "Colour the map by tags"),
        }
        common = {"both": ("In common", "Of the selected windows keep those that are in these too (Ctrl+I)")}
        delete = {"delete": ("Delete", f"Delete the {self._words.plural} that are lit (Del)")}
        told = ({"tag": tags, "selection": common}.get(self._kind) or {}) | delete
        deeds: dict[str, Callable[[], Any]] = {
            "put": self._put,
            "color": self._ask_color,
            "map": lambda: self._desk.session.color("tag"),
            "both": lambda: self._pick(list(self._list.chosen()), Combine.INTERSECT),
            "delete": lambda: self._deeds.delete(self._list.chosen()),
        }
        return {key: button(f"{self._name}-{key}", *words, deeds[key]) for key, words in told.items()}

    def _lay_out(self) -> None:
        self._empty.setWordWrap(True)
        self._empty.setObjectName(f"{self._name}-empty")
        top, row = QHBoxLayout(), flowing()
        top.addWidget(self._new, 1)
        top.addWidget(button(f"{self._name}-add", self._words.add, f"{self._words.add} (Return)", self._add))
        for made in self._buttons.values():
            row.addWidget(made)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(top)
        layout.addWidget(self._find)
        layout.addWidget(self._empty)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._said)
        layout.addLayout(row)
        layout.addStretch(0)
        self._new.returnPressed.connect(self._add)
        self._find.textChanged.connect(self.refresh)
        self._list.picked.connect(self._pick)
        self._list.renamed.connect(self._deeds.rename)
        self._list.chosen_changed.connect(self._offer)
        self._list.add_key("Del", self._buttons["delete"].click)

    def _on_selection(self, _: object = None) -> None:
        """Say what a new mark would be put on."""
        session = self._desk.session
        nothing = self._kind == "selection" and not len(session.selection)
        what = "the selected windows" if nothing else meant_text(session)
        self._new.setPlaceholderText(f"{self._words.hint} {what}")
        self._offer()

    def _offer(self) -> None:
        """Let the buttons be pressed that make sense for what is lit."""
        lit = self._list.chosen()
        can = {"put": len(lit) == 1, "color": len(lit) == 1, "both": bool(lit), "delete": bool(lit)}
        for key, made in self._buttons.items():
            made.setEnabled(can.get(key, bool(self._list.rows)))

    def _add(self) -> None:
        """Make the mark whose name was typed, or put the one of that name on further windows."""
        name = self._new.text().strip()
        ids = self._desk.session.selection.ids if self._kind == "selection" else meant(self._desk.session)
        if not name:
            self._said.say(f"Type a {'note' if self._kind == 'note' else 'name'} first.")
        elif not ids.size and self._kind != "tag":
            what = "Select windows" if self._kind == "selection" else "Select windows, or go to one,"
            self._said.say(f"{what} first.")
        elif self._deeds.put(name, ids):
            self._new.clear()
            self._list.choose(name)

    def _pick(self, names: list[str], way: Combine) -> None:
        """Select the windows of marks; a note is gone to as well."""
        session = self._desk.session
        atlas = session.atlas
        if atlas is None:
            return
        ids = self._rows.windows(atlas, session.annotations, names)
        if not ids.size:
            self._said.say(f"{names[0]}: it has no window in this run.")
            return
        self._said.say("")
        session.select(ids, way, names[0] if len(names) == 1 and way is Combine.REPLACE else "")
        if self._kind == "note" and way is Combine.REPLACE:
            cursor = cursor_of(atlas, int(ids[0]))
            session.seek(cursor.recording, cursor.individual, cursor.frame)

    def _put(self) -> None:
        tag = self._desk.session.annotations.find("tag", self._list.chosen()[0])
        if tag is not None:
            self._said.say(self._tagger.toggle_tag(tag))

    def _ask_color(self) -> None:
        tag = self._desk.session.annotations.find("tag", self._list.chosen()[0])
        if tag is not None:
            recolor = partial(self._deeds.color, tag.name)
            offer_colors(self._buttons["color"], "atlas-tags-colors", tag.color, recolor)
