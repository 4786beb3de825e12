"""Does a fit survive being killed? Kill it at random moments, resume it, and compare with one that was left alone.

Prints one JSON object: `kills`; of them `resumed` (those after which the fit went on), `corrupt` (those that left a
file which cannot be read) and `lost` (those that lost an epoch which had been told). A tenth of the kills, `windows`,
meet the parent that reads the fit's events instead; `reattached` are those of them after which the fit went on by
itself and was followed to its end. `complete` are the kills of either kind that came when nothing was left to be done.
Of `compared` fits, `bit_equal` ended complete and with the bytes of weights and history of a fit that was left alone.
Needs fork.

    python benchmarks/kill.py [--kills 200] [--minutes 0] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NoReturn

import anndata  # noqa: F401
import numpy as np
import torch._dynamo  # noqa: F401

import napari_atlas._fit
import napari_atlas.analysis.alignment
import napari_atlas.io.h5ad
import napari_atlas.model.runner  # noqa: F401
from napari_atlas import workflow
from napari_atlas.cli import main
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import AtlasError
from napari_atlas.io.runs import RunFolder
from napari_atlas.jobs import attach, command_line

CONFIG = FitConfig(
    epochs=60, patience=0, beta_warmup=5, batch_size=32, latent_dim=2, learning_rate=3e-3, device="cpu", split="block"
)
WINDOW_SHARE = 0.1
EARLY_SHARE = 0.1
WINDOW = """
import json, sys
from napari_atlas.jobs import Job
for event in Job(*sys.argv[1:]).events():
    print(json.dumps(event), flush=True)
"""


def make_project(folder: Path) -> Path:
    """Return a project of noise, of which nothing can be learned, so that the best epoch is not the last one."""
    rng = np.random.default_rng(0)
    np.save(folder / "noise.npy", rng.normal(size=(150, 12)))
    np.save(folder / "temps.npy", rng.normal(20, 3, 150))
    project = folder / "kill.atlas"
    workflow.new(project)
    workflow.add(project, AddRequest(folder / "noise.npy", "noise", temperature=str(folder / "temps.npy")))
    return project


class Killed:
    """A command in a child process that is killed after a while; its events are kept.

    Parameters
    ----------
    arguments
        What follows ``napari-atlas``; it runs in a fork of this process, in which all is imported already, so that
        the kills meet the fit and not the imports.
    window
        Run it as a window would, as a child of yet another process, and kill only that one.
    """

    def __init__(self, arguments: list[str], window: bool = False) -> None:
        self.events: list[dict] = []
        self._text = b""
        self._ended = False
        self._pipe, write = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            become(arguments, write, window)
        os.close(write)
        os.set_blocking(self._pipe, False)

    def end(self, after_start: bool, seconds: float) -> bool:
        """Kill it so many seconds after its first word, or after its begin; return whether it was still there."""
        while after_start and self.is_alive() and not self.events:
            time.sleep(0.002)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.is_alive():
            time.sleep(0.002)
        alive = self.is_alive()
        if alive:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._read()
        os.close(self._pipe)
        return alive

    def is_alive(self) -> bool:
        """Whether it is still there."""
        self._read()
        self._ended = self._ended or os.waitpid(self._pid, os.WNOHANG)[0] != 0
        return not self._ended

    def _read(self) -> None:
        try:
            while block := os.read(self._pipe, 1 << 16):
                self._text += block
        except BlockingIOError:
            pass
        *lines, self._text = self._text.split(b"\n")
        self.events += map(json.loads, lines)

    @property
    def folder(self) -> Path:
        """The run's folder, if it was told."""
        return next((Path(e["folder"]) for e in self.events if e["event"] == "started"), Path())

    @property
    def told(self) -> int:
        """The last epoch that was told."""
        return max((e["epoch"] for e in self.events if e["event"] == "epoch"), default=0)


def become(arguments: list[str], out: int, window: bool) -> NoReturn:
    """Turn this process into the command, with a session of its own."""
    os.setsid()
    os.dup2(out, 1)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    try:
        if window:
            os.execv(sys.executable, [sys.executable, "-c", WINDOW, *arguments])
        sys.argv = ["napari-atlas", *arguments, "--json"]
        main()
    except SystemExit:
        os._exit(0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    os._exit(1)


def is_whole(project: Path) -> bool:
    """Return whether the project and all files of its runs can be read."""
    from napari_atlas.model.checkpoint import load_weights

    try:
        workflow.load_atlas(project)
        for summary in workflow.runs(project):
            run = RunFolder(project / "runs" / summary["run"])
            run.read_latents()
            if run.weights.is_file():
                load_weights(run.weights)
            workflow.load_atlas(project, run.name)
    except AtlasError as error:
        print(error, file=sys.stderr)
        return False
    return True


class Tally:
    """What is counted, over a number of fits."""

    def __init__(self, project: Path, seed: int) -> None:
        self.project = project
        names = ("kills", "resumed", "corrupt", "lost", "windows", "reattached", "complete", "bit_equal", "compared")
        self.counts = dict.fromkeys(names, 0)
        self._random = random.Random(seed)
        self._settings = [t for key, value in CONFIG.as_dict().items() for t in ("--set", f"{key}={value}")]
        alone = subprocess.run(
            command_line("fit", [str(project), *self._settings]), stdout=subprocess.PIPE, text=True, check=True
        )
        self._expected = result(Path(json.loads(alone.stdout.splitlines()[0])["folder"]))
        begin = time.monotonic()
        fit = Killed(["fit", str(project), *self._settings])
        fit.end(True, 600.0)
        self._fit_s = time.monotonic() - begin
        for run in workflow.runs(project):
            workflow.delete_run(project, run["run"])

    def one_fit(self) -> None:
        """Begin a fit, kill and resume it until it ends, and compare; then delete it."""
        told, waiting, ended = 0, 0, False
        while not ended:
            begun = workflow.runs(self.project)
            more = ["--resume", begun[0]["run"]] if begun else self._settings
            before = self.counts["kills"]
            ended, fit = self._one_kill(["fit", str(self.project), *more])
            if fit.events:
                self.counts["resumed"] += waiting
                self.counts["lost"] += fit.events[0]["done"] < told
                waiting, told = 0, max(told, fit.told)
            if self.counts["kills"] > before and not ended:
                waiting += 1
                self.counts["corrupt"] += not is_whole(self.project)
        self.counts["complete"] += waiting
        (run,) = workflow.runs(self.project)
        folder = self.project / "runs" / run["run"]
        self.counts["compared"] += 1
        self.counts["bit_equal"] += result(folder) == self._expected and run["state"] == "complete"
        workflow.delete_run(self.project, run["run"])

    def _one_kill(self, arguments: list[str]) -> tuple[bool, Killed]:
        """Start a fit and kill it or its parent; return whether the fit came to its end, and what was heard."""
        if self._random.random() < WINDOW_SHARE:
            window = Killed(arguments, window=True)
            if not window.end(True, self._random.uniform(0, self._fit_s)):
                return True, window
            self.counts["kills"] += 1
            self.counts["windows"] += 1
            return self._follow(window), window
        early = self._random.random() < EARLY_SHARE
        fit = Killed(arguments)
        alive = fit.end(not early, self._random.uniform(0, self._fit_s * (0.1 if early else 0.5)))
        self.counts["kills"] += alive
        return not alive, fit

    def _follow(self, window: Killed) -> bool:
        job = attach(window.folder)
        was_there = job.running
        try:
            *_, last = job.events()
        except AtlasError as error:
            print(error, file=sys.stderr)
            return False
        self.counts["reattached"] += was_there and last["event"] == "done"
        self.counts["complete"] += not was_there
        return True


def result(run: Path) -> tuple[bytes, bytes]:
    """Return the bytes of a run's weights and history."""
    return (run / "weights.safetensors").read_bytes(), (run / "history.csv").read_bytes()


def measure() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no further fit after so long; 0 has no limit")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = Tally(make_project(Path(folder)), asked.seed)
        while tally.counts["kills"] < asked.kills:
            tally.one_fit()
            if asked.minutes and time.monotonic() - begin > 60 * asked.minutes:
                break
    print(json.dumps({**tally.counts, "seconds": round(time.monotonic() - begin, 1)}))


if __name__ == "__main__":
    measure()
