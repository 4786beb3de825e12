"""Clips for a wall, read in a worker thread one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from napari_atlas.data.clip import Clip
from napari_atlas.data.windows import WindowTable
from napari_atlas.io.clips import ClipLibrary
from napari_atlas.views._worker import call_in_thread

__all__ = ["ClipLoader"]

_SIZE = (240, 180)
_STILL, _CLIP = 1, 60


class ClipLoader:
    """Read the clips of windows: a still of each first, so that all can be seen soon, then what moves.

    Parameters
    ----------
    tell
        Told a window id, its clip or why there is none, and whether nothing more comes for it.
    """

    def __init__(self, tell: Callable[[int, Clip | str, bool], None]) -> None:
        self._tell = tell
        self._todo: deque[tuple[int, int]] = deque()
        self._left: set[int] = set()
        self._wish = 0
        self._busy = False
        self._read: Callable[[int, int], Clip] = _nothing

    @property
    def left(self) -> int:
        """How many windows do not play yet."""
        return len(self._left)

    def load(self, library: ClipLibrary, table: WindowTable, windows: Sequence[int]) -> None:
        """Read the clips of these windows, and forget what was wished before."""
        self.stop()
        self._read = lambda window, most: library.clip(table, window, _SIZE, most)
        self._todo.extend((window, most) for most in (_STILL, _CLIP) for window in windows)
        self._left.update(windows)
        self._go_on()

    def stop(self) -> None:
        """Read nothing more; the clip that is being read is dropped."""
        self._wish += 1
        self._todo.clear()
        self._left.clear()

    def _go_on(self) -> None:
        """Read the next clip, unless one is being read."""
        while self._todo and not self._busy:
            window, most = self._todo.popleft()
            if window in self._left:
                self._busy = True
                self._begin(window, most)

    def _begin(self, window: int, most: int) -> None:
        wish, read = self._wish, self._read

        def end(result: Clip | str, whole: bool) -> None:
            self._busy = False
            if wish == self._wish:
                self._left.difference_update([window] if whole else [])
                self._tell(window, result, whole)
            self._go_on()

        call_in_thread(
            lambda: read(window, most), lambda clip: end(clip, most > _STILL), lambda error: end(str(error), True)
        )


def _nothing(window: int, most: int) -> Clip:
    raise NotImplementedError
