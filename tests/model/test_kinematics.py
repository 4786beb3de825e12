"""Forward kinematics, and the error of joints."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_atlas.data.kinematics import KinematicTree, inverse_kinematics, segment_lengths
from napari_atlas.data.pose import Pose
from napari_atlas.data.rotations import matrix_of_quaternion
from napari_atlas.data.rotations import six_of_matrix as six_of
from napari_atlas.data.scaling import Scaler
from napari_atlas.data.signals import body_of, pose_6d, signal_kind, signals_for
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.io.readers import read_tracks
from napari_atlas.model.kinematics import Joints, forward_kinematics, joints_of, matrix_of_six, six_of_matrix

MOUSE = (
    (4, 3, 2),
    (3, 0),
    (3, 1),
    (4, 5, 6, 7),
    (3, 11, 10, 9, 8),
    (3, 15, 14, 13, 12),
    (4, 18, 17, 16),
    (4, 21, 20, 19),
)


def golden(shared: Path) -> dict[str, torch.Tensor]:
    with np.load(shared / "golden" / "scvae_outputs.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files if name.startswith(("fk_", "rot6d"))}


@pytest.mark.parametrize("which", ["fk", "fk_branch"])
def test_golden_forward_kinematics(shared: Path, which: str) -> None:
    known = golden(shared)
    chains = known[f"{which}_tree"].tolist()
    found = forward_kinematics(known["fk_x6d"], known["fk_offsets"], chains, known["fk_root"])
    wanted = known[f"{which}_pose"]
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))


def test_golden_rotations_of_six_numbers(shared: Path) -> None:
    known = golden(shared)
    found = matrix_of_six(known["fk_x6d"])
    torch.testing.assert_close(found, known["rot6d_matrix"], rtol=0, atol=1e-5)
    torch.testing.assert_close(matrix_of_six(six_of_matrix(found)), found)


def random_tree(rng: np.random.Generator, n: int) -> KinematicTree:
    """Return a tree of joints that each hang on any earlier one, in a random direction."""
    chains: list[list[int]] = []
    for joint in range(1, n):
        parent = int(rng.integers(joint))
        ending = [chain for chain in chains if chain[-1] == parent]
        if ending and rng.random() < 0.7:
            ending[0].append(joint)
        else:
            chains.append([parent, joint])
    chains.sort(key=lambda chain: chain[1])
    return KinematicTree(tuple(map(str, range(n))), tuple(map(tuple, chains)), rng.normal(size=(n, 3)))


@pytest.mark.parametrize("seed", range(8))
def test_inverse_and_forward_kinematics_undo_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 20))
    tree = random_tree(rng, n)
    lengths = rng.uniform(0.5, 30, n)
    bones = rng.normal(size=(40, n, 3))
    bones *= (lengths / np.linalg.norm(bones, axis=2))[..., None]
    pose = np.zeros((40, n, 3))
    pose[:, 0] = rng.normal(0, 100, (40, 3))
    for chain in tree.chains:
        for parent, child in pairwise(chain):
            pose[:, child] = pose[:, parent] + bones[:, child]
    root = rng.normal(size=(40, 4))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    six = six_of(matrix_of_quaternion(inverse_kinematics(pose, tree, root)))
    offsets = tree.offsets * segment_lengths(pose, tree)[:, None]
    parts = (torch.from_numpy(part) for part in (six, offsets))
    found = forward_kinematics(*parts, tree.chains, torch.from_numpy(pose[:, 0]))
    np.testing.assert_allclose(found.numpy(), pose, atol=1e-6)


def test_gradients_are_finite_even_of_numbers_that_are_no_rotation() -> None:
    tree = random_tree(np.random.default_rng(1), 9)
    for scale in (1.0, 1e-4, 0.0):
        six = (scale * torch.randn(16, 9, 6, generator=torch.Generator().manual_seed(0))).requires_grad_()
        offsets = torch.from_numpy(tree.offsets).float()
        loss = forward_kinematics(six, offsets, tree.chains, torch.zeros(3)).square().sum()
        (gradient,) = torch.autograd.grad(loss, six)
        assert torch.isfinite(gradient).all()


def bodied(pose: Pose, species: Species) -> tuple[Joints, torch.Tensor, np.ndarray]:
    """Return joints of the first animal whose segments are as long as in each frame, its signal, and its positions."""
    body = body_of(pose, species)
    values = pose_6d(pose, 0, TimeBase(pose.n_samples, 100.0), species)
    points = np.asarray(pose.positions[:, 0][:, list(body.keypoints)], dtype=np.float64)
    lengths = np.linalg.norm(points - points[:, body.tree.parents], axis=2)
    lengths[:, body.tree.root] = 0
    joints = joints_of(
        body, 0, Scaler.identity(values.shape[1]), lengths=lengths, track=np.arange(len(points)),
        device=torch.device("cpu"),
    )  # fmt: skip
    return joints, torch.from_numpy(values.astype(np.float32)), points


@pytest.mark.parametrize("facing", ["midfwd", "x360"])
def test_a_real_mouse_comes_back_from_its_rotations(shared: Path, facing: str) -> None:
    pose = read_tracks(shared / "data/dannce/mouse1_save_data_AVG.mat").tracks
    assert isinstance(pose, Pose)
    tree = tuple(tuple(f"node-{i}" for i in chain) for chain in MOUSE)
    species = Species("mouse", "pose-6d", tree=tree, front="node-3", back="node-5", facing=facing)
    joints, values, points = bodied(pose, species)
    found = joints.positions(values[:, None], torch.arange(len(values)))[:, 0].numpy()
    wanted = points - points[:, [joints.body.tree.root]]
    if facing == "midfwd":
        ahead = pose.positions[:, 0, 3] - pose.positions[:, 0, 5]
        cos, sin = (ahead[:, :2] / np.linalg.norm(ahead[:, :2], axis=1, keepdims=True)).T[..., None]
        x, y = wanted[..., 0].copy(), wanted[..., 1].copy()
        wanted[..., 0], wanted[..., 1] = cos * x + sin * y, cos * y - sin * x
    assert torch.isfinite(values).float().mean() > 0.99
    apart = np.linalg.norm(found - wanted, axis=2)
    print(f"mouse, {facing}: {np.nanmean(apart):.2g} mm, at most {np.nanmax(apart):.2g} mm")
    assert np.nanmax(apart) < 1e-3


def test_a_real_person_comes_back_from_rotations_and_median_lengths(shared: Path) -> None:
    pose = read_tracks(shared / "data/autogaita/human_TestSubject.xlsx").tracks
    assert isinstance(pose, Pose)
    sides = [[f"{name}, {side}" for name in ("Hip", "Knee", "Ankle", "Foot")] for side in ("left", "right")]
    tree = (*(("Pelvis", *side) for side in sides), ("Pelvis", "Spine, low", "Spine, high", "Neck", "Skull"))
    species = Species("human", "pose-6d", tree=tree, front="Hip, left", back="Hip, right", facing="x360")
    pose.positions[(pose.positions == 0).all(axis=(2, 3))] = np.nan  # the table begins with a row of zeros
    joints, values, points = bodied(pose, species)
    lengths = torch.from_numpy(segment_lengths(points, joints.body.tree)).float().expand_as(joints.lengths)
    found = replace(joints, lengths=lengths).positions(values[:, None], torch.arange(len(values)))[:, 0].numpy()
    apart = 1000 * np.linalg.norm(found - (points - points[:, [joints.body.tree.root]]), axis=2)
    print(f"person: {np.nanmean(apart):.2g} mm, at most {np.nanmax(apart):.2g} mm")
    assert np.nanmean(apart) < 5


def test_real_flat_mice_are_sent_to_postures_that_they_have(shared: Path) -> None:
    files = sorted((shared / "data/autogaita").glob("*SIMINewOct24shuffle1_200000.csv"))
    assert len(files) == 3
    mouse = Species("mouse", angles=(("Hip", "Knee", "Ankle"), ("Lower Shoulder", "Elbow", "Wrist")))
    for file in files:
        pose = read_tracks(file).tracks
        assert isinstance(pose, Pose)
        offered = signals_for(pose, species=mouse)
        assert {"egocentric-pose", "joint-angles"} <= set(offered)
        assert "pose-6d" not in offered
        for name in ("egocentric-pose", "joint-angles"):
            values = signal_kind(name)(pose, 0, TimeBase(pose.n_samples, 100.0), mouse)
            assert np.isfinite(values).mean() > 0.5
