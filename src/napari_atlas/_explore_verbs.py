"""Verbs on what a run shows: cluster, score, clips, export, serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from napari_atlas._speech import PATH, Stop, answer_requests, follow, json_flag, leave_if_stopped, say
from napari_atlas.analysis.exemplars import CHOICES, ExemplarWishes
from napari_atlas.errors import InputError

__all__ = ["VERBS"]


@click.command()
@click.argument("project", type=PATH)
@click.argument("out", type=PATH)
@click.option("--of", default="", metavar="'cluster NAME/LABEL'", help="Show windows of a cluster.")
@click.option("--selection", default="", metavar="NAME", help="Show windows of a selection kept in the project.")
@click.option("--windows", default="", metavar="ID,...", help="Show these windows, all of them.")
@click.option("--run", default="", help="Run whose windows are meant; else the newest.")
@click.option("--n", default=9, help="How many windows stand for all, at most.")
@click.option("--choose", type=click.Choice(CHOICES), default="medoids", help="Typical ones, or any.")
@click.option("--seed", default=0, help="Seed of the choice.")
@click.option("--among", type=click.Choice(["test", "validation", "train", "all"]), default="test", help="Their split.")
@click.option("--per-recording", default=0, metavar="N", help="At most so many of one recording.")
@click.option("--fps", default=25.0, help="Pictures per second.")
@click.option("--size", default="320x240", metavar="WxH", help="Pixels of one clip.")
@click.option("--format", "form", type=click.Choice(["mp4", "gif", "png"]), default="mp4", help="png gives stills.")
@click.option("--grid", is_flag=True, help="Let all play beside one another in one film.")
@json_flag
def clips(project: Path, out: Path, run: str, as_json: bool, **typed: Any) -> None:
    """Write clips of a few windows into the folder OUT, with a list of the frames that each shows."""
    from napari_atlas import workflow

    among = "" if typed["among"] == "all" else typed["among"]
    few = ExemplarWishes(typed["n"], typed["choose"], typed["seed"], among, typed["per_recording"])
    wishes = workflow.ClipWishes(
        of=typed["of"],
        selection=typed["selection"],
        windows=_numbers("--windows", typed["windows"], ","),
        exemplars=few,
        fps=typed["fps"],
        size=_size(typed["size"]),
        form=typed["form"],
        grid=typed["grid"],
    )
    stop = Stop().listen()
    follow(workflow.make_clips(project, out, wishes, run, stop), as_json)
    leave_if_stopped(stop)


def _size(text: str) -> tuple[int, int]:
    numbers = _numbers("--size", text.lower(), "x")
    if len(numbers) != 2:
        raise InputError.of(f"--size {text}", "that is no width and height", "write 320x240")
    return numbers[0], numbers[1]


@click.command()
@click.argument("project", type=PATH)
@click.option("--run", default="", help="Which run; else the newest.")
@click.option("--method", type=click.Choice(["kmeans", "gmm", "hdbscan"]), default="kmeans", help="How they are found.")
@click.option("--k", type=int, default=None, help="How many clusters, for kmeans and gmm; else 8.")
@click.option("--min-size", type=int, default=None, help="Fewest windows of a cluster, for hdbscan.")
@click.option("--seed", default=0, help="The same seed gives the same clusters.")
@click.option("--name", default="", help="What they are called; else a name is made.")
@click.option("--replace", is_flag=True, help="Write over clusters of that name.")
@json_flag
def cluster(project: Path, run: str, as_json: bool, **typed: Any) -> None:
    """Put the windows of a run into clusters, and tell how far these can be believed."""
    from napari_atlas import workflow
    from napari_atlas.analysis.clusters import ClusterRecipe

    method, k, least = typed["method"], typed["k"], typed["min_size"]
    if method == "hdbscan" and k is not None:
        raise InputError.of("--k", "hdbscan finds out by itself how many there are", "leave it out")
    if method != "hdbscan" and least is not None:
        raise InputError.of("--min-size", f"{method} has no use for it", "leave it out, or write --method hdbscan")
    recipe = ClusterRecipe(method, 8 if k is None else k, least or 0, typed["seed"])
    for event in workflow.cluster(project, recipe, run, typed["name"], replace=typed["replace"]):
        say(event.as_dict(), "\n  ".join([event.text, *event.data.get("lines", ())]), as_json)


@click.command()
@click.argument("project", type=PATH)
@click.option("--run", default="", help="Which run; else the newest.")
@click.option("--variables", default="", metavar="NAME,...", help="Else those of the fit, animal and recording.")
@click.option("--behaviour", default="", metavar="NAME", help="The covariate that tells what was done.")
@click.option("--baseline", default="", metavar="RUN", help="Compare how well windows are drawn with this run.")
@click.option("--groups", type=click.Choice(["stretches", "recordings"]), default="stretches", help="What is held out.")
@click.option("--seed", default=0, help="The same seed gives the same figures.")
@json_flag
def score(project: Path, run: str, as_json: bool, **typed: Any) -> None:
    """Measure what the latent tells of animal, recording, speed and the like, beside chance and beside the signal."""
    from napari_atlas import workflow

    grouped = typed["groups"] == "recordings"
    wishes = workflow.ScoreWishes(typed["variables"], typed["behaviour"], typed["baseline"], grouped, typed["seed"])
    stop = Stop().listen()
    for event in workflow.score(project, wishes, run, stop):
        say(event.as_dict(), "\n  ".join([event.text, *event.data.get("lines", ())]), as_json)


@click.command()
@click.argument("project", type=PATH)
@click.argument("file", type=PATH)
@click.option("--run", default="", help="Run whose windows are meant; else the newest.")
@click.option("--selection", default="", metavar="NAME", help="Only windows of a selection kept in the project.")
@click.option("--windows", default="", metavar="ID,...", help="Only these windows.")
@click.option("--format", "form", type=click.Choice(["csv", "tsv", "parquet"]), default=None, help="Else by the name.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@json_flag
def export(project: Path, file: Path, run: str, as_json: bool, **typed: Any) -> None:
    """Write all that is known of the windows as one table, a row for each, with a file beside it that explains it."""
    from napari_atlas import workflow

    if typed["selection"] and typed["windows"]:
        raise InputError.of("--windows", "--selection names windows already", "leave one of the two out")
    ids = _numbers("--windows", typed["windows"], ",")
    wishes = workflow.ExportWishes(file, typed["form"] or "", typed["selection"], ids, typed["force"])
    follow(workflow.export(project, wishes, run), as_json)


@click.command()
@click.argument("project", type=PATH)
@click.option("--run", default="", help="Which run; else the newest.")
@json_flag
def serve(project: Path, run: str, as_json: bool) -> None:
    """Load a run once and decode on request: a JSON object a line comes in, and one goes out for each.

    It ends with its input, or with the process that started it. See 'Synthesis' in the documentation for the requests.
    """
    from napari_atlas import workflow

    answer_requests(lambda lines: workflow.serve(project, run, lines))


def _numbers(option: str, text: str, between: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(between)) if text else ()
    except ValueError as error:
        raise InputError.of(f"{option} {text}", "that is no list of numbers", f"write 1{between}2") from error


VERBS: tuple[click.Command, ...] = (clips, cluster, export, score, serve)
