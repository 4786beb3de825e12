"""Files that were found → recordings: which belong together, and which species they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_atlas.data.plans import LABELS, TRACKS, FoundFile, ImportPlan, LeftOver, PlannedRecording
from napari_atlas.data.project import AddRequest
from napari_atlas.io._candidates import Candidates
from napari_atlas.io._grouping import names_of, natural, species_of, views_of
from napari_atlas.io._matching import Matches, match, match_alone
from napari_atlas.io._names import is_rendition
from napari_atlas.io._twins import without_twins
from napari_atlas.io.inspection import MAPPED
from napari_atlas.io.scanning import NAMES_VIDEO, same_tracks
from napari_atlas.io.temperature import temperature_from_name

__all__ = ["pair_files"]

_PIECES = {"pose": "poses", "outline": "hulls", "windows": "windows"}
_SAME_LENGTH = 2
_NAMED = 3


def pair_files(
    sources: Sequence[Path],
    found: Sequence[FoundFile],
    asked: AddRequest,
    taken: Iterable[str] = (),
    same: Callable[[Path, Path], bool] = same_tracks,
) -> ImportPlan:
    """Return the recordings that files make up, and the files that are left over.

    Names decide first, in the same folder before others; then numbers of frames. Nothing is paired where two files fit
    equally well. Of tracks in several forms one is planned: with named keypoints rather than without, filtered rather
    than not, then by format (HDF5, SLEAP, CSV, MATLAB, NumPy), then the shorter name.

    Parameters
    ----------
    sources
        The folders and files that were looked through.
    found
        What each file holds.
    asked
        What holds for all recordings; an empty species is guessed, and the frame rate is used where the files tell
        none. Its ``tracks`` is not used.
    taken
        Names of recordings that the project has already.
    same
        Whether two files hold the same tracks; asked where names alone do not tell.
    """
    tracks, left = without_twins([f for f in found if f.kind in TRACKS], same)
    moving = [t for t in tracks if t.kind != "windows"]
    kinds = {kind: Candidates(f for f in found if f.kind == kind) for kind in ("video", "timestamps", "temperature")}
    kinds["labels"] = Candidates(f for f in found if f.kind == "labels" and f.columns)
    matches = {kind: match(moving, candidates) for kind, candidates in kinds.items()}
    match_alone(matches["video"], moving, kinds["video"], by_length=True)
    match_alone(matches["timestamps"], moving, kinds["timestamps"], by_length=True)
    match_alone(matches["labels"], moving, kinds["labels"], by_length=True)
    match_alone(matches["temperature"], _with_logs(moving), kinds["temperature"], by_length=False)
    _drop_other_lengths(matches)
    folders = [Path(source).absolute() for source in sources]
    species, names = species_of(tracks, folders), names_of(tracks, taken)
    views, users = views_of(tracks), matches["video"].used
    planned = []
    for each in tracks:
        wish = replace(asked, tracks=each.path, species=asked.species or species[each.path], name=names[each.path])
        wish = replace(wish, mapping=asked.mapping.absolute() if each.format == MAPPED else Path())
        video = matches["video"].of.get(each.path, (FoundFile(Path()), ""))[0]
        notes = [*_shared(each, users.get(video.path, ())), *_views(views.get(each.path, ()), names)]
        planned.append(_planned(each, wish, matches, notes))
    used = {path for each in matches.values() for path in each.used}
    left += [LeftOver(f, _reason(f)) for f in found if f.kind not in TRACKS and f.path not in used]
    return ImportPlan(
        tuple(folders),
        tuple(sorted(planned, key=lambda r: (natural(r.request.species), natural(r.request.name)))),
        tuple(sorted(left, key=lambda x: x.found.path)),
    )


def _with_logs(tracks: Sequence[FoundFile]) -> list[FoundFile]:
    """Return the tracks that a log without a like name may belong to: beside outlines, a pose has none."""
    outlined = {t.path.parent for t in tracks if t.kind == "outline"}
    return [t for t in tracks if t.kind == "outline" or t.path.parent not in outlined]


def _drop_other_lengths(matches: dict[str, Matches]) -> None:
    """Take back timestamps that are as many as neither poses nor video frames."""
    for tracks, (file, how) in list(matches["timestamps"].of.items()):
        video = matches["video"].of.get(tracks, (FoundFile(Path()), ""))[0]
        wrong = file.n_frames and video.n_frames and abs(file.n_frames - video.n_frames) > _SAME_LENGTH
        if wrong and not how.startswith("the only"):
            del matches["timestamps"].of[tracks]
            told = f"none; {file.path.name} has {file.n_frames} times, the video {video.n_frames} frames"
            matches["timestamps"].notes[tracks] = told


def _shared(tracks: FoundFile, users: Sequence[Path]) -> list[str]:
    if len(users) < 2:
        return []
    others = [path.name for path in users[: _NAMED + 1] if path != tracks.path][:_NAMED]
    more = f" and {len(users) - 1 - _NAMED} more" if len(users) - 1 > _NAMED else ""
    return [f"video: also that of {', '.join(others)}{more}"]


def _views(others: Iterable[Path], names: dict[Path, str]) -> list[str]:
    named = ", ".join(names[path] for path in others)
    return [f"a view of the same animals as {named}; each view is a recording of its own"] if named else []


def _planned(
    tracks: FoundFile, wish: AddRequest, matches: dict[str, Matches], notes: Sequence[str]
) -> PlannedRecording:
    """Return a recording with what was found for it."""
    found = {kind: each.of[tracks.path] for kind, each in matches.items() if tracks.path in each.of}
    files = {kind: file for kind, (file, _) in found.items()}
    nothing = FoundFile(Path())
    video, times = files.get("video", nothing), files.get("timestamps", nothing)
    temperature, told = _temperature(tracks, wish, files)
    labels = files.get("labels", nothing)
    told_fps = tracks.fps or times.fps or video.fps
    request = replace(
        wish,
        fps=0.0 if told_fps else wish.fps,
        video=video.path,
        timestamps=times.path,
        temperature=temperature,
        covariates={**_streams(labels), **wish.covariates},
    )
    pairing = [f"{kind}: {how}{_figures(kind, tracks, file)}" for kind, (file, how) in found.items()]
    pairing += [f"{kind}: {each.notes[tracks.path]}" for kind, each in matches.items() if tracks.path in each.notes]
    own = [text for text in tracks.notes if not (video.n_frames and NAMES_VIDEO.search(text))]
    return PlannedRecording(
        request,
        tracks,
        told_fps=told_fps,
        video_frames=video.n_frames,
        notes=(*pairing, *told, *_lengths(tracks, video), *notes, *own),
        needs_clock=tracks.kind != "windows",
    )


def _streams(labels: FoundFile) -> dict[str, str]:
    """Return the covariates that a file of labels gives: one for each stream."""
    if len(labels.columns) == 1:
        return {LABELS: str(labels.path)}
    return {name: f"{labels.path}::{name}" for name in labels.columns}


def _temperature(tracks: FoundFile, asked: AddRequest, files: dict[str, FoundFile]) -> tuple[str, list[str]]:
    """Return where the temperature comes from: what was asked for, a log, the tracks, or the folder's name."""
    if asked.temperature or "temperature" in files:
        log = files.get("temperature", FoundFile(Path()))
        open_ = () if asked.temperature or asked.temperature_unit else log.notes
        return asked.temperature or str(log.path), [f"temperature: {log.path.name}: {text}" for text in open_]
    if len(tracks.columns) == 1:
        return f"column:{tracks.columns[0]}", [f"temperature: column {tracks.columns[0]} of the tracks' own file"]
    celsius = temperature_from_name(tracks.path.parent.name)
    if math.isnan(celsius):
        return "", []
    return "folder", [f"temperature: {celsius:g} °C, by the name of the folder"]


def _figures(kind: str, tracks: FoundFile, file: FoundFile) -> str:
    if not file.n_frames or kind == "temperature":
        return f" ({file.path.name})"
    pieces = {"video": "frames", "timestamps": "times", "labels": "labelled frames"}[kind]
    return f" ({file.path.name}); {tracks.n_frames} {_PIECES[tracks.kind]}, {file.n_frames} {pieces}"


def _lengths(tracks: FoundFile, video: FoundFile) -> list[str]:
    """Return what follows from a video of another length."""
    ours, theirs, pieces = tracks.n_frames, video.n_frames, _PIECES[tracks.kind]
    if not theirs or ours == theirs:
        return []
    if ours > theirs:
        return [f"the tracks have {ours} frames, the video {theirs}: frames from {theirs} on have no picture"]
    return [f"the video has {theirs} frames, the tracks {ours}: the rest of the video has no {pieces}"]


def _reason(found: FoundFile) -> str:
    """Return why a file that holds no tracks is left over."""
    if found.kind == "video":
        return "a video with something drawn in" if is_rendition(found.path) else "a video of no recording here"
    if found.kind == "temperature":
        return "a temperature log that fits no recording, or several equally well"
    if found.kind == "timestamps":
        return "timestamps that fit no recording, or several equally well"
    if found.kind == "labels" and found.columns:
        return "labels of no recording here"
    return found.notes[0].rstrip(".") if found.notes else "not known"
