"""What every registered scrubber owes."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_atlas.data.config import FitConfig
from napari_atlas.data.scrub_text import SCRUBBERS as CHOICES
from napari_atlas.data.variables import Measured, Variable
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError
from napari_atlas.model.conditioning import with_variables
from napari_atlas.model.resume import save_resume
from napari_atlas.model.runner import Prepared, begin, prepare, train
from napari_atlas.model.scrubbers import AUTO, SCRUBBERS, Scrubber, scrubber_kind
from napari_atlas.model.scrubbing import Scrubbers, make_scrubbers
from napari_atlas.model.vae import Architecture, SpeciesShape

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "scrubber.md"
DIM = 3
WIDTHS = {"number": 2, "angle": 2, "class": 4}
KINDS = [(name, kind) for name, entry in SCRUBBERS.items() for kind in entry.kinds]
WORKING = [pair for pair in KINDS if pair[0] != "none"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Keep tiny networks from waiting for threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batches(kind: str, n: int = 6, size: int = 48) -> list[tuple[Tensor, Tensor]]:
    """Return batches in which the latent tells the variable; the last class has no window in the first two."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for i in range(n):
        mu = torch.randn(size, DIM, generator=generator)
        v = mu[:, :2].clone() + 0.1 * torch.randn(size, 2, generator=generator)
        if kind == "angle":
            v = v / v.norm(dim=1, keepdim=True)
        if kind == "class":
            codes = ((mu[:, 0] > 0).long() + 2 * (mu[:, 1] > 0).long()).clamp(max=2 if i < 2 else 3)
            v = torch.nn.functional.one_hot(codes, 4).float()
        found.append((mu, v))
    return found


def follow(scrubber: Scrubber, found: list[tuple[Tensor, Tensor]], begins: bool = True) -> list[float]:
    """Return the losses before each update; an epoch is two batches."""
    losses = []
    for i, (mu, v) in enumerate(found):
        if begins and i % 2 == 0:
            scrubber.begin_epoch()
        losses.append(float(scrubber.loss(mu, v)))
        with torch.no_grad():
            scrubber.update(mu, v)
    return losses


def build(name: str, kind: str) -> Scrubber:
    return scrubber_kind(name, kind).build(DIM, WIDTHS[kind])


@pytest.mark.parametrize(("name", "kind"), WORKING)
def test_loss_and_statistics_move(name: str, kind: str) -> None:
    scrubber, found = build(name, kind), batches(kind)
    before = copy.deepcopy(scrubber.state_dict())
    losses = follow(scrubber, found)
    assert all(np.isfinite(losses))
    assert min(losses) >= 0, "chance is the floor"
    assert losses[-1] > 0.05, "it has found out what the latent tells"
    moved = scrubber.state_dict()
    assert any(not torch.equal(moved[key], value) for key, value in before.items() if isinstance(value, Tensor))
    kept = copy.deepcopy(moved)
    scrubber.loss(*found[0])
    assert all(torch.equal(moved[key], value) for key, value in kept.items()), "asking teaches nothing"


@pytest.mark.parametrize(("name", "kind"), WORKING)
def test_gradient_reaches_the_latent_alone(name: str, kind: str) -> None:
    scrubber, found = build(name, kind), batches(kind)
    follow(scrubber, found)
    mu, v = (part.clone().requires_grad_() for part in found[-1])
    scrubber.loss(mu, v.detach()).backward()  # type: ignore[no-untyped-call]
    assert mu.grad is not None
    assert mu.grad.isfinite().all()
    assert mu.grad.abs().max() > 0
    assert all(p.grad is None for p in scrubber.parameters())
    assert not any(b.requires_grad for b in scrubber.buffers())


@pytest.mark.parametrize(("name", "kind"), WORKING)
def test_a_step_against_the_gradient_makes_it_known_less(name: str, kind: str) -> None:
    scrubber, found = build(name, kind), batches(kind)
    follow(scrubber, found)
    mu, v = found[-1][0].clone().requires_grad_(), found[-1][1]
    loss = scrubber.loss(mu, v)
    (gradient,) = torch.autograd.grad(loss, mu)
    step = 0.02 * gradient / gradient.std()
    assert scrubber.loss((mu - step).detach(), v) < loss
    cosine = torch.nn.functional.cosine_similarity(gradient.flatten(), _separation(found[-1], kind).flatten(), dim=0)
    assert cosine < 0, "the variable's own direction is left"


def _separation(batch: tuple[Tensor, Tensor], kind: str) -> Tensor:
    """Return the (n_windows, DIM) direction that would make the latent tell less: back to the middle of all."""
    mu, v = batch
    told = torch.linalg.lstsq(torch.cat([v, torch.ones(len(v), 1)], dim=1), mu).solution
    return mu.mean(0) - torch.cat([v, torch.ones(len(v), 1)], dim=1) @ told


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_copy_from_its_state_goes_on_alike(name: str, kind: str) -> None:
    scrubber, found = build(name, kind), batches(kind, 10)
    follow(scrubber, found[:4])
    other = build(name, kind)
    other.load_state_dict(copy.deepcopy(scrubber.state_dict()))
    assert follow(other, found[4:]) == follow(scrubber, found[4:])


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_it_moves_between_devices(name: str, kind: str) -> None:
    scrubber, found = build(name, kind), batches(kind)
    wanted = follow(copy.deepcopy(scrubber), found)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    losses = []
    for i, (mu, v) in enumerate(found):
        here = device if i % 2 else "cpu"
        losses += follow(scrubber.to(here), [(mu.to(here), v.to(here))], begins=i % 2 == 0)
    np.testing.assert_allclose(losses, wanted, rtol=2e-2 if device == "cuda" else 0, atol=1e-4)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_two_windows_and_equal_values_are_enough(name: str, kind: str) -> None:
    scrubber, found = build(name, kind), batches(kind)
    mu, v = found[0]
    same = torch.zeros(1, WIDTHS[kind]).index_fill_(1, torch.tensor([0]), 1.0)
    odd = [(mu[:2], v[:2]), (mu[:2], same.expand(2, -1)), (torch.zeros(5, DIM), v[:5]), *found]
    assert all(np.isfinite(follow(scrubber, odd)))
    assert all(value.isfinite().all() for value in scrubber.state_dict().values())


@pytest.mark.parametrize("name", ["qd", "moving-average"])
def test_a_class_that_a_batch_lacks_stays_as_it_was(name: str) -> None:
    scrubber = build(name, "class")
    found = batches("class", 2)
    follow(scrubber, batches("class"))
    kept = copy.deepcopy({key: value for key, value in scrubber.state_dict().items() if key != "variance"})
    follow(scrubber, found)
    for key, value in scrubber.state_dict().items():
        if key != "variance":  # of all classes together
            mine, before = (t.movedim(1, 0) if "factors" in key else t for t in (value, kept[key]))
            axis = mine.shape.index(4)
            assert torch.equal(mine.select(axis, 3), before.select(axis, 3)), key
            assert key == "seen" or not torch.equal(mine.select(axis, 0), before.select(axis, 0)), key


VARIABLES = (
    Variable("speed", "number", mean=(0.0, 0.0), std=(1.0, 1.0)),
    Variable("heading", "angle"),
    Variable("animal", "class", ("a", "b", "c", "d")),
)


def several(scrub: str) -> Scrubbers:
    architecture = Architecture((SpeciesShape("mouse", 8, 1),), DIM, False, variables=VARIABLES)
    return make_scrubbers(architecture, FitConfig(scrub=scrub, latent_dim=DIM))


def test_several_scrub_at_once_and_unknown_windows_are_left_out() -> None:
    scrubbers = several("speed,heading:reversal:2,animal:moving-average")
    assert len(scrubbers) == 3
    columns = [torch.cat(parts, dim=1) for parts in zip(*([v for _, v in batches(k)] for k in WIDTHS), strict=True)]
    mus = [mu for mu, _ in batches("number")]
    for mu, v in zip(mus, columns, strict=True):
        scrubbers.update(mu, v)
    wanted = scrubbers(mus[0], columns[0])
    assert float(wanted) > 0
    speed = several("speed")
    speed.parts[0].load_state_dict(scrubbers.parts[0].state_dict())
    holes = columns[0].clone()
    holes[5:9, 1] = np.nan
    holes[:, 2:] = np.nan
    mu = mus[0].clone().requires_grad_()
    loss = speed(mu, holes)
    assert torch.equal(loss, scrubbers(mus[0], holes)), "what is not known of any window is not scrubbed"
    loss.backward()  # type: ignore[no-untyped-call]
    assert mu.grad is not None
    assert mu.grad.isfinite().all()
    kept = copy.deepcopy(speed.state_dict())
    speed.update(mu.detach(), holes * np.nan)
    assert all(torch.equal(kept[key], value) for key, value in speed.state_dict().items())


def test_the_scale_of_a_dimension_does_not_count() -> None:
    """A latent that shrinks tells as much as before, and must not be rewarded for it."""
    scrubbers = several("speed,animal")
    columns = [torch.cat(parts, dim=1) for parts in zip(*([v for _, v in batches(k)] for k in WIDTHS), strict=True)]
    for (mu, _), v in zip(batches("number"), columns, strict=True):
        scrubbers.update(mu, v)
    mu = batches("number")[-1][0]
    scale = torch.tensor([0.5, 3.0, 0.01], requires_grad=True)
    loss = scrubbers(mu * scale, columns[-1])
    torch.testing.assert_close(loss, scrubbers(mu, columns[-1]), rtol=1e-2, atol=0)
    (gradient,) = torch.autograd.grad(loss, scale)
    assert gradient.abs().max() < 1e-2 * float(loss.detach())


def test_no_window_is_pushed_without_limit() -> None:
    """Two classes that lie a thousand of their spreads apart must not drown all that the network has learnt."""
    scrubbers = several("animal")
    generator = torch.Generator().manual_seed(0)
    v = torch.nn.functional.one_hot(torch.arange(40) % 4, 4).float()
    mu = 1e-3 * torch.randn(40, DIM, generator=generator) + v @ torch.randn(4, DIM, generator=generator)
    columns = torch.cat([torch.zeros(40, 4), v], dim=1)
    for _ in range(60):
        scrubbers.update(mu, columns)
    mu.requires_grad_()
    (gradient,) = torch.autograd.grad(scrubbers(mu, columns), mu)
    assert 0 < float(gradient.norm(dim=1).max()) < 8 * SCRUBBERS["qd"].weight / 40


def test_a_kind_that_it_cannot_scrub_is_refused() -> None:
    for name, entry in SCRUBBERS.items():
        for kind in {"number", "angle", "class"} - set(entry.kinds):
            with pytest.raises(InputError, match=rf"{name} cannot scrub a {kind}; choose from .*{AUTO[kind]}"):
                scrubber_kind(name, kind)
    with pytest.raises(InputError, match="'bleach' is not a scrubber"):
        scrubber_kind("bleach", "number")
    assert set(CHOICES) >= {"auto", *SCRUBBERS}


CONFIG = FitConfig(
    epochs=3, beta_warmup=1, batch_size=16, latent_dim=3, learning_rate=3e-3, device="cpu", split="none", patience=0
)


def fresh(config: FitConfig, kind: str) -> Prepared:
    """Return a small fit with one variable; every seventh window does not know it."""
    rng = np.random.default_rng(0)
    windows = Windows.from_arrays({"a": rng.normal(size=(40, 16)), "b": rng.normal(size=(30, 6))})
    n = len(windows.table)
    values = rng.integers(0, 3, (n, 1)).astype(float) if kind == "class" else rng.normal(size=(n, 1))
    values[::7] = np.nan
    measured = Measured("v", kind, values, ("x", "y", "z") if kind == "class" else ())
    variable = Variable.of(measured, np.ones(n, np.bool_))
    assert variable is not None
    return with_variables(prepare(windows, config), [variable], {"v": measured})


def fit(folder: Path, config: FitConfig, kind: str, until: int, resume: Path | None = None) -> list[dict[str, float]]:
    prepared = fresh(config, kind)
    state, reports = begin(prepared, resume), []
    for report in train(prepared, folder / "weights.safetensors", lambda: state.epoch >= until, state):
        save_resume(folder / "resume.safetensors", state)
        reports.append(report.train)
    return reports


@pytest.mark.parametrize(("name", "kind"), dict(WORKING).items())
def test_a_fit_runs_and_goes_on_as_if_nothing_had_happened(name: str, kind: str, tmp_path: Path) -> None:
    config = replace(CONFIG, scrub=f"v:{name}")
    whole = fit(tmp_path, config, kind, 3)
    weights = (tmp_path / "weights.safetensors").read_bytes()
    assert all(np.isfinite(report["scrub"]) for report in whole)
    parts = fit(tmp_path, config, kind, 1)
    parts += fit(tmp_path, config, kind, 3, tmp_path / "resume.safetensors")
    assert parts == whole
    assert (tmp_path / "weights.safetensors").read_bytes() == weights


def test_the_howto_stays_true(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    registered, choices = dict(SCRUBBERS), list(CHOICES)
    text = HOWTO.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {"__name__": "guide"}
    try:
        for block in blocks:
            exec(compile(block, str(HOWTO), "exec"), names)
    finally:
        for name in SCRUBBERS.keys() - registered.keys():
            del SCRUBBERS[name]
        CHOICES[:] = choices
    epochs, losses = zip(*(line.split() for line in capsys.readouterr().out.splitlines()), strict=True)
    assert epochs == ("1", "2")
    assert max(map(float, losses)) > 0
    assert np.shape(names["latents"]) == (80, 4)
    told = set(re.findall(r"`([a-z0-9-]+)`", text.split("```python", maxsplit=1)[0]))
    assert told >= set(SCRUBBERS)
