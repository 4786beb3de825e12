"""The verbs, typed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from napari_atlas import __version__, _explore_verbs, _record_verbs
from napari_atlas._speech import PATH, Stop, follow, json_flag, leave_if_stopped, say, say_all
from napari_atlas._terminal import comparison_text, sweep_text, typed_settings
from napari_atlas.analysis import report
from napari_atlas.data.config import FitConfig, describe
from napari_atlas.data.config_text import json_schema
from napari_atlas.data.presets import PRESETS
from napari_atlas.errors import AtlasError, InputError, StoppedError

__all__ = ["cli", "main"]

SEED = click.IntRange(0, 2**31 - 1)


@click.group()
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """See behaviour across species: tracks in, one latent map out, linked to the video."""


for _verb in (*_record_verbs.VERBS, *_explore_verbs.VERBS):
    cli.add_command(_verb)


@cli.command()
@click.argument("project", type=PATH, required=False)
@click.option("--preset", type=click.Choice(list(PRESETS)), default="default", help="Settings that belong together.")
@click.option("--config", "file", type=PATH, default=None, help="A file of settings, TOML or JSON.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting; may be repeated.")
@click.option("--from-reference", type=PATH, default=None, help="Take the weights of a reference checkpoint.")
@click.option("--init-from", default=None, metavar="RUN_OR_FILE", help="Begin with these weights, not at random.")
@click.option("--freeze", is_flag=True, help="Keep what these weights have learned; train only what is new.")
@click.option("--resume", is_flag=False, flag_value="", metavar="[RUN]", help="Continue a run; else the newest.")
@click.option("--sweep", type=PATH, default=None, help="Fit all points of this sweep, each as a run of its own.")
@click.option("--point", type=click.IntRange(min=1), default=None, help="Of a sweep, fit this point alone; from 1.")
@click.option("--list-settings", "tell", flag_value="list", help="List all settings and leave.")
@click.option("--toml", "tell", flag_value="toml", help="Print the settings as a TOML file and leave.")
@click.option("--schema", "tell", flag_value="schema", help="Print the JSON schema of such a file and leave.")
@json_flag
def fit(project: Path | None, tell: str | None, as_json: bool, **typed: Any) -> None:
    """Fit the model; Ctrl-C stops it and keeps the best epoch so far, and --resume goes on from there.

    Of settings that are given twice, --set wins over --config, and that over --preset.
    """
    from napari_atlas import workflow

    given = typed_settings(typed["preset"], typed["file"], typed["settings"])
    config = FitConfig.from_dict(given)
    if tell:
        _tell_settings(tell, config, as_json)
        return
    if project is None:
        raise click.MissingParameter(param_type="argument", param_hint="'PROJECT'")
    reference, resume, sweep = typed["from_reference"], typed["resume"], typed["sweep"]
    _check_together(given, typed)
    init = typed["init_from"]
    init_from = None if init is None else workflow.InitFrom(init, typed["freeze"])
    stop = Stop().listen()
    if sweep:
        for event in workflow.sweep(project, sweep, given, stop, typed["point"] or 0):
            say(event.as_dict(), event.text + sweep_text(event.data.get("rows", [])), as_json)
    else:
        follow(workflow.fit(project, config, stop, reference, resume, init_from=init_from), as_json)
    leave_if_stopped(stop)


def _check_together(given: dict[str, Any], typed: dict[str, Any]) -> None:
    """Refuse options of a fit that exclude each other."""
    sweep, begins = typed["sweep"], typed["from_reference"] or typed["init_from"] is not None
    if typed["resume"] is not None and (given or begins or sweep or typed["freeze"]):
        raise InputError.of("--resume", "a run that is resumed keeps its settings", "leave the other options out")
    if (sweep and begins) or (typed["point"] and not sweep):
        raise InputError.of("--sweep", "it goes with settings and --point alone", "leave the other options out")
    if typed["freeze"] and typed["init_from"] is None:
        raise InputError.of("--freeze", "there is nothing to be kept as it is", "name weights with --init-from")
    if typed["from_reference"] and typed["init_from"] is not None:
        raise InputError.of("--init-from", "a fit begins with one set of weights", "leave --from-reference out")


@cli.command()
@click.argument("project", type=PATH)
@click.option("--with", "weights", required=True, metavar="RUN_OR_FILE", help="The model: a run or its weights.")
@json_flag
def encode(project: Path, weights: str, as_json: bool) -> None:
    """Lay recordings into the latent of a trained model, as a new run; nothing is trained."""
    from napari_atlas import workflow

    follow(workflow.encode(project, weights), as_json)


def _tell_settings(form: str, config: FitConfig, as_json: bool) -> None:
    values = config.as_dict()
    if form == "toml":
        say(values, config.to_toml().rstrip(), as_json)
    elif form == "schema":
        say(json_schema(), json.dumps(json_schema(), indent=1), as_json)
    else:
        for knob in describe():
            value = values[knob["name"]]
            say({**knob, "value": value}, f"{knob['name']} = {value}  {knob['meaning']}", as_json)


@cli.command()
@click.argument("project", type=PATH)
@click.argument("names", nargs=-1, metavar="[RUN]...")
@click.option("--compare", is_flag=True, help="Set the runs named, or all, side by side.")
@click.option("--rename", nargs=2, default=None, metavar="RUN NAME", help="Call a run something; '' takes it back.")
@click.option("--delete", default="", metavar="RUN", help="Delete this run.")
@json_flag
def runs(project: Path, names: tuple[str, ...], compare: bool, as_json: bool, **change: Any) -> None:
    """List the fits of a project, compare them, name one, or delete one; a name serves wherever an id does."""
    from napari_atlas import workflow

    if compare:
        say_all(workflow.compare_runs(project, names), comparison_text, as_json)
        return
    if names:
        raise InputError.of(" ".join(names), "nothing says what to do with it", "write --compare to compare runs")
    if change["rename"]:
        run = workflow.rename_run(project, *change["rename"])
        label = change["rename"][1].strip()
        say({"event": "done", "run": run, "label": label}, f"run {run} is called {label or 'nothing'}", as_json)
        return
    delete = change["delete"]
    if delete:
        workflow.delete_run(project, delete)
        say({"event": "done", "deleted": delete}, f"deleted run {delete}", as_json)
        return
    found = workflow.runs(project)
    for summary in found:
        name = "  ".join(text for text in (summary["run"], summary["label"], summary["state"]) if text)
        say(summary, f"{name}, {summary['epochs']} epochs{report.summary(summary)}", as_json)
    if not found and not as_json:
        click.echo("no run yet: fit one with 'napari-atlas fit PROJECT'")


@cli.command("map")
@click.argument("project", type=PATH)
@click.option("--run", default="", help="Which run; else the newest.")
@click.option("--neighbors", default=15, help="Neighbours that UMAP looks at.")
@click.option("--min-dist", default=0.1, help="How tightly points are packed, 0 to 1.")
@click.option("--seed", default=0, help="The same seed gives the same map.")
@click.option("--dims", type=click.Choice(["2", "3"]), default="2", help="Dimensions of the map.")
@click.option("--preview-only", is_flag=True, help="Leave it at the preview, which is there soon.")
@click.option("--only", default="", metavar="FILE_OR_NAME", help="Window ids (.json, .txt), or a saved selection.")
@click.option("--name", default="", help="What the map is called; else after its settings.")
@json_flag
def map_(project: Path, run: str, as_json: bool, **typed: Any) -> None:
    """Lay the latent out in two or three dimensions (UMAP); Ctrl-C leaves the maps that are there."""
    from napari_atlas import workflow
    from napari_atlas.analysis.projection import MapRecipe

    recipe = MapRecipe(typed["neighbors"], typed["min_dist"], typed["seed"], int(typed["dims"]))
    wishes = workflow.MapWishes(typed["only"], typed["name"], typed["preview_only"])
    follow(workflow.make_map(project, recipe, run, Stop().listen(), wishes), as_json)


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

    stop = Stop().listen()
    follow(workflow.demo(folder, seed, stop), as_json)
    leave_if_stopped(stop)
    if show:
        from napari_atlas.views.launch import launch_or_capture

        for line in launch_or_capture(folder / workflow.DEMO_PROJECT, folder):
            say({"event": "log", "text": line}, line, as_json)


def main() -> None:
    """Run a verb; leave with 0 done, 2 refused input, 3 stopped, 1 fault."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    if os.environ.get("RANK", "0") != "0":  # torchrun started several processes, of which the first one speaks
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
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


def _fail(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code
