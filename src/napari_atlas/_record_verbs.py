"""Verbs on files and recordings: inspect, new, add, change, remove, proxy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from napari_atlas._speech import PATH, Stop, follow, json_flag, leave_if_stopped, say
from napari_atlas._terminal import IMPORT_OPTIONS, check_import, import_events, import_options
from napari_atlas.data.project import AddRequest, RecordingEntry
from napari_atlas.data.species import REFINEMENTS
from napari_atlas.errors import InputError

__all__ = ["VERBS"]

_OF_RECORDING: dict[str, dict[str, Any]] = {
    "--species": {"help": "Species (or rig) that it belongs to; a new name makes a new one."},
    "--video": {"type": PATH, "help": "Its video."},
    "--fps": {"type": float, "help": "Frames per second, if the files do not tell."},
    "--timestamps": {"type": PATH, "help": "File with the time of each video frame."},
    "--timestamps-unit": {"help": "Unit of these times: s, ms, us or ns."},
    "--start": {"help": "Wall-clock time of time zero, for logs that tell clock times."},
    "--led-on": {"type": int, "dest": "led_on_frame", "help": "Video frame at which time is zero."},
    "--tracking-start": {
        "type": int,
        "dest": "tracking_start_frame",
        "help": "Video frame of the first tracked sample.",
    },
    "--temperature": {"help": "A log (CSV), a number in °C, column:NAME, or 'folder' for the folder's name."},
    "--temperature-unit": {"help": "Unit of a log that does not tell: C, F or K."},
    "--extend": {"is_flag": True, "default": None, "help": "Let a log's first and last reading hold beyond its ends."},
    "--animals": {"metavar": "NAME,...", "help": "Names for the animals, in the order of the file."},
    "--condition": {
        "multiple": True,
        "dest": "conditions",
        "metavar": "NAME=LABEL",
        "help": "A label, such as treatment=heat.",
    },
    "--covariate": {
        "multiple": True,
        "dest": "covariates",
        "metavar": "NAME=WHAT",
        "help": "A number or class: a value, FILE, FILE::COLUMN or column:NAME.",
    },
}
_OF_SPECIES: dict[str, dict[str, Any]] = {
    "--signal": {"help": "Signal of a new species, or several with ' + ' between."},
    "--keypoints": {"help": "Keypoints that it uses, with commas between."},
    "--bin-rate": {"type": float, "help": "Bins per second; 0 takes every frame."},
    "--window": {"type": float, "help": "Window length in seconds."},
    "--stride": {"type": float, "help": "Window step in seconds."},
    "--min-confidence": {"type": float, "help": "Leave out positions of less confidence, 0 to 1."},
    "--max-jump": {"type": float, "help": "Leave out positions that leap further, in px per frame."},
    "--fill-gap": {"type": int, "help": "Fill gaps of at most so many frames."},
    "--median": {"type": int, "help": "Frames of a running median, an odd number."},
    "--front": {"help": "Keypoint at the front of the body axis, for egocentric-pose."},
    "--back": {"help": "Keypoint at its back."},
    "--center": {"help": "Keypoint that becomes the origin; else the middle of the axis."},
    "--angles": {"metavar": "A,B,C;...", "help": "Triplets of keypoints, for joint-angles."},
    "--tree": {"metavar": "A,B,C;...|FILE", "help": "Chains of keypoints from the root, for pose-6d."},
    "--facing": {"help": "How pose-6d tells the heading: midfwd (turning alone) or x360 (as it is)."},
    "--n-descriptors": {"type": int, "help": "Numbers that tell the shape, for outline-shape."},
}


def _options(named: dict[str, dict[str, Any]]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def give(command: Callable[..., None]) -> Callable[..., None]:
        for name, how in reversed(named.items()):
            keys = {key: value for key, value in how.items() if key != "dest"}
            command = click.option(name, *([how["dest"]] if "dest" in how else []), **keys)(command)
        return command

    return give


@click.command()
@click.argument("files", type=PATH, nargs=-1, required=True)
@json_flag
def inspect(files: tuple[Path, ...], as_json: bool) -> None:
    """Tell what files hold: kind, format, frames, animals, keypoints, what is missing."""
    from napari_atlas import workflow

    for path in files:
        found = workflow.inspect(path)
        say(found, _inspection_text(found), as_json)


@click.command()
@click.argument("project", type=PATH)
@click.option("--name", default="", help="What the window calls it.")
@json_flag
def new(project: Path, name: str, as_json: bool) -> None:
    """Make an empty project folder."""
    from napari_atlas import workflow

    made = workflow.new(project, name)
    say({"event": "done", "project": str(made.folder)}, f"made {made.folder}", as_json)


@click.command()
@click.argument("project", type=PATH)
@click.argument("tracks", type=PATH, required=False)
@click.option("--name", default=None, help="Name of the recording; else the file's.")
@click.option("--mapping", type=PATH, default=None, help="A saved column mapping, for a table of no known format.")
@_options(_OF_RECORDING)
@_options(_OF_SPECIES)
@import_options
@json_flag
def add(project: Path, as_json: bool, **options: Any) -> None:
    """Add a recording to a project, or all that is found in a folder."""
    from napari_atlas import workflow

    many = {name: options.pop(name) for name in IMPORT_OPTIONS}
    given = _given(options)
    check_import(many, given)
    if many["recursive"] or many["plan"]:
        _add_many(project, many, given, as_json)
        return
    if "tracks" not in given:
        raise click.MissingParameter(param_type="argument", param_hint="'TRACKS'")
    if "species" not in given:
        raise click.MissingParameter(param_type="option", param_hint="'--species'")
    _say_of(project, workflow.add(project, AddRequest(**given)), "added", as_json)


def _add_many(project: Path, many: dict[str, Any], options: dict[str, Any], as_json: bool) -> None:
    """Plan what folders hold and add it, or add what a plan says; leave with 2 if anything was refused."""
    stop = Stop().listen()
    for event, text in import_events(project, many, options, stop):
        if as_json or text:
            say(event.as_dict(), text, as_json)
    leave_if_stopped(stop)
    if event.data.get("refused"):
        raise InputError(event.text)


@click.command()
@click.argument("project", type=PATH)
@click.argument("recordings", nargs=-1, required=True, metavar="RECORDING...")
@_options(_OF_RECORDING)
@json_flag
def change(project: Path, recordings: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Change what a project says of recordings; '' takes a video, a temperature or the like away."""
    from napari_atlas import workflow

    given = _given(options)
    if not given:
        raise InputError.of("change", "nothing says what to change", "give an option, such as --fps 30")
    _say_of(project, workflow.change(project, recordings, given), "changed", as_json)


@click.command()
@click.argument("project", type=PATH)
@click.argument("recordings", nargs=-1, required=True, metavar="RECORDING...")
@json_flag
def remove(project: Path, recordings: tuple[str, ...], as_json: bool) -> None:
    """Take recordings out of a project; their files stay where they are."""
    from napari_atlas import workflow

    workflow.remove(project, recordings)
    say({"event": "done", "removed": list(recordings)}, f"removed {', '.join(recordings)}", as_json)


@click.command()
@click.argument("project", type=PATH)
@click.argument("recordings", nargs=-1, metavar="[RECORDING]...")
@json_flag
def proxy(project: Path, recordings: tuple[str, ...], as_json: bool) -> None:
    """Write copies of a project's videos in which any frame is found at once, for smooth scrubbing."""
    from napari_atlas import workflow

    stop = Stop().listen()
    follow(workflow.make_proxies(project, recordings, stop), as_json)
    leave_if_stopped(stop)


@click.command("_tasks", hidden=True)
def _tasks() -> None:
    """Do the tasks that come on stdin; the window and other verbs start it."""
    from napari_atlas import workflow

    workflow.serve_tasks()


VERBS = (inspect, new, add, change, remove, proxy, _tasks)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were typed as fields of `AddRequest`."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    for name in ("conditions", "covariates"):
        if name in given:
            given[name] = dict(_pair(f"--{name[:-1]}", text) for text in given[name])
    if "animals" in given:
        given["animals"] = _listed(given["animals"]) if given["animals"] else ()
    names = [name for name in ("signal", "keypoints", "bin_rate", "window", "stride", *REFINEMENTS) if name in given]
    settings = {name: given.pop(name) for name in names}
    if "keypoints" in settings:
        settings["keypoints"] = _listed(settings["keypoints"])
    if "tree" in settings and Path(settings["tree"]).is_file():
        from napari_atlas.io.trees import read_tree

        settings["tree"] = read_tree(Path(settings["tree"])).spelled
    for name in {"angles", "tree"} & settings.keys():
        if isinstance(settings[name], str):
            settings[name] = tuple(_listed(part) for part in settings[name].split(";") if part.strip())
    return {**given, "settings": settings} if settings else given


def _pair(option: str, text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise InputError.of(f"{option} {text}", "there is no = in it", f"write {option} name=value")
    return name.strip(), value.strip()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _say_of(project: Path, entries: Sequence[RecordingEntry], verb: str, as_json: bool) -> None:
    """Say that recordings were added or changed, with what is to be known of them."""
    from napari_atlas import workflow

    noted = workflow.notes_of(project, [entry.name for entry in entries])
    for entry in entries:
        notes = noted[entry.name]
        told = {"recording": entry.name, "species": entry.species, "fps": entry.fps}
        told |= {"notes": list(notes)} if notes else {}
        text = [f"{verb} {entry.name} ({entry.species})", *(f"  note: {note}" for note in notes)]
        say({"event": "done", **told}, "\n".join(text), as_json)


def _inspection_text(found: dict[str, Any]) -> str:
    told = [f"{found['path']}: {found['kind']}" + (f" ({found['format']})" if found.get("format") else "")]
    told = [told[0].replace("unknown (unknown)", "unknown")]
    for name in ("n_frames", "fps", "first_frame", "individuals", "keypoints", "missing_fraction"):
        value = found.get(name)
        if value and value != []:
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else f"{value:.6g}"
            told.append(f"  {name.replace('_', ' ')}: {shown}")
    for name, facts in found.get("covariates", {}).items():
        told.append(f"  {name}: " + ", ".join(f"{key.replace('_', ' ')} {_plain(v)}" for key, v in facts.items()))
    told += [f"  note: {note}" for note in found.get("notes") or ()]
    return "\n".join(told)
