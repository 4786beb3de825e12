"""The child that decodes on request: what it answers, what it refuses, and when it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from napari_atlas import _speech, workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.packing import packed, unpacked
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError
from napari_atlas.io.runs import find_run
from napari_atlas.jobs import JobError, WarmRun, command_line
from napari_atlas.model.checkpoint import load_weights

NODES = ("nose", "left", "right", "tailbase")


def write_walk(path: Path, seed: int, n: int = 240) -> None:
    """Write an animal of four keypoints that walks in circles."""
    rng = np.random.default_rng(seed)
    turn = np.cumsum(rng.normal(0.02 + 0.05 * seed, 0.05, n))
    place = np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1) * (1 + rng.random((n, 1))), axis=0)
    body = np.array([[10, 0], [0, 4], [0, -4], [-10, 0]]) + rng.normal(0, 0.5, (n, 4, 2))
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y = body[..., 0] * cos - body[..., 1] * sin, body[..., 0] * sin + body[..., 1] * cos
    points = np.stack([x, y], axis=2) + place[:, None]
    head = ["scorer" + ",s" * 12, "bodyparts," + ",".join(f"{k},{k},{k}" for k in NODES)]
    rows = [f"{i}," + ",".join(f"{a:.3f},{b:.3f},0.9" for a, b in nodes) for i, nodes in enumerate(points)]
    path.write_text("\n".join([*head, "coords" + ",x,y,likelihood" * 4, *rows]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of walking mice and of a fish without keypoints, fitted with variables that are told."""
    folder = tmp_path_factory.mktemp("served")
    workflow.new(folder / "p.atlas")
    pose = {"signal": "egocentric-pose", "bin_rate": 20.0, "window": 0.5, "stride": 0.25}
    for seed, name in enumerate(("a", "b")):
        write_walk(folder / f"{name}.csv", seed)
        workflow.add(folder / "p.atlas", AddRequest(folder / f"{name}.csv", "mouse", fps=20, settings=pose))
    np.save(folder / "fish.npy", np.random.default_rng(3).random((30, 8)))
    workflow.add(folder / "p.atlas", AddRequest(folder / "fish.npy", "fish"))
    config = FitConfig(epochs=2, beta_warmup=1, latent_dim=3, device="cpu", condition="recording,speed,heading")
    for _ in workflow.fit(folder / "p.atlas", config):
        pass
    return folder / "p.atlas"


@pytest.fixture(scope="module")
def warm(project: Path) -> Iterator[WarmRun]:
    """Return a child that has greeted."""
    made = WarmRun(project, "")
    yield made
    made.close()


@pytest.fixture(scope="module")
def hello(warm: WarmRun) -> dict[str, Any]:
    """Return its greeting."""
    return warm.greet()


def answers(project: Path, *requests: object) -> list[dict[str, Any]]:
    """Return what is answered to requests, or to lines, after the greeting, in this process."""
    lines = [r if isinstance(r, str) else json.dumps(r) for r in requests]
    threads = torch.get_num_threads()
    (_, *told) = workflow.serve(project, "", lines)
    torch.set_num_threads(threads)
    return [json.loads(json.dumps(one)) for one in told]


def by_hand(project: Path, species: str, latent: np.ndarray, **told: Any) -> np.ndarray:
    """Return what the network itself makes of a latent, and of what it is told."""
    model, scaling = load_weights(find_run(project).weights)
    columns = [
        v.column(told[v.name]) if v.name in told else np.full(v.width, np.nan, np.float32)
        for v in model.architecture.variables
    ]
    with torch.no_grad():
        known = model.told(torch.from_numpy(np.concatenate(columns)[None]))
        made = model.decode(species, torch.from_numpy(np.asarray(latent, np.float32)[None]), known)
    return scaling[species].signal.undo(made.double().numpy())[0]


def test_it_greets_with_what_can_be_asked_for(hello: dict[str, Any], project: Path) -> None:
    assert (hello["hello"], hello["latent_dim"], hello["run"]) == (1, 3, find_run(project).name)
    mouse, fish = hello["species"]
    assert (mouse["name"], mouse["n_times"], fish["n_times"]) == ("mouse", 10, 8)
    assert mouse["channels"][0] == "nose x (body lengths)"
    assert mouse["pose"]["names"] == list(NODES)
    assert "pose" not in fish
    told = {v["name"]: v for v in hello["variables"]}
    assert told["recording"]["species"] == {"mouse": {"classes": ["a", "b"]}, "fish": {"classes": ["fish"]}}
    assert told["heading"]["kind"] == "angle"
    low, high = told["speed"]["species"]["mouse"]["low"][0], told["speed"]["species"]["mouse"]["high"][0]
    assert 1 < low < high < 3
    assert "fish" not in told["speed"]["species"]


def test_a_round_trip_is_what_the_network_says(warm: WarmRun, hello: dict[str, Any], project: Path) -> None:
    atlas = workflow.load_atlas(project)
    window = 5
    own = warm.ask(do="window", window=window)
    np.testing.assert_array_equal(np.float32(own["latent"]), atlas.latents[window])
    recorded = atlas.windows.gather(np.array([window]))[0]
    np.testing.assert_allclose(unpacked(own["values"]), recorded, rtol=1e-6)
    assert own["variables"]["recording"] == "a"
    made = unpacked(warm.ask(do="decode", window=window)["values"])
    np.testing.assert_allclose(made, by_hand(project, "mouse", atlas.latents[window], **own["variables"]), atol=1e-5)
    faster = {**own["variables"], "speed": 2.9, "recording": "b", "heading": -1.0}
    other = unpacked(warm.ask(do="decode", window=window, variables=faster)["values"])
    np.testing.assert_allclose(other, by_hand(project, "mouse", atlas.latents[window], **faster), atol=1e-5)
    assert np.abs(other - made).max() > 1e-4
    free = warm.ask(do="decode", latent=[0.5, -1, 2], species="fish")
    np.testing.assert_allclose(unpacked(free["values"]), by_hand(project, "fish", np.array([0.5, -1, 2])), atol=1e-5)


def test_what_is_unknown_is_told_as_unknown(warm: WarmRun, hello: dict[str, Any], project: Path) -> None:
    atlas = workflow.load_atlas(project)
    window = int(atlas.windows.table.rows_of("fish")[0])
    own = warm.ask(do="window", window=window)
    assert own["variables"] == {"recording": "fish", "speed": None, "heading": None}
    made = unpacked(warm.ask(do="decode", window=window)["values"])
    np.testing.assert_allclose(made, by_hand(project, "fish", atlas.latents[window], recording="fish"), atol=1e-5)
    nobody = unpacked(warm.ask(do="decode", window=window, variables={"recording": None})["values"])
    np.testing.assert_allclose(nobody, by_hand(project, "fish", atlas.latents[window]), atol=1e-5)


def test_a_walk_leads_from_one_window_to_the_other(warm: WarmRun, hello: dict[str, Any]) -> None:
    walk = warm.ask(do="walk", **{"from": 2, "to": 9}, steps=4)
    values, latents = unpacked(walk["values"]), unpacked(walk["latents"])
    assert (values.shape, latents.shape) == ((4, 10, 5), (4, 3))
    assert unpacked(walk["points"]).shape == (4, 10, 4, 2)
    np.testing.assert_array_equal(latents[[0, 3]], [warm.ask(do="window", window=w)["latent"] for w in (2, 9)])
    np.testing.assert_allclose(np.diff(latents, axis=0), np.tile((latents[3] - latents[0]) / 3, (3, 1)), atol=1e-6)
    np.testing.assert_allclose(values[0], unpacked(warm.ask(do="decode", window=2)["values"]), atol=1e-5)


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        ("nope", "request: it is not JSON"),
        ("[1]", "request: it is not an object"),
        ("[" * 100_000, "failed"),
        ({"do": "dance"}, "do: 'dance' cannot be done"),
        ({}, "do: None cannot be done"),
        ({"do": "decode"}, "neither a window nor a latent"),
        ({"do": "decode", "window": 10_000}, "there is no window 10000; give 0 to"),
        ({"do": "decode", "window": True}, "there is no window True"),
        ({"do": "window", "window": -1}, "there is no window -1"),
        ({"do": "decode", "latent": [1, 2]}, "give a list of 3 finite numbers"),
        ('{"do": "decode", "latent": [1, 2, NaN], "species": "fish"}', "give a list of 3 finite numbers"),
        ({"do": "decode", "latent": [1, 2, 10**400], "species": "fish"}, "finite"),
        ({"do": "decode", "latent": [1, 2, 3]}, "species: None has no decoder; choose from mouse, fish"),
        ({"do": "decode", "window": 1, "species": "cat"}, "'cat' has no decoder"),
        ({"do": "decode", "window": 1, "variables": {"rig": 1}}, "not told 'rig'; choose from recording, speed"),
        ({"do": "decode", "window": 1, "variables": [1]}, "not told [1]"),
        ({"do": "decode", "window": 1, "variables": {"recording": "z"}}, "choose from a, b, fish"),
        ({"do": "decode", "window": 1, "variables": {"speed": "fast"}}, "variable speed: 'fast' cannot be told"),
        ({"do": "decode", "window": 1, "variables": {"speed": [1, 2]}}, "give a finite number"),
        ({"do": "walk", "from": 1, "to": 2, "steps": 1}, "steps: 1; give a whole number from 2"),
        ({"do": "walk", "from": 1}, "to: there is no window None"),
    ],
)
def test_a_bad_request_gets_one_line_and_changes_nothing(project: Path, request_: object, what: str) -> None:
    wrong, right = answers(project, request_, "", {"id": "x", "do": "decode", "window": 1}, {"do": "bye"}, {})
    assert what in wrong["error"]
    assert "\n" not in wrong["error"]
    assert right["id"] == "x"
    assert unpacked(right["values"]).shape == (10, 5)


def test_a_refused_request_is_an_error_of_the_job(warm: WarmRun, hello: dict[str, Any]) -> None:
    with pytest.raises(JobError, match="there is no window 999"):
        warm.ask(do="decode", window=999)
    assert warm.ask(do="window", window=1)["window"] == 1


def test_a_closed_child_is_gone_and_says_so(project: Path) -> None:
    child = WarmRun(project, "no such run")
    with pytest.raises(JobError, match=r"run no such run: .* known runs"):
        child.greet()
    child.close()
    process = WarmRun(project, "")
    process.close()
    with pytest.raises(JobError):
        process.greet()
    with pytest.raises(JobError):
        process.ask(do="decode", window=1)
    assert not process.running


def test_it_ends_with_the_process_that_started_it(project: Path) -> None:
    """The input stays open here, so that only the parent's end can be the reason."""
    code = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdout=2).pid, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, *command_line("serve", [str(project)])]
    read, write = os.pipe()
    parent = subprocess.Popen(command, stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(read)
    assert parent.stdout is not None
    assert parent.stderr is not None
    child = psutil.Process(int(parent.stdout.readline()))
    assert json.loads(parent.stderr.readline())["hello"] == 1
    parent.kill()
    parent.wait()
    end = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.05)
    os.close(write)
    for pipe in (parent.stdout, parent.stderr):
        pipe.close()


def test_it_ends_with_its_input(warm: WarmRun, hello: dict[str, Any]) -> None:
    """The last test that asks this child."""
    child = warm._process
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.buffer.write(b"\xff\n")
    child.stdin.close()
    assert "it is not JSON" in json.loads(child.stdout.readline())["error"]
    assert child.stdout.read() == ""
    assert child.wait(10) == 0


def test_nothing_but_answers_comes_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_speech, "_end_with_parent", lambda: None)

    def chatty(lines: object) -> Iterator[dict[str, Any]]:
        print("a library talks")
        yield {"hello": 1}

    _speech.answer_requests(chatty)
    told = capsys.readouterr()
    assert (told.out, told.err) == ('{"hello": 1}\n', "a library talks\n")


def test_a_run_that_cannot_be_used_is_told(project: Path) -> None:
    run = find_run(project)
    weights, latents = run.weights.read_bytes(), run.path / "latents.npz"
    kept = latents.read_bytes()
    try:
        run.weights.unlink()
        with pytest.raises(InputError, match="there are no weights"):
            next(workflow.serve(project, run.name, []))
        run.weights.write_bytes(weights)
        latents.unlink()
        with pytest.raises(InputError, match="no latents"):
            next(workflow.serve(project, run.name, []))
    finally:
        run.weights.write_bytes(weights)
        latents.write_bytes(kept)


def test_arrays_survive_json() -> None:
    values = np.array([[1.5, np.nan], [-3e-7, 2e9]])
    back = unpacked(json.loads(json.dumps(packed(values))))
    np.testing.assert_array_equal(back, values.astype(np.float32))
    assert unpacked(packed(np.empty((0, 3)))).shape == (0, 3)
