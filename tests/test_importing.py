"""A folder becomes a plan, and a plan recordings; what is refused or stopped loses nothing."""

from __future__ import annotations

import json
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from napari_atlas import _import, _pool, workflow
from napari_atlas.data.plans import ImportPlan
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError, StoppedError

Atlas = Callable[..., tuple[int, str, str]]


def write_tracks(path: Path, seed: int, n: int = 300) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (n, 2, 3)).cumsum(axis=0)
    values[..., 2] = 1.0
    names = ["nose", "tail"]
    rows = [
        ["scorer", *["net"] * 6],
        ["bodyparts", *[name for name in names for _ in range(3)]],
        ["coords", *["x", "y", "likelihood"] * 2],
        *([i, *row] for i, row in enumerate(values.reshape(n, 6).round(3).tolist())),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")


@pytest.fixture
def children() -> None:
    """Let real child processes do the tasks."""


@pytest.fixture(autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do tasks in this process, which is faster."""

    def run_tasks(
        tasks: list[_pool.Task], should_stop: Callable[[], bool], n: int
    ) -> Iterator[tuple[int, _pool.Reply]]:
        yield from ((i, _pool.guarded(_import.perform, task)) for i, task in enumerate(tasks) if not should_stop())

    if "children" not in request.fixturenames:
        monkeypatch.setattr(_import, "run_tasks", run_tasks)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return a folder of four recordings of mice, the second one too short for a window."""
    for i in range(4):
        write_tracks(tmp_path / "lab" / f"mouse{i}.csv", i, 30 if i == 1 else 300)
    (tmp_path / "lab" / "notes.md").write_text("water them", encoding="utf-8")
    return tmp_path / "lab"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    workflow.new(tmp_path / "p.atlas")
    return tmp_path / "p.atlas"


def tree(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*"))


def told(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def plan_of(lab: Path, project: Path, **asked: Any) -> ImportPlan:
    wishes = workflow.ImportWishes(AddRequest(Path(), asked.pop("species", ""), **asked))
    return ImportPlan.from_dict(list(workflow.plan_import(project, [lab], wishes))[-1].data["plan"])


def names_in(project: Path) -> list[str]:
    return [entry.name for entry in workflow.read_project(project).recordings]


def test_a_dry_run_prints_a_table_and_writes_nothing(atlas: Atlas, lab: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    code, out, _ = atlas("add", tmp_path / "new.atlas", "--recursive", lab, "--dry-run", "--quality", "--fps", 30)
    assert code == 0
    assert tree(tmp_path) == before
    lines = out.splitlines()
    assert lines[:2] == ["looking at 5 files", "mouse:"]
    assert lines[2].split() == ["name", "kind", "animals", "frames", "fps", "video"]
    assert lines[3].split() == ["mouse0", "pose", "1", "300", "30", "-"]
    assert any(line.startswith("  notes.md: ") for line in lines)
    assert "°C" not in out


def test_a_dry_run_in_json_ends_with_the_plan(atlas: Atlas, lab: Path, project: Path) -> None:
    _, out, _ = atlas("add", project, "--recursive", lab, "--dry-run", "--quality", "--json")
    events = told(out)
    assert [e["event"] for e in events[:2]] == ["started", "progress"]
    recordings = events[-1]["plan"]["recordings"]
    assert [r["fault"] for r in recordings] == ["the frame rate is not known: give it"] * 4
    assert recordings[0]["quality"]["missing_by_keypoint"] == {"nose": 0.0, "tail": 0.0}


def test_what_fits_is_added_and_what_is_refused_is_told(atlas: Atlas, lab: Path, project: Path) -> None:
    code, out, err = atlas("add", project, "--recursive", lab, "--fps", 30, "--json")
    assert code == 2
    assert names_in(project) == ["mouse0", "mouse2", "mouse3"]
    events = told(out)
    rows = {e["row"]: (e["recordings"], e["error"]) for e in events if "row" in e}
    assert rows[0] == (["mouse0"], "")
    assert rows[1][0] == []
    assert "it gives no window" in rows[1][1]
    assert (events[-1]["event"], events[-1]["added"]) == ("done", ["mouse0", "mouse2", "mouse3"])
    assert err.startswith("error: added 3 of 4; 1 refused: mouse1.csv: recording mouse1: it gives no window")
    assert len(err.splitlines()) == 1


def test_a_dry_run_can_be_edited_and_given_back(atlas: Atlas, lab: Path, project: Path, tmp_path: Path) -> None:
    _, out, _ = atlas("add", project, "--recursive", lab, "--dry-run", "--json")
    plan = told(out)[-1]["plan"]
    for row in plan["recordings"]:
        row["request"] |= {"fps": 30, "species": "mice", "animals": [f"{row['request']['name']}!"]}
        row["chosen"] = row["request"]["name"] != "mouse1"
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan, indent=1), encoding="utf-8")
    code, _, err = atlas("add", project, "--plan", file)
    assert (code, err) == (0, "")
    entries = workflow.read_project(project).recordings
    assert [(e.name, e.species, e.animals) for e in entries][1] == ("mouse2", "mice", ("mouse2!",))
    file.write_text(out, encoding="utf-8")
    assert [r.request.name for r in workflow.read_plan(file).recordings] == ["mouse0", "mouse1", "mouse2", "mouse3"]


@pytest.mark.usefixtures("children")
def test_it_is_the_same_as_adding_one_by_one(lab: Path, project: Path, tmp_path: Path) -> None:
    plan = plan_of(lab, project, fps=30.0).choosing([1], False)
    list(workflow.add_many(project, plan))
    alone = tmp_path / "alone.atlas"
    workflow.new(alone)
    for recording in plan.ready:
        workflow.add(alone, recording.request)
    one, other = workflow.read_project(project), workflow.read_project(alone)
    assert one.recordings == other.recordings
    assert one.species == other.species


def test_folders_may_be_named_from_where_one_is(
    lab: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.rename(tmp_path / "wasps")
    for path in (tmp_path / "wasps").glob("mouse*.csv"):
        path.rename(path.with_name(path.name.replace("mouse", "trial")))
    monkeypatch.chdir(tmp_path)
    plan = plan_of(Path("wasps"), project)
    assert [r.request.species for r in plan.recordings] == ["wasp"] * 4
    assert all(r.request.tracks.is_absolute() for r in plan.recordings)


def test_what_the_project_holds_is_left_over(lab: Path, project: Path) -> None:
    workflow.add(project, AddRequest(lab / "mouse0.csv", "mouse", name="first", fps=30))
    shutil.copy(lab / "mouse0.csv", lab / "mouse9.csv")
    (lab / "mouse0.csv").rename(lab / "moved.csv")
    shutil.copy(lab / "moved.csv", lab / "mouse0.csv")
    plan = plan_of(lab, project)
    assert [r.request.name for r in plan.recordings] == ["mouse1", "mouse2", "mouse3"]
    assert sum("the project holds it already, as first" in left.reason for left in plan.left_over) == 1


def test_a_stop_keeps_what_was_added(lab: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_import, "_WRITE_S", -1.0)
    plan, seen = plan_of(lab, project, fps=30.0).choosing([1], False), []
    for event in workflow.add_many(project, plan, lambda: "progress" in seen):
        seen.append(event.kind)
    assert names_in(project) == ["mouse0"]
    assert (event.kind, event.text) == ("done", "stopped: added 1 of 3")
    with pytest.raises(StoppedError):
        list(workflow.plan_import(project, [lab], workflow.ImportWishes(), lambda: True))


def test_files_that_change_between_look_and_add_are_refused_alone(lab: Path, project: Path) -> None:
    plan = plan_of(lab, project, fps=30.0)
    (lab / "mouse0.csv").unlink()
    (lab / "mouse2.csv").write_text("scorer,a\nbroken", encoding="utf-8")
    events = list(workflow.add_many(project, plan))
    assert names_in(project) == ["mouse3"]
    assert len(events[-1].data["refused"]) == 3


def test_a_child_that_dies_costs_one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child = "import sys, json, os\nfor line in sys.stdin:\n was = json.loads(line)['path']\n"
    child += " os.abort() if was == '2' else print('noise', json.dumps({'reply': {'was': was}}), sep='\\n', flush=True)"
    (tmp_path / "child.py").write_text(child, encoding="utf-8")
    (tmp_path / "python").write_text(f"#!/bin/sh\nexec {sys.executable} {tmp_path}/child.py\n", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(_pool.sys, "executable", str(tmp_path / "python"))
    tasks = [{"path": str(i)} for i in range(6)]
    replies = dict(_pool.run_tasks(tasks, bool, 2))
    assert [replies[i].get("was") for i in range(6)] == ["0", "1", None, "3", "4", "5"]
    assert replies[2]["error"].startswith("2: the process that read it ended (-6)")


def test_children_look_as_this_process_does(lab: Path) -> None:
    tasks = [{"do": "look", "path": str(path)} for path in sorted(lab.iterdir())]
    there = dict(_pool.run_tasks(tasks, bool, 2))
    assert [there[i] for i in range(len(tasks))] == [json.loads(json.dumps(_import.perform(task))) for task in tasks]


def test_a_stop_ends_the_children_at_once(lab: Path) -> None:
    tasks = [{"do": "look", "path": str(lab / "mouse0.csv")}] * 50
    assert list(_pool.run_tasks(tasks, lambda: True, 2)) == []


class Future:
    """A Dask future that is there."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def result(self) -> Any:
        return self.value


class FakeClient:
    """A Dask client whose only worker is this process."""

    addresses: ClassVar[list[str]] = []

    def __init__(self, address: str, timeout: float) -> None:
        if not address.startswith("tcp://"):
            raise OSError("no route")
        self.addresses.append(address)

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, function: Callable[..., Any], *arguments: Any, pure: bool) -> Future:
        assert not pure
        return Future(function(*arguments))

    def cancel(self, futures: list[Any]) -> None:
        return None


@pytest.fixture
def dask(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that clients were made for."""
    fake: Any = types.ModuleType("distributed")
    fake.Client, fake.as_completed = FakeClient, lambda futures: iter(reversed(futures))
    monkeypatch.setitem(sys.modules, "distributed", fake)
    monkeypatch.setattr(FakeClient, "addresses", [])
    return FakeClient.addresses


def test_a_dask_cluster_reads_in_the_place_of_children(
    atlas: Atlas, lab: Path, project: Path, dask: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://head:8786")
    (lab / "mouse1.csv").unlink()
    assert atlas("add", project, "--recursive", lab, "--fps", 30)[0] == 0
    assert names_in(project) == ["mouse0", "mouse2", "mouse3"]
    assert dask == ["tcp://head:8786"]


def test_a_cluster_that_does_not_answer_adds_nothing(
    atlas: Atlas, lab: Path, project: Path, dask: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = atlas("add", project, "--recursive", lab, "--fps", 30, "--dask", "head")
    assert (code, err) == (2, "error: --dask: no scheduler answers at head; check the address\n")
    monkeypatch.setitem(sys.modules, "distributed", None)
    _, _, err = atlas("add", project, "--recursive", lab, "--fps", 30, "--dask", "tcp://head:8786")
    assert "the package distributed is not installed; install 'napari-atlas[cluster]'" in err
    assert names_in(project) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--recursive", "{lab}", "--name", "x"], "--recursive: name goes with one recording alone"),
        (["{lab}/mouse0.csv", "--recursive", "{lab}"], "--recursive: tracks goes with one recording alone"),
        (["--plan", "{lab}/notes.md"], "notes.md: it holds no plan; make one with"),
        (["--plan", "{lab}/gone.json"], "gone.json: it cannot be read"),
        (["--plan", "{lab}/gone.json", "--recursive", "{lab}"], "--plan: the plan is made already"),
        (["--plan", "{lab}/gone.json", "--fps", "3"], "--plan: fps is not read from here; write it into the plan"),
        (["{lab}/mouse0.csv", "--species", "m", "--fps", "9", "--dry-run"], "--dry-run: it goes with --recursive"),
        (["--recursive", "{lab}/gone"], "gone: there is no such file or folder; check the path"),
        (["{lab}/mouse0.csv"], "Missing option '--species'"),
        ([], "Missing argument 'TRACKS'"),
    ],
)
def test_options_that_do_not_go_together(
    atlas: Atlas, lab: Path, project: Path, arguments: list[str], text: str
) -> None:
    code, _, err = atlas("add", project, *(a.replace("{lab}", str(lab)) for a in arguments))
    assert code == 2
    assert text in err
    assert len(err.splitlines()) == 1


def test_a_missing_project_is_told_before_anything_is_read(lab: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.atlas"):
        next(iter(workflow.add_many(tmp_path / "gone.atlas", ImportPlan())))
