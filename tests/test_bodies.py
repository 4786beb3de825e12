"""A fit of poses in three dimensions, whose joints count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat

from napari_atlas import workflow
from napari_atlas._bodies import embody
from napari_atlas._variables import measure
from napari_atlas.cli import cli
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.runs import find_run
from napari_atlas.io.tables import read_rows
from napari_atlas.model.runner import prepare

N = 600
TREE = (("node-0", "node-1", "node-2"), ("node-0", "node-3", "node-4"))
SETTINGS: dict[str, object] = {
    "signal": "keypoint-speed + pose-6d", "tree": TREE, "front": "node-1", "back": "node-0",
    "bin_rate": 25.0, "window": 0.6, "stride": 0.4,
}  # fmt: skip
CONFIG = FitConfig(
    epochs=4,
    beta=0.01,
    beta_warmup=1,
    latent_dim=3,
    device="cpu",
    split="block",
    learning_rate=3e-3,
    averaging=0.5,
    batch_size=16,
)


def write_walk(path: Path, size: float, seed: int) -> Path:
    """Write a prediction of a beast of five joints that walks on, swings a leg and nods."""
    rng = np.random.default_rng(seed)
    t, heading = np.arange(N) / 50, np.cumsum(rng.normal(0, 0.03, N))
    swing, nod = 0.8 * np.sin(9 * t), 0.5 * np.sin(4 * t + seed)
    none, ones = np.zeros(N), np.ones(N)
    bones = {
        1: (30 * ones, none, 4 * np.sin(2 * t)), 2: (12 * np.cos(nod), none, -12 * np.sin(nod)),
        3: (10 * np.sin(swing), none, -10 * np.cos(swing)), 4: (8 * np.sin(swing / 2), none, -8 * np.cos(swing / 2)),
    }  # fmt: skip
    points = np.zeros((N, 5, 3))
    points[:, 0] = np.column_stack([np.cumsum(np.cos(heading)), np.cumsum(np.sin(heading)), 20 * ones])
    for parent, child in ((0, 1), (1, 2), (0, 3), (3, 4)):
        x, y, z = size * np.stack(bones[child])
        turned = (np.cos(heading) * x - np.sin(heading) * y, np.sin(heading) * x + np.cos(heading) * y, z)
        points[:, child] = points[:, parent] + np.column_stack(turned)
    points += rng.normal(0, 0.2, points.shape)
    savemat(path, {"pred": points.transpose(0, 2, 1), "sampleID": np.arange(N)[None]})
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of a small and a large beast, and of a fish of another signal."""
    folder = tmp_path_factory.mktemp("bodies")
    workflow.new(folder / "p.atlas")
    for name, size in (("small", 1.0), ("large", 2.0)):
        tracks = write_walk(folder / f"{name}.mat", size, len(name))
        workflow.add(folder / "p.atlas", AddRequest(tracks, "beast", name=name, fps=50, settings=SETTINGS))
    speed: dict[str, object] = {**SETTINGS, "signal": "keypoint-speed", "tree": ()}
    tracks = write_walk(folder / "fish.mat", 1.0, 3)
    workflow.add(folder / "p.atlas", AddRequest(tracks, "fish", name="fish", fps=50, settings=speed))
    return folder / "p.atlas"


def test_joints_are_where_the_animals_are_long(project: Path) -> None:
    known = read_project(project)
    windows = load_windows(known)[0]
    windows = windows.with_split(np.zeros(len(windows.table), np.int8))
    prepared, notes = embody(known, prepare(windows, replace(CONFIG, pose_weight=1e-3)))
    assert notes == ("fish: its signal is not pose-6d, so pose_weight does not count for it",)
    assert prepared.resident["fish"].joints == ()
    data = prepared.resident["beast"]
    (joints,) = data.joints
    assert joints.first == 5
    rows = data.span.new_tensor(np.arange(data.ids.size))
    seen = data.windows(rows)
    pose = joints.positions(seen, rows)
    large = windows.table.of_key("recording")[data.ids] == "large"
    for mine, size in ((~large, 1.0), (large, 2.0)):
        lengths = (pose[mine, :, 4] - pose[mine, :, 3]).norm(dim=-1)
        np.testing.assert_allclose(lengths.numpy(), 8 * size, rtol=0.01)
    missed = seen + 0.1
    squares = (joints.positions(seen, rows) - joints.positions(missed, rows)).square().sum((1, 2, 3))
    np.testing.assert_allclose(joints.error(seen, missed, rows).numpy(), squares.numpy() / 15, rtol=1e-5)
    assert float(joints.distances(seen, seen, rows).max()) == 0.0
    assert (joints.distances(seen, missed, rows)[:, 1:] > 0).all()


def test_a_fit_draws_joints_nearer_when_they_count(project: Path) -> None:
    errors = {}
    for weight in (0.0, 3e-3):
        config = replace(CONFIG, epochs=20, pose_weight=weight)
        events = list(workflow.fit(project, config))
        run = find_run(project, str(events[-1].data["run"]))
        error = run.card["joint_error"]["beast"]
        assert set(error["joints"]) == {"node-1", "node-2", "node-3", "node-4"}
        assert error["mean"] == pytest.approx(np.mean(list(error["joints"].values())))
        errors[weight] = error["mean"]
        told = run.card["notes"]
        assert any("pose_weight does not count" in note for note in told) == bool(weight)
        (last,) = read_rows(run.path / "history.csv")[-1:]
        assert ("train_pose" in last) == bool(weight)
        if weight:
            parts = [float(last[f"validation_{k}"]) for k in ("reconstruction", "kl", "temperature", "pose")]
            total = parts[0] + config.beta * parts[1] + config.temperature_weight * parts[2] + weight * parts[3]
            assert float(last["validation_total"]) == pytest.approx(total, rel=1e-4)
    print("mean distance of joints on held-out windows, unweighted and weighted:", errors)
    assert errors[3e-3] < errors[0.0]


def test_motion_of_parts_is_that_of_the_chains(project: Path) -> None:
    known = read_project(project)
    table = load_windows(known)[0].table
    found = measure(known, table, ["speed-parts", "heading", "speed"])
    beast = table.of_key("species") == "beast"
    parts = found["speed-parts"].values
    assert parts.shape == (len(table), 3)
    np.testing.assert_allclose(parts[:, 0], 1.0, atol=0.2)
    assert (parts[beast, 1:] > 0.1).all()
    np.testing.assert_array_equal(parts[~beast, 1], parts[~beast, 2])
    assert found["heading"].kind == "angle"
    assert found["speed"].known.all()


def test_the_tree_is_kept_in_the_project_and_typed(project: Path, tmp_path: Path) -> None:
    assert read_project(project).species[0].tree == TREE
    assert 'tree = [["node-0", "node-1", "node-2"], ["node-0", "node-3", "node-4"]]' in (
        (project / "project.toml").read_text("utf-8")
    )
    tracks, folder, file = write_walk(tmp_path / "a.mat", 1.0, 1), tmp_path / "q.atlas", tmp_path / "tree.toml"
    workflow.new(folder)
    file.write_text('chains = [["node-0", "node-1"]]\n', "utf-8")
    typed = f"add {folder} {tracks} --fps 50 --signal pose-6d --window 0.6 --stride 0.4 --facing x360".split()
    for name, tree, wanted in (
        ("one", "node-0, node-1; node-0, node-3:+x", (("node-0", "node-1"), ("node-0", "node-3:+x"))),
        ("two", str(file), (("node-0", "node-1:-z"),)),
    ):
        done = CliRunner().invoke(cli, [*typed, "--species", name, "--name", name, "--tree", tree])
        assert done.exit_code == 0, done
        made = read_project(folder).species_called(name)
        assert (made.tree, made.facing) == (wanted, "x360")
    cycle = ["--species", "bad", "--name", "bad", "--tree", "node-0, node-1, node-0"]
    assert "cycle: node-0 hangs on node-1" in str(CliRunner().invoke(cli, [*typed, *cycle]).exception)
