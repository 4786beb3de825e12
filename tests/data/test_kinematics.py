"""Kinematic trees: their faults, their rotations, and the signal that tells a pose by them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.kinematics import (
    KinematicTree,
    face_forward,
    inverse_kinematics,
    root_rotations,
    scaled_to_arena,
    segment_lengths,
)
from napari_atlas.data.motion import part_speeds, parts_of
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.rotations import matrix_of_quaternion, matrix_of_six, shortest_rotation, six_of_matrix
from napari_atlas.data.signals import binned_signal, body_of, pose_6d, signal_kind
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError
from napari_atlas.io.trees import read_tree

CHAINS = (("hip", "neck", "nose"), ("hip", "knee", "foot"), ("neck", "ear:+z"))
JOINTS = ("nose", "neck", "hip", "knee", "foot", "ear")
LENGTHS = {
    ("hip", "neck"): 30.0,
    ("neck", "nose"): 12.0,
    ("hip", "knee"): 9.0,
    ("knee", "foot"): 8.0,
    ("neck", "ear"): 5.0,
}
N = 200
CLOCK = TimeBase(N, 50.0)
MOUSE = Species("mouse", "pose-6d", tree=CHAINS, front="neck", back="hip")


def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "scvae_outputs.npz") as file:
        return {name: file[name] for name in file.files if name.startswith(("ik_", "fk_", "speed_"))}


def near(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def walking(seed: int = 0, turn: float = 0.0, place: float = 0.0) -> Pose:
    """Return an animal that walks, turns and bends; its segments keep their lengths."""
    rng = np.random.default_rng(seed)
    heading = np.cumsum(rng.normal(0, 0.05, N))
    points = {"hip": np.zeros((N, 3))}
    rest = {"neck": (1, 0, 0.2), "nose": (1, 0, -0.3), "knee": (0.2, 0.4, -1), "foot": (0.3, 0, -1), "ear": (0, 0.2, 1)}
    for (parent, child), length in LENGTHS.items():
        way = np.array(rest[child]) + 0.2 * np.cumsum(rng.normal(0, 0.1, (N, 3)), axis=0).clip(-2, 2)
        points[child] = points[parent] + length * way / np.linalg.norm(way, axis=1, keepdims=True)
    seen = np.stack([points[name] for name in JOINTS], axis=1)
    path = np.column_stack([np.cumsum(np.cos(heading)), np.cumsum(np.sin(heading)), np.full(N, 20.0)])
    walked = turned(seen, heading) + path[:, None]
    return Pose(turned(walked, np.full(N, turn))[:, None] + np.array([place, -place, 0.0]), JOINTS, ("a",))


def turned(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return (n_samples, n_joints, 3) points turned about the third axis."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y, points[..., 2]], axis=-1)


@pytest.mark.parametrize(("tree", "wanted"), [("fk_tree", "ik_local_quat"), ("fk_branch_tree", "ik_branch_local_quat")])
def test_golden_inverse_kinematics(shared: Path, tree: str, wanted: str) -> None:
    known = golden(shared)
    chains = tuple(tuple(chain) for chain in known[tree].tolist())
    body = KinematicTree(tuple("abcde"), chains, known["fk_offsets"] / 2)
    near(inverse_kinematics(known["ik_pose"], body, root_rotations(known["ik_pose"])), known[wanted])


def test_golden_speed_parts(shared: Path) -> None:
    known = golden(shared)
    parts = [range(1, 6), range(6, 12), range(12, 18)]
    near(np.stack([part_speeds(one, 0, parts).mean(axis=0) for one in known["speed_pose"]]), known["speed_parts"])


@pytest.mark.parametrize(
    ("chains", "told"),
    [
        ((), "no chain, and so no root"),
        ((("a",),), "fewer than two joints"),
        ((("a", "b", "c", "a"),), "cycle: a hangs on c, which hangs on a"),
        ((("a", "b", "b"),), "cycle: b hangs on b"),
        ((("a", "b", "c"), ("a", "c")), "c is reached twice, from b and from a"),
        ((("a", "b"), ("c", "d")), "chain 2 begins at c, which no chain before it reaches"),
    ],
)
def test_what_is_no_tree_is_told_in_one_line(chains: Sequence[Sequence[str]], told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        KinematicTree.from_chains(chains)
    assert "\n" not in str(error.value)
    if chains:
        with pytest.raises(InputError, match="species mouse: kinematic tree"):
            Species("mouse", tree=tuple(map(tuple, chains)))


def test_joints_and_offsets_have_to_be_there() -> None:
    tree = KinematicTree.from_chains(CHAINS)
    with pytest.raises(InputError, match="the file has no keypoint knee, foot; choose joints from"):
        tree.indices_in(("hip", "neck", "nose", "ear"))
    with pytest.raises(InputError, match="no chain reaches c"):
        KinematicTree(("a", "b", "c"), ((0, 1),), np.ones((3, 3)))
    with pytest.raises(InputError, match="there is no joint 7"):
        KinematicTree(("a", "b"), ((0, 7),), np.ones((2, 3)))
    with pytest.raises(InputError, match="the offset of neck has no length"):
        tree.with_offsets(np.zeros((6, 3)))
    with pytest.raises(InputError, match="three numbers for each of 6 joints"):
        tree.with_offsets(np.ones((2, 3)))


def test_a_segment_without_length_is_refused_and_a_missing_one_is_not_known() -> None:
    tree = KinematicTree.from_chains(CHAINS)
    points = walking().positions[:, 0][:, tree.indices_in(JOINTS)].copy()
    points[::3, tree.names.index("foot")] = np.nan
    points[5] = 1e6 * np.arange(6)[:, None]
    found = dict(zip(tree.names, segment_lengths(points, tree), strict=True))
    assert found == pytest.approx({"hip": 0.0, **{child: length for (_, child), length in LENGTHS.items()}})
    points[:, tree.names.index("ear")] = np.nan
    assert np.isnan(segment_lengths(points, tree)[tree.names.index("ear")])
    points[:, tree.names.index("foot")] = points[:, tree.names.index("knee")]
    with pytest.raises(InputError, match="the segment from knee to foot has no length"):
        segment_lengths(points, tree)


def test_a_skeleton_becomes_a_tree() -> None:
    names = ("nose", "left", "right", "back", "tail", "alone")
    edges = ((0, 1), (0, 2), (1, 2), (0, 3), (3, 4))  # the first three close a ring
    tree = KinematicTree.from_edges(names, edges)
    assert tree.spelled == (("nose", "left:-z"), ("nose", "right:-z"), ("nose", "back:-z", "tail:-z"))
    other = KinematicTree.from_edges(names, edges, "tail")
    assert [[other.names[i] for i in chain] for chain in other.chains] == [
        ["tail", "back", "nose", "left"],
        ["nose", "right"],
    ]
    assert other.parents[other.root] == -1
    with pytest.raises(InputError, match="no joint 'alone'; choose the root from nose"):
        KinematicTree.from_edges(names, edges, "alone")
    with pytest.raises(InputError, match="the skeleton has no line"):
        KinematicTree.from_edges(names, ())


@pytest.mark.parametrize("name", ["tree.json", "tree.toml"])
def test_a_tree_is_read_from_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    chains, offsets = [[0, 1, 2], [1, 3]], [[0, 0, 0], [2, 0, 0], [0, 0.1, -1], [0, 0, 3]]
    names = ["hip", "neck, front", "nose", "ear"]
    if name.endswith("json"):
        path.write_text(json.dumps({"KINEMATIC_TREE": chains, "LABELS": names, "OFFSET": offsets}), "utf-8")
    else:
        path.write_text(f"chains = {chains}\njoints = {names}\noffsets = {offsets}\n", "utf-8")
    wanted = (("hip", "neck, front:+x", "nose:-z"), ("neck, front", "ear:+z"))
    assert read_tree(path).spelled == wanted
    assert KinematicTree.from_chains(wanted).spelled == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("chains = 3", "is no list"),
        ("chains = [1, 2]", "no list of lists"),
        ("chains = [[0, 5]]\njoints = ['a', 'b']", "there is no joint 5 among 2 names"),
        ("joints = ['a']", "no chain, and so no root"),
        ("chains = [['a', 'b']]\noffsets = [[1, 2]]", "not three numbers"),
        ("chains = [", "not valid TOML"),
    ],
)
def test_a_file_that_tells_no_tree_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "tree.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=told) as error:
        read_tree(path)
    assert str(path) in str(error.value)


def test_rotations_survive_six_numbers_and_averages_of_them() -> None:
    rng = np.random.default_rng(0)
    ways = rng.normal(size=(2, 50, 3))
    ways /= np.linalg.norm(ways, axis=2, keepdims=True)
    found = matrix_of_quaternion(shortest_rotation(*ways))
    np.testing.assert_allclose(np.einsum("nij,nj->ni", found, ways[0]), ways[1], atol=1e-12)
    np.testing.assert_allclose(matrix_of_six(six_of_matrix(found)), found, atol=1e-12)
    between = matrix_of_six((six_of_matrix(found[1:]) + six_of_matrix(found[:-1])) / 2)
    np.testing.assert_allclose(np.linalg.det(between), 1.0)
    np.testing.assert_allclose(between @ between.swapaxes(1, 2), np.broadcast_to(np.eye(3), (49, 3, 3)), atol=1e-12)
    for way in np.eye(3):
        half = matrix_of_quaternion(shortest_rotation(way, -way))
        np.testing.assert_allclose(half @ way, -way, atol=1e-12)
    assert np.isnan(shortest_rotation([np.nan, 0, 0], [1, 0, 0])).all()


def test_the_arena_is_scaled_alike_along_all_axes() -> None:
    points = np.array([[0.0, 10, 3], [200, 50, 3], [np.nan, 0, 0]])
    np.testing.assert_allclose(scaled_to_arena(points)[:2], [[-1, -0.2, 0], [1, 0.2, 0]])
    assert np.isnan(scaled_to_arena(points)[2, 0])
    assert (scaled_to_arena(np.ones((4, 3))) == 0).all()
    assert np.isnan(scaled_to_arena(np.full((4, 3), np.nan))).all()


def test_windows_are_turned_to_face_forward_in_their_middle() -> None:
    windows = walking(turn=2.0, place=300.0).positions[:, 0].reshape(4, 50, 6, 3)
    found = face_forward(windows, back=2, front=1)
    middle = found[:, 25]
    np.testing.assert_allclose(middle[:, 2, :2], 0, atol=1e-9)
    np.testing.assert_allclose(middle[:, 1, 1], 0, atol=1e-9)
    assert (middle[:, 1, 0] > 0).all()
    np.testing.assert_array_equal(found[..., 2], windows[..., 2])
    apart = [np.linalg.norm(one[:, :, None] - one[:, :, :, None], axis=-1) for one in (found, windows)]
    np.testing.assert_allclose(*apart, atol=1e-9)


@pytest.mark.parametrize("facing", ["midfwd", "x360"])
def test_pose_6d_depends_on_the_heading_only_if_it_is_kept(facing: str) -> None:
    mouse = replace(MOUSE, facing=facing)
    here, there = (pose_6d(p, 0, CLOCK, mouse) for p in (walking(), walking(turn=1.2, place=80.0)))
    names = body_of(walking(), mouse).names
    assert here.shape == (N, len(names))
    told = [i for i, name in enumerate(names) if not name.startswith(("root heading", "root x", "root y", "root z"))]
    np.testing.assert_allclose(there[:, told], here[:, told], atol=1e-9, equal_nan=True)
    kept = [i for i, name in enumerate(names) if name.startswith("root heading")]
    assert bool(kept) == (facing == "x360")
    assert (np.abs(there[:, kept] - here[:, kept]).max(axis=0) > 0.5).all()
    assert not [name for name in names if name.startswith("neck")], "the body axis is never rotated in its own frame"
    assert (np.nanstd(here, axis=0)[[i for i in told if names[i] != "root height (px)"]] > 1e-6).all()


def test_steps_of_the_root_sum_up_to_the_window_that_faces_forward() -> None:
    pose = walking(turn=2.0, place=300.0)
    ahead, aside, turning = pose_6d(pose, 0, CLOCK, MOUSE)[:, :3].T * 20.0  # ms per frame
    window, middle = slice(50, 101), 25
    heading = np.cumsum(np.nan_to_num(turning))[window]
    heading -= heading[middle]
    steps = np.stack([np.cos(heading), np.sin(heading)]) * ahead[window]
    steps += np.stack([-np.sin(heading), np.cos(heading)]) * aside[window]
    path = np.cumsum(steps, axis=1)
    wanted = face_forward(pose.positions[None, window, 0], back=2, front=1)[0, :, 2, :2].T
    np.testing.assert_allclose(path - path[:, [middle]], wanted, atol=1e-9)


def test_a_missing_joint_is_missing_only_where_it_is_needed() -> None:
    pose = walking()
    pose.positions[3, 0, JOINTS.index("knee")] = np.nan
    pose.positions[7, 0, JOINTS.index("hip")] = np.nan
    values, names = pose_6d(pose, 0, CLOCK, MOUSE), body_of(pose, MOUSE).names
    lost = {name.split()[0] for name, value in zip(names, values[3], strict=True) if np.isnan(value)}
    assert lost == {"knee", "foot"}
    assert np.isnan(values[7]).all()
    assert np.isfinite(values[9]).all()


def test_a_flat_pose_and_one_without_a_tree_are_sent_elsewhere() -> None:
    pose = walking()
    flat = Pose(pose.positions[..., :2], JOINTS, ("a",))
    with pytest.raises(InputError, match="three dimensions; choose egocentric-pose"):
        body_of(flat, MOUSE)
    with pytest.raises(InputError, match="no skeleton; set tree to chains of keypoints, or choose egocentric-pose"):
        body_of(pose, replace(MOUSE, tree=()))
    with pytest.raises(InputError, match="no keypoint paw"):
        body_of(pose, replace(MOUSE, tree=(("hip", "paw"),)))
    with pytest.raises(InputError, match="needs the frame rate"):
        pose_6d(pose, 0, TimeBase(N), MOUSE)
    assert np.isfinite(pose_6d(pose, 0, TimeBase(N), replace(MOUSE, facing="x360"))).all()
    with pytest.raises(InputError, match="facing sideways cannot be used; choose from midfwd, x360"):
        replace(MOUSE, facing="sideways")


def test_a_segment_that_points_up_is_rotated_from_there() -> None:
    tree = tuple(tuple(name.removesuffix(":+z") for name in chain) for chain in CHAINS)
    body = body_of(walking(), replace(MOUSE, tree=tree))
    ways = {chain.split(":")[0]: chain[-2:] for chains in body.tree.spelled for chain in chains if ":" in chain}
    assert ways == {"neck": "-z", "nose": "-z", "knee": "-z", "foot": "-z", "ear": "+z"}
    told = body_of(walking(), replace(MOUSE, tree=tuple((*chain[:-1], f"{chain[-1]}:-z") for chain in tree)))
    assert not (told.tree.offsets[:, 2] > 0).any(), "what the tree says is not asked of the recording"


def test_bins_hold_means_that_are_close_to_rotations() -> None:
    recording = Recording("one", "mouse", walking(), CLOCK)
    signal = binned_signal(recording, replace(MOUSE, bin_rate=25.0))
    (values,) = signal.values
    assert values.shape == (N // 2, len(signal.channels))
    six = values[:, body_of(walking(), MOUSE).n_root :].reshape(N // 2, -1, 6)
    np.testing.assert_allclose(six_of_matrix(matrix_of_six(six)), six, atol=0.1)
    assert signal_kind("pose-6d").label != "pose-6d"


def test_parts_are_the_chains_of_the_tree() -> None:
    pose = walking()
    assert parts_of(pose, MOUSE) == (2, ((1, 0), (3, 4), (5,)))
    assert parts_of(pose, Species("mouse")) == (0, ((1, 2, 3, 4, 5),))
    joined = replace(pose, edges=((2, 1), (2, 3), (1, 0)))
    assert parts_of(joined, Species("mouse", center="hip")) == (2, ((1, 0), (3,)))
