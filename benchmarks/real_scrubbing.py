"""What scrubbing does to real recordings: who, which session, what was done, and the pose that is drawn again.

Each project is fitted without scrubbing (`plain`), with decoders that are told who it is but no scrubber (`none`), and
with scrubbers. Balanced accuracy or R² on windows that the decoder has not seen, beside chance and the signal itself;
macro F1 of the behaviour by logistic regression with whole recordings held out where there is a label; reconstruction
error of held-out windows. Prints one JSON object, or a Markdown table:

    python benchmarks/real_scrubbing.py SHARED/data [--only rats mouse-3d walkers] [--epochs 40] [--markdown]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_atlas import workflow
from napari_atlas._variables import measure
from napari_atlas.data.cleaning import clean
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest, Project
from napari_atlas.data.species import Species
from napari_atlas.io.loading import load_recording
from napari_atlas.io.project import read_project
from napari_atlas.io.runs import find_run
from napari_atlas.model.decoding import Decoder

TREE = (
    ("node-4", "node-3", "node-2"), ("node-3", "node-0"), ("node-3", "node-1"),
    ("node-4", "node-5", "node-6", "node-7"), ("node-3", "node-11", "node-10", "node-9", "node-8"),
    ("node-3", "node-15", "node-14", "node-13", "node-12"), ("node-5", "node-18", "node-17", "node-16"),
    ("node-5", "node-21", "node-20", "node-19"),
)  # fmt: skip


def rats(project: Path, data: Path) -> None:
    """Add three sessions of two rats each, with what both do in each frame."""
    settings: dict[str, object] = {
        "signal": "egocentric-pose + keypoint-speed", "bin_rate": 10.0, "window": 1.0, "stride": 0.5,
        "fill_gap": 15, "front": "top", "back": "tail",
    }  # fmt: skip
    for session in (5, 24, 54):
        (path,) = (data / "rats").glob(f"{session}DLC*.csv")
        covariates = {"behaviour": f"{data}/rats/{session}_annot.txt::S1"}
        workflow.add(
            project,
            AddRequest(path, "rat", name=f"session-{session}", fps=30.0, settings=settings, covariates=covariates),
        )


def mouse_3d(project: Path, data: Path) -> None:
    """Add one mouse in three dimensions, its heading in the signal; the file tells no frame rate, and 100 is taken."""
    settings: dict[str, object] = {
        "signal": "pose-6d", "facing": "x360", "tree": TREE, "front": "node-3", "back": "node-4",
        "bin_rate": 50.0, "window": 0.2, "stride": 0.06,
    }  # fmt: skip
    path = data / "dannce/mouse1_save_data_AVG.mat"
    workflow.add(project, AddRequest(path, "mouse", name="mouse", fps=100.0, settings=settings))


def walkers(project: Path, data: Path) -> None:
    """Add three mice on a beam seen from the side, and one human in three dimensions."""
    common: dict[str, object] = {"signal": "egocentric-pose", "bin_rate": 50.0, "window": 0.3, "stride": 0.06}
    mouse = {**common, "front": "Nose", "back": "Tail base", "min_confidence": 0.8}
    human = {**common, "window": 0.9, "front": "Hip, right", "back": "Hip, left"}
    for path in sorted((data / "autogaita").glob("*SIMINew*.csv")):
        name = path.name.split("_")[1]
        workflow.add(project, AddRequest(path, "mouse", name=name, fps=100.0, settings=mouse))
    path = data / "autogaita/human_TestSubject.xlsx"
    workflow.add(project, AddRequest(path, "human", name="human", settings=human))


PROJECTS: dict[str, tuple[Callable[[Path, Path], None], str, str, dict[str, object]]] = {
    "rats": (rats, "individual,recording", "recording,individual", {"test_fraction": 0.5}),
    "mouse-3d": (mouse_3d, "heading,speed", "heading,speed", {"pose_weight": 1.0, "batch_size": 16}),
    "walkers": (walkers, "individual,species", "individual,species", {"batch_size": 16}),
}
"""What is added, what is scrubbed, what is measured, and further settings of the fit."""


def fits(scrub: str, further: dict[str, object], epochs: int) -> dict[str, FitConfig]:
    """Return the settings of each way to fit."""
    base = {
        "epochs": epochs, "patience": 0, "batch_size": 128, "learning_rate": 2e-3, "latent_dim": 12, "beta": 0.1,
        "beta_warmup": 5, "split": "block", "device": "cpu", "schedule": "one-cycle", **further,
    }  # fmt: skip
    names = scrub.split(",")
    told = {**base, "condition": scrub}
    ways = {
        "plain": base,
        "none": told,
        "auto": {**base, "scrub": scrub},
        "reversal": {**base, "scrub": ",".join(f"{name}:reversal" for name in names)},
    }
    return {name: FitConfig.from_dict(values) for name, values in ways.items()}


def errors_in_files_unit(project: Path, run: str) -> dict[str, float]:
    """Return by species the root mean squared error of coordinates of egocentric poses, in the unit of its files."""
    whole, fitted, found = read_project(project), find_run(project, run), {}
    latents = fitted.read_latents()
    windows, tracks = workflow.load_windows(whole)
    table, decoder = windows.with_split(latents["split"]).table, Decoder(fitted.weights)
    known = decoder.architecture.variables
    measured = measure(whole, table, [variable.name for variable in known])
    for species in windows.species:
        ids = np.flatnonzero(table.in_split("test") & (table.of_key("species") == species.name))
        if "egocentric-pose" not in species.signal or not ids.size:
            continue
        columns = [variable.columns(measured[variable.name])[ids] for variable in known]
        stacked = np.concatenate([np.empty((ids.size, 0), np.float32), *columns], axis=1)
        names = next(track.channels for track in tracks if track.key.species == species.name)
        of_pose = ["body lengths" in name for name in names]
        missed = decoder.decode(species.name, latents["mu"][ids], stacked) - windows.gather(ids)
        found[species.name] = float(np.sqrt(np.nanmean(missed[..., of_pose] ** 2))) * body_length(whole, species)
    return found


def body_length(whole: Project, species: Species) -> float:
    """Return the median distance of front and back, in the unit of the files; the mean over recordings."""
    lengths = []
    for entry in whole.recordings:
        if entry.species == species.name:
            pose = clean(load_recording(whole, entry).tracks, species)
            front, back = (pose.positions[:, :, pose.keypoints.index(name)] for name in (species.front, species.back))
            lengths.append(np.nanmedian(np.linalg.norm(front - back, axis=-1)))
    return float(np.mean(lengths))


def measured_run(project: Path, config: FitConfig, variables: str, baseline: str) -> dict[str, object]:
    """Fit and measure; return what is to be told."""
    began = time.perf_counter()
    (*_, done) = workflow.fit(project, config)
    seconds, run = time.perf_counter() - began, str(done.data["run"])
    (*_, told) = workflow.score(project, workflow.ScoreWishes(variables, baseline=baseline), run)
    decoded = {}
    for row in told.data["decoded"]:
        figures = decoded.setdefault(row["variable"], {}).setdefault(row["decoder"], {})
        figures[row["source"]] = row["score"]
        if row["source"] == "latent":
            figures["chance"] = row["chance"]
    more, card = told.data["more"], find_run(project, run).card
    return {
        "run": run,
        "seconds": round(seconds, 1),
        "decoded": decoded,
        "behaviour": more.get("behaviour"),
        "reconstruction": more["reconstruction"],
        "entropy": more.get("clusters", {}).get("entropy"),
        "joint_error_mm": {name: found["mean"] for name, found in card.get("joint_error", {}).items()},
        "rmse_files_unit": errors_in_files_unit(project, run),
        "notes": told.data["notes"],
    }


def table_of(name: str, ways: dict[str, dict]) -> str:
    """Return a Markdown table of one project."""
    first = next(iter(ways.values()))
    pairs = [(v, d) for v, decoders in first["decoded"].items() for d in decoders]
    labelled = bool(first["behaviour"])
    head = [name, *(f"{v}, {d}" for v, d in pairs), *(["behaviour F1"] if labelled else []), "error", "ratio"]
    rows = [head, ["---"] * len(head)]

    def cell(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    for way, found in ways.items():
        errors = found["reconstruction"]
        f1 = [cell(found["behaviour"]["latent"]["macro_f1"])] if labelled else []
        figures = [cell(found["decoded"][v][d].get("latent")) for v, d in pairs]
        rows.append([way, *figures, *f1, cell(errors["error"]), cell(errors.get("ratio", 1.0))])
    beside = {source: [cell(first["decoded"][v][d].get(source)) for v, d in pairs] for source in ("signal", "chance")}
    for source, figures in beside.items():
        f1 = [cell(first["behaviour"]["signal" if source == "signal" else "latent"]
                   ["macro_f1" if source == "signal" else "chance"])] if labelled else []  # fmt: skip
        rows.append([source, *figures, *f1, "", ""])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=list(PROJECTS), choices=list(PROJECTS))
    parser.add_argument("--ways", nargs="*", default=["plain", "none", "auto", "reversal"])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    told: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as aside:
        for name in given.only:
            add, scrub, variables, further = PROJECTS[name]
            project = Path(aside) / f"{name}.atlas"
            workflow.new(project)
            add(project, given.data)
            told[name], baseline = {}, ""
            for way, config in fits(scrub, further, given.epochs).items():
                if way in given.ways:
                    told[name][way] = measured_run(project, config, variables, baseline)
                    baseline = baseline or told[name][way]["run"]
                    print(name, way, told[name][way]["seconds"], "s", file=sys.stderr)
    print("\n\n".join(table_of(*pair) for pair in told.items()) if given.markdown else json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
