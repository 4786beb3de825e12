"""What the latent still tells: bars beside their chance, before and after scrubbing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_atlas.data.score_text import further_lines
from napari_atlas.session.session import JobState
from napari_atlas.views._behind import hide_behind_tabs
from napari_atlas.views._beside import Beside
from napari_atlas.views._canvas import Links, Palette, palette_of
from napari_atlas.views._decodability_model import rows_of
from napari_atlas.views._decodability_table import TellTable
from napari_atlas.views._scoring import Figures, counterpart, measure, read_figures
from napari_atlas.views._stacked import Stacked
from napari_atlas.views._worker import Latest
from napari_atlas.views.desk import Desk

__all__ = ["DecodabilityDock"]

_NO_PROJECT = "No project is open."
_NO_RUN = "No fit yet: press Train in the training dock. What its latent tells can be measured then."
_NOT_YET = (
    "Not measured yet. Measure tells from windows that were held out how well animal, recording and whatever was taken"
    " out can be read off the latent, beside chance and beside the signal itself."
)
_NOTHING = "There was nothing to measure."
_TITLE = "What the latent still tells"
_VERB = "score"
_WITHOUT = "Compare with a fit without scrubbing"
_NO_OTHER = {
    True: "Every other fit of this project is scrubbed, or there is none: untick all variables in the training form and"
    " press Train; then the two can be compared.",
    False: "No other fit of this project is scrubbed: tick a variable in the training form and press Train; then the"
    " two can be compared.",
}


class DecodabilityDock(QWidget):  # type: ignore[misc]
    """How well variables can be read off the latent on show; it listens and works only while it can be seen.

    Parameters
    ----------
    desk
        What carries wishes out.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-scrubbing")
        self._desk = desk
        self._latest, self._search = Latest(), Latest()
        self._beside = Beside(desk.session, self._say)
        self._shown, self._other = Figures(), Figures()
        self._palette = palette_of("dark")
        self._fault = ""
        self._title, self._legend, self._said = (_label(f"atlas-scrubbing-{part}") for part in _LABELS)
        self._table = TellTable(self._palette, self)
        self._measure = _button("Measure", "atlas-scrubbing-measure", self._on_measure)
        self._compare = _button(_WITHOUT, "atlas-scrubbing-compare", self._on_compare)
        self._stacked = Stacked(self._table, self._said, (2, 1))
        self._lay_out()
        session = desk.session
        self._table.wanted.connect(session.color)
        self._links = Links(
            (session.atlas_changed, self.refresh),
            (session.beside_changed, self.refresh),
            (session.job_changed, self._on_job),
        )
        self._verb = ""
        self.set_theme("dark")

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._table.set_palette(self._palette)
        self._said.setStyleSheet(f"color: {self._palette.muted};")
        self._fill_legend()

    def refresh(self, _: object = None) -> None:
        """Read in a worker thread what was measured of the run on show and of the run beside it."""
        session = self._desk.session
        atlas, beside = session.atlas, session.beside
        folder = atlas.folder if atlas else Path()
        runs = (atlas.run if atlas else "", beside.run if beside else "")

        def read() -> tuple[Figures, Figures]:
            first, second = (read_figures(folder, run) if run else Figures() for run in runs)
            return first, second

        def show(found: Any) -> None:
            figures, said = (found, "") if isinstance(found, tuple) else ((Figures(), Figures()), str(found))
            self._fault = said or (self._fault if figures[0].run == self._shown.run else "")
            self._shown, self._other = figures
            self._fill()

        self._latest.run(read, show)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and read anew what may have changed meanwhile."""
        super().showEvent(event)
        hide_behind_tabs(self)
        if self._links.connect():
            self._verb = self._desk.session.job.verb
            self.refresh()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        super().hideEvent(event)

    def _lay_out(self) -> None:
        row = QFlowLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setHorizontalSpacing(6)
        row.setVerticalSpacing(4)
        row.addWidget(self._measure)
        row.addWidget(self._compare)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.addWidget(self._title)
        layout.addWidget(self._legend)
        layout.addWidget(self._stacked, 1)
        layout.addLayout(row)

    def _fill(self) -> None:
        """Show what was read."""
        scores, other = self._shown.scores, self._other.scores
        columns = self._desk.session.columns
        first = bool(self._shown.scrubbed) or not self._other.scrubbed
        rows = rows_of(scores, other, columns.names if columns else (), first) if scores else ()
        self._table.show_rows(rows)
        self._table.setVisible(bool(rows))
        beside = [f"Beside it {_told(self._other)}"] if self._other.run else []
        self._title.setText("\n".join([_capital(_told(self._shown)), *beside]) if self._shown.run else _TITLE)
        self._fill_legend()
        self._legend.setVisible(bool(rows))
        self._tell()
        self._offer()

    def _tell(self) -> None:
        """Say what is under way, what is in the way, or what to know of the figures."""
        job, atlas = self._desk.session.job, self._desk.session.atlas
        if job.running and job.verb == _VERB:
            self._say(f"Measuring: {job.text}" if job.text else "Measuring …")
        elif not self._shown.run:
            self._say(self._fault or (_NO_PROJECT if atlas is None else _NO_RUN))
        else:
            faults = [self._fault, self._shown.fault, self._other.fault]
            self._say("\n".join(line for line in [*faults, *_notes(self._shown, self._other)] if line))

    def _fill_legend(self) -> None:
        """Say which bar is which."""
        self._legend.setText(_legend(bool(self._other.scores), self._palette))

    def _say(self, text: str) -> None:
        self._said.setText(text)
        self._stacked.show_text(bool(text))
        self._stacked.fit()

    def _offer(self) -> None:
        """Let the buttons be pressed that make sense now, and say why the others do not."""
        job, run = self._desk.session.job, self._shown.run
        wanted = self._wanted()
        self._measure.setText("Measure again" if run and not wanted else "Measure")
        self._measure.setEnabled(bool(run) and not job.running)
        name = self._other.called if wanted and wanted == self._other.run else self._shown.called
        meaning = f"Measure what the latent of run {name} tells" if run else _NO_RUN
        _explain(self._measure, f"Wait for the {job.verb} under way" if job.running else meaning)
        self._compare.setEnabled(bool(run))
        if self._other.run:
            self._compare.setText("Close the comparison")
            _explain(self._compare, "Show one map, and the figures of one fit, again")
        else:
            self._compare.setText(_WITHOUT if self._shown.scrubbed or not run else "Compare with a scrubbed fit")
            _explain(self._compare, "Show the newest such fit of this project beside this one, with one selection")

    def _wanted(self) -> str:
        """Return the run that is still to be measured; empty if both are."""
        pending = [each.run for each in (self._shown, self._other) if each.run and each.scores is None]
        return pending[0] if pending else ""

    def _on_measure(self) -> None:
        self._fault = ""

        def fail(why: str) -> None:
            self._fault = why
            self.refresh()

        measure(self._desk, self._wanted() or self._shown.run, self.refresh, fail)

    def _on_compare(self) -> None:
        if self._other.run:
            self._beside.close()
            return
        folder, shown = self._desk.folder, self._shown.run

        def show(found: Any) -> None:
            if isinstance(found, Exception):
                self._say(str(found))
                return
            run, scrubs = found
            if run:
                self._beside.open(run)
            else:
                self._say(_NO_OTHER[scrubs])

        self._search.run(lambda: counterpart(folder, shown), show)

    def _on_job(self, job: JobState) -> None:
        if job.verb == _VERB:
            self._tell()
        elif self._verb == _VERB:
            self.refresh()
        self._verb = job.verb
        self._offer()


_LABELS = ("title", "legend", "said")


def _notes(shown: Figures, other: Figures) -> tuple[str, ...]:
    """Return what to know of the figures, or why there are none."""
    if shown.scores is None:
        return () if shown.fault else (_NOT_YET,)
    found = (*shown.scores.notes, *further_lines(shown.scores.more))
    if other.run and other.scores is None and not other.fault:
        return (f"Run {other.called} beside it is not measured yet: press Measure.", *found)
    return found if found or shown.scores.decoded else (_NOTHING,)


def _told(figures: Figures) -> str:
    names = figures.scrubbed
    what = ", ".join(names) if names else "nothing"
    return f"run {figures.called}: {what} taken out of the latent"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _legend(two: bool, palette: Palette) -> str:
    """Return in rich text what the bars mean."""

    def mark(sign: str, color: str, words: str) -> str:
        return f"<span style='color:{color}'>{sign}</span>\u00a0{words.replace(' ', chr(160))}"

    return " &nbsp; ".join(
        [
            mark("■", palette.accent, "latent"),
            *([mark("□", palette.accent, "beside")] if two else []),
            mark("▬", palette.muted, "signal"),
            mark("│", palette.text, "chance"),
            mark("┊", palette.text, "its 95 %"),
        ]
    )


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setMinimumWidth(1)  # A long sentence must not widen the dock.
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _button(text: str, name: str, action: Any) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.clicked.connect(action)
    return button


def _explain(button: QPushButton, meaning: str) -> None:
    button.setToolTip(meaning)
    button.setAccessibleName(button.text())
    button.setAccessibleDescription(meaning)
