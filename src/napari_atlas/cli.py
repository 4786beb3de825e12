"""The verbs, typed; the only place that prints."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from napari_atlas import __version__
from napari_atlas.data.config import FitConfig, describe
from napari_atlas.data.project import AddRequest
from napari_atlas.data.results import Event
from napari_atlas.errors import AtlasError, InputError, StoppedError

__all__ = ["cli", "main"]

PATH = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**31 - 1)
json_flag = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")


@click.group()
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """See behaviour across species: tracks in, one latent map out, linked to the video."""


class _Stop:
    """Whether Ctrl-C or a termination signal asked for a stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def listen(self) -> _Stop:
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._ask)
        return self

    def _ask(self, *_: object) -> None:
        self.asked = True


@cli.command()
@click.argument("files", type=PATH, nargs=-1, required=True)
@json_flag
def inspect(files: tuple[Path, ...], as_json: bool) -> None:
    """Tell what files hold: kind, format, frames, animals, keypoints, what is missing."""
    from napari_atlas import workflow

    for path in files:
        found = workflow.inspect(path)
        _say(found, _inspection_text(found), as_json)


@cli.command()
@click.argument("project", type=PATH)
@click.option("--name", default="", help="What the window calls it.")
@json_flag
def new(project: Path, name: str, as_json: bool) -> None:
    """Make an empty project folder."""
    from napari_atlas import workflow

    made = workflow.new(project, name)
    _say({"event": "done", "project": str(made.folder)}, f"made {made.folder}", as_json)


@cli.command()
@click.argument("project", type=PATH)
@click.argument("tracks", type=PATH)
@click.option("--species", required=True, help="Species (or rig) that it belongs to; a new name makes a new one.")
@click.option("--name", default="", help="Name of the recording; else the file's.")
@click.option("--video", default=Path(), type=PATH, help="Its video.")
@click.option("--fps", default=0.0, help="Frames per second, if the files do not tell.")
@click.option("--temperature", default="", help="A log (CSV), a number in °C, or 'folder' for the folder's name.")
@click.option("--led-on", "led_on_frame", default=0, help="Video frame at which time is zero.")
@click.option("--tracking-start", "tracking_start_frame", default=-1, help="Video frame of the first tracked sample.")
@click.option("--signal", default=None, help="Signal of a new species.")
@click.option("--keypoints", default=None, help="Keypoints that it uses, with commas between.")
@click.option("--bin-rate", type=float, default=None, help="Bins per second; 0 takes every frame.")
@click.option("--window", type=float, default=None, help="Window length in seconds.")
@click.option("--stride", type=float, default=None, help="Window step in seconds.")
@json_flag
def add(project: Path, as_json: bool, **options: Any) -> None:
    """Add a recording to a project."""
    from napari_atlas import workflow

    names = ("signal", "keypoints", "bin_rate", "window", "stride")
    settings = {name: value for name in names if (value := options.pop(name)) is not None}
    if "keypoints" in settings:
        settings["keypoints"] = tuple(k.strip() for k in settings["keypoints"].split(","))
    for entry in workflow.add(project, AddRequest(**options, settings=settings)):
        told = {"event": "done", "recording": entry.name, "species": entry.species, "fps": entry.fps}
        _say(told, f"added {entry.name} ({entry.species})", as_json)


@cli.command()
@click.argument("project", type=PATH)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting; may be repeated.")
@click.option("--from-reference", type=PATH, default=None, help="Take the weights of a reference checkpoint.")
@click.option("--resume", is_flag=False, flag_value="", metavar="[RUN]", help="Continue a run; else the newest.")
@click.option("--list-settings", is_flag=True, help="List all settings and leave.")
@json_flag
def fit(project: Path, settings: tuple[str, ...], list_settings: bool, as_json: bool, **source: Any) -> None:
    """Fit the model; Ctrl-C stops it and keeps the best epoch so far, and --resume goes on from there."""
    from napari_atlas import workflow

    if list_settings:
        for knob in describe():
            _say(knob, f"{knob['name']} = {knob['default']}  {knob['meaning']}", as_json)
        return
    reference, resume = source["from_reference"], source["resume"]
    if resume is not None and (settings or reference):
        raise InputError.of("--resume", "a run that is resumed keeps its settings", "leave the other options out")
    config = FitConfig.from_dict(dict(_pair(text) for text in settings))
    stop = _Stop().listen()
    _follow(workflow.fit(project, config, stop, reference, resume), as_json)
    _leave_if_stopped(stop)


@cli.command()
@click.argument("project", type=PATH)
@click.option("--delete", default="", metavar="RUN", help="Delete this run.")
@json_flag
def runs(project: Path, delete: str, as_json: bool) -> None:
    """List the fits of a project, or delete one."""
    from napari_atlas import workflow

    if delete:
        workflow.delete_run(project, delete)
        _say({"event": "done", "deleted": delete}, f"deleted run {delete}", as_json)
        return
    found = workflow.runs(project)
    for summary in found:
        figures = _r2_text(summary.get("temperature_r2", {}))
        _say(summary, f"{summary['run']}  {summary['state']}, {summary['epochs']} epochs{figures}", as_json)
    if not found and not as_json:
        click.echo("no run yet: fit one with 'napari-atlas fit PROJECT'")


@cli.command("map")
@click.argument("project", type=PATH)
@click.option("--run", default="", help="Which run; else the newest.")
@click.option("--neighbors", default=15, help="Neighbours that UMAP looks at.")
@click.option("--min-dist", default=0.1, help="How tightly points are packed, 0 to 1.")
@click.option("--seed", default=0, help="The same seed gives the same map.")
@json_flag
def map_(project: Path, run: str, as_json: bool, **recipe: Any) -> None:
    """Lay the latent out in two dimensions (UMAP)."""
    from napari_atlas import workflow
    from napari_atlas.analysis.projection import MapRecipe

    chosen = MapRecipe(recipe["neighbors"], recipe["min_dist"], recipe["seed"])
    _follow(workflow.make_map(project, chosen, run), as_json)


@cli.command("open")
@click.argument("project", type=PATH)
@click.option("--run", default="", help="Which run; else the newest.")
@click.option("--pictures", type=PATH, default=None, help="Leave pictures of the workspace in this folder and end.")
def open_(project: Path, run: str, pictures: Path | None) -> None:
    """Open the workspace."""
    from napari_atlas.io.project import read_project

    read_project(project)
    from napari_atlas.views.launch import capture, launch

    if pictures is None:
        launch(project, run)
        return
    for path in capture(project, pictures):
        click.echo(f"picture: {path}")


@cli.command()
@click.argument("folder", type=PATH, default=Path("demo"))
@click.option("--show/--no-show", default=True, help="Open the workspace at the end.")
@click.option("--seed", default=0, type=SEED, help="Seed of the sample and of the fit.")
@json_flag
def demo(folder: Path, show: bool, seed: int, as_json: bool) -> None:
    """Make the reef sample, fit it, map it, and open it; without a display, leave screenshots."""
    from napari_atlas import workflow

    stop = _Stop().listen()
    _follow(workflow.demo(folder, seed, stop), as_json)
    _leave_if_stopped(stop)
    if show:
        from napari_atlas.views.launch import launch_or_capture

        for line in launch_or_capture(folder / workflow.DEMO_PROJECT, folder):
            _say({"event": "log", "text": line}, line, as_json)


def main() -> None:
    """Run a verb; leave with 0 done, 2 refused input, 3 stopped, 1 fault."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = cli.main(prog_name="napari-atlas", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as wanted:
        code = _fail(wanted.format_message(), 2)
    except click.ClickException as error:
        code = _fail("error: " + " ".join(error.format_message().split()), 2)
    except (KeyboardInterrupt, click.Abort):
        code = 3
    except AtlasError as error:
        code = _fail(
            f"error: {error}", 3 if isinstance(error, StoppedError) else 2 if isinstance(error, InputError) else 1
        )
    sys.exit(code if isinstance(code, int) else 0)


def _leave_if_stopped(stop: _Stop) -> None:
    if stop.asked:
        raise click.exceptions.Exit(3)


def _fail(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code


def _follow(events: Iterable[Event], as_json: bool) -> None:
    for event in events:
        _say(event.as_dict(), event.text + _r2_text(event.data.get("temperature_r2", {})), as_json)


def _say(value: dict[str, Any], text: str, as_json: bool) -> None:
    """Print a line; a reader that went away is no reason to stop."""
    try:
        print(json.dumps(value, ensure_ascii=False, default=str) if as_json else text, flush=True)  # noqa: T201
    except (BrokenPipeError, OSError):
        sys.stdout = open("/dev/null" if sys.platform != "win32" else "NUL", "w", encoding="utf-8")  # noqa: PTH123, SIM115


def _pair(text: str) -> tuple[str, str]:
    key, mark, value = text.partition("=")
    if not mark:
        raise InputError.of(f"--set {text}", "there is no = in it", "write --set key=value")
    return key.strip(), value.strip()


def _r2_text(figures: dict[str, dict[str, Any]]) -> str:
    told = [
        f"{name} {_figure(f['test'])} (training {_figure(f['train'])}, shuffled {_figure(f['shuffled'])})"
        for name, f in figures.items()
    ]
    return "\n  temperature R² on held-out windows: " + "; ".join(told) if told else ""


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def _inspection_text(found: dict[str, Any]) -> str:
    told = [f"{found['path']}: {found['kind']}" + (f" ({found['format']})" if found.get("format") else "")]
    for name in ("n_frames", "fps", "first_frame", "individuals", "keypoints", "missing_fraction"):
        value = found.get(name)
        if value not in (None, "", [], ()):
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
            told.append(f"  {name.replace('_', ' ')}: {shown}")
    told += [f"  note: {note}" for note in found.get("notes") or ()]
    return "\n".join(told)
