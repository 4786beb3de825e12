"""The instances of a SLEAP label file, read as tables; sleap-io reads the small rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io.track_file import TrackFile, names_for

__all__ = ["PREDICTED", "load_labels", "video_note"]

PREDICTED = 1
_CENTRED = 1.1  # from this format on, whole numbers are the centres of pixels, before it their corners
_BLOCK = 1 << 14


@dataclass(frozen=True)
class _Instances:
    """Instances of one video, in the order of the file.

    Attributes
    ----------
    frame
        (n_instances,) video frame of each.
    entry
        (n_instances,) labelled frame that each belongs to, counted in the file.
    track
        (n_instances,) track of each; -1 without one.
    predicted
        (n_instances,) whether each was predicted; a user placed the others.
    begin, n_points
        (n_instances,) where its points begin in their table, and how many there are.
    """

    frame: NDArray[np.int64]
    entry: NDArray[np.int64]
    track: NDArray[np.int64]
    predicted: NDArray[np.bool_]
    begin: NDArray[np.int64]
    n_points: NDArray[np.int64]

    @classmethod
    def of(cls, frames: NDArray[Any], instances: NDArray[Any]) -> _Instances:
        """Return the instances that these labelled frames hold."""
        begin = frames["instance_id_start"].astype(np.int64)
        count = frames["instance_id_end"].astype(np.int64) - begin
        entry = np.repeat(np.arange(frames.size), count)
        mine = instances[np.repeat(begin - np.cumsum(count) + count, count) + np.arange(entry.size)]
        first, last = (mine[f"point_id_{end}"].astype(np.int64) for end in ("start", "end"))
        track, predicted = mine["track"].astype(np.int64), mine["instance_type"] == PREDICTED
        return cls(frames["frame_idx"].astype(np.int64)[entry], entry, track, predicted, first, last - first)

    def chosen(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which instances to take, and the row of each; what a user corrected goes before what was predicted."""
        taken = np.argsort(~self.predicted, kind="stable")[::-1]  # the one to take comes first
        if (self.track >= 0).any():
            taken = taken[self.track[taken] >= 0]
            row = np.unique(self.track[taken], return_inverse=True)[1].astype(np.int64)
        else:
            corrected = np.bincount(self.entry, ~self.predicted) > 0
            kept = np.flatnonzero(self.predicted != corrected[self.entry])
            first = np.searchsorted(self.entry[kept], self.entry[kept])
            taken, row = kept[::-1], (np.arange(kept.size) - first)[::-1]
        _, last = np.unique(self.frame[taken] * (int(row.max()) + 1) + row, return_index=True)
        return taken[last], row[last]


def load_labels(path: Path, part: str) -> TrackFile:
    """Return the tracks of the first video that has any instance."""
    from sleap_io.io import slp
    from sleap_io.io.utils import read_hdf5_attrs, read_hdf5_dataset

    name = str(path)
    frames = read_hdf5_dataset(name, "frames")
    frames = frames[frames["instance_id_end"] > frames["instance_id_start"]]
    if not frames.size:
        raise InputError.of(path, "it holds no instance", "run the prediction in SLEAP first, or choose another file")
    frames, table = frames[frames["video"] == frames["video"].min()], read_hdf5_dataset(name, "instances")
    instances = _Instances.of(frames, table)
    skeleton = slp.read_skeletons(name)[int(table["skeleton"][int(frames["instance_id_start"][0])])]
    if (instances.n_points != len(skeleton.nodes)).any():
        raise InputError.of(path, "its instances have different skeletons", "keep one skeleton, then save it again")
    taken, row = instances.chosen()
    corner = 0.5 if float(read_hdf5_attrs(name, "metadata", "format_id")) < _CENTRED else 0.0
    shape = (int(instances.frame.max()) + 1, int(row.max()) + 1, len(skeleton.nodes))
    positions, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    for dataset, kind in (("points", False), ("pred_points", True)):
        mine = np.flatnonzero(instances.predicted[taken] == kind)
        points = read_hdf5_dataset(name, dataset) if mine.size else np.empty(0)
        for i in range(0, mine.size, _BLOCK):
            block = mine[i : i + _BLOCK]
            values = points[instances.begin[taken[block], None] + np.arange(shape[2])]
            where = instances.frame[taken[block]], row[block]
            for axis, letter in enumerate("xy"):
                positions[(*where, slice(None), axis)] = np.where(values["visible"], values[letter] - corner, np.nan)
            confidence[where] = values["score"] if kind else 1.0
    positions[~np.isfinite(positions)] = np.nan
    tracks = slp.read_tracks(name)
    used = np.unique(instances.track[instances.track >= 0])
    return TrackFile(
        Pose(
            positions=positions,
            keypoints=names_for(skeleton.node_names, shape[2], "kp"),
            individuals=names_for((tracks[i].name or "" for i in used), shape[1], "track"),
            edges=tuple((int(a), int(b)) for a, b in skeleton.edge_inds),
            confidence=confidence,
        ),
        notes=_notes(slp.read_videos(name, open_backend=False), int(frames["video"][0]), instances.track, shape[1]),
    )


def video_note(names: list[str]) -> tuple[str, ...]:
    """Return one sentence per video that a file names, none for one that lies in the file itself."""
    return tuple(
        f"The file names the video {name.replace(chr(92), '/').rsplit('/', 1)[-1]}."
        for name in names
        if name and not name.endswith(".slp")
    )


def _notes(videos: list[Any], first: int, track: NDArray[np.int64], n_tracks: int) -> tuple[str, ...]:
    named = [v.filename for v in videos[first : first + 1] if isinstance(v.filename, str)]
    notes = list(video_note(named))
    if len(videos) > 1:
        notes.append(f"The file holds {len(videos)} videos; the tracks of the first one were read.")
    left_out = int((track < 0).sum())
    if left_out < track.size and left_out:
        notes.append(f"{left_out} instances without a track were left out.")
    if left_out == track.size and n_tracks > 1:
        notes.append("The instances have no tracks; they were taken in the order of the file, so identities may swap.")
    return tuple(notes)
