"""Scrubbers: the published figures, and whether they scrub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from napari_atlas.data.variables import Variable
from napari_atlas.model._scrub_classes import QuadraticDiscriminant
from napari_atlas.model._scrub_least_squares import MovingLeastSquares
from napari_atlas.model._scrub_shared import Forgetting
from napari_atlas.model.losses import total_correlation
from napari_atlas.model.scrubbers import SCRUBBERS
from napari_atlas.model.scrubbing import Scrubbers

N, DIM = 64, 4
WEIGHTS = {"adversary": 2.0, "mutual-information": 3.0}
"""Of scrubbers that push less than the others."""


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Keep tiny networks from waiting for threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def scvae(shared: Path) -> dict[str, Tensor]:
    with np.load(shared / "golden/scvae_outputs.npz") as file:
        keys = [k for k in file.files if k.startswith(("mals_", "qd_", "chol_", "tc_"))]
        return {key: torch.from_numpy(np.asarray(file[key])) for key in keys}


def close_to_largest(found: Tensor, wanted: Tensor, rtol: float = 1e-5) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=rtol * float(wanted.abs().max()))


@torch.no_grad()
@pytest.mark.parametrize("order", [1, 2])
def test_golden_moving_least_squares(order: int, scvae: dict[str, Tensor]) -> None:
    golden = {key.split("_", 2)[2]: value for key, value in scvae.items() if key.startswith(f"mals_order{order}_")}
    scrubber = MovingLeastSquares(6, 2, order, float(golden["l2"]))
    for z, y, loss, factors in zip(golden["z"], golden["y"], golden["loss"], golden["lambda"], strict=True):
        assert float(scrubber.errors(z, y).sum(1).mean()) == pytest.approx(float(loss), rel=2e-6)
        scrubber.update(z, y)
        torch.testing.assert_close(scrubber.forgetting.factors[:, 0].double(), factors, rtol=0, atol=1e-6)
    close_to_largest(scrubber.second[0], golden["Sxx0"])
    close_to_largest(scrubber.cross[0], golden["Sxy0"])


@torch.no_grad()
def test_golden_quadratic_discriminant(scvae: dict[str, Tensor]) -> None:
    scrubber = QuadraticDiscriminant(6, 3, steady=False)
    for z, y, loss, factors in zip(scvae["qd_z"], scvae["qd_y"], scvae["qd_loss"], scvae["qd_lambda"], strict=True):
        v = one_hot(y[:, 0], 3).float()
        assert float(scrubber.published(z, v)) == pytest.approx(float(loss), rel=2e-6, abs=1e-5)
        scrubber.update(z, v)
        torch.testing.assert_close(scrubber.forgetting.factors, factors, rtol=0, atol=1e-6)
    close_to_largest(scrubber.mean[0, 0], scvae["qd_m0a"])
    close_to_largest(scrubber.covariance[0, 1], scvae["qd_S1a"])


def test_golden_total_correlation(scvae: dict[str, Tensor]) -> None:
    mu, variance = scvae["chol_mu"], scvae["chol_full_L"].square().sum(2)
    assert float(total_correlation(mu + 0.1, mu, variance)) == pytest.approx(float(scvae["tc_full"]), rel=1e-5)


def test_forgetting_factors_move_together_between_0_and_1() -> None:
    forgetting = Forgetting(0.2, 0.1, 0.15, 3)
    down = torch.tensor([True, False, True])
    for _ in range(9):
        forgetting.move(down, torch.tensor([True, True, False]))
    wanted = torch.tensor([[0.0, 0.9, 0.2], [0.1, 1.0, 0.3]])
    torch.testing.assert_close(forgetting.factors, wanted)


def test_a_class_of_one_window_keeps_all_figures_finite() -> None:
    scrubber = QuadraticDiscriminant(DIM, 3)
    mu = torch.randn(12, DIM, generator=torch.Generator().manual_seed(0))
    mu[:, 3] = 0.5  # a dimension that holds nothing
    v = one_hot(torch.tensor([0] * 11 + [1]), 3).float()
    for _ in range(60):
        assert scrubber.loss(mu, v).isfinite()
        scrubber.update(mu, v)
    assert (scrubber.covariance[:, :, 2] == torch.eye(DIM)).all(), "a class that never came stays at its start"


def draw(kind: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return (N, 6) inputs and the columns of a variable.

    Four inputs are noise, to two of which the variable is added; the last two are what was added, so that an encoder
    can take it away again.
    """
    noise = torch.randn(N, 4, generator=generator)
    if kind == "class":
        codes = torch.randint(0, 3, (N,), generator=generator)
        v, shift = one_hot(codes, 3).float(), torch.tensor([[0.0, 1.5], [1.3, -0.7], [-1.3, -0.7]])[codes]
    elif kind == "angle":
        angle = 2 * torch.pi * torch.rand(N, generator=generator)
        v = torch.stack([angle.cos(), angle.sin()], dim=1)
        shift = 1.5 * v
    else:
        v = torch.randn(N, 1, generator=generator)
        shift = v.expand(-1, 2)
    return torch.cat([noise[:, :2] + shift, noise[:, 2:], shift], dim=1), v


def told(mu: Tensor, v: Tensor) -> float:
    """Return R² of the best linear answer on the second half of the windows, from the first."""
    one = torch.cat([mu, mu.new_ones(len(mu), 1)], dim=1).double()
    half = len(mu) // 2
    weights = torch.linalg.lstsq(one[:half], v[:half].double()).solution
    left = (v[half:] - one[half:] @ weights).square().sum()
    return 1 - float(left / (v[half:] - v[:half].mean(0)).square().sum())


def linear_encoder(kind: str, name: str) -> tuple[float, float]:
    """Train mu = x W beside a scrubber, and return how well variable and noise can be told from it then."""
    generator = torch.Generator().manual_seed(0)
    width = draw(kind, generator)[1].shape[1]
    scrubber = SCRUBBERS[name].build(DIM, width)
    variable = Variable("v", kind, tuple("abc") * (kind == "class"), (0.0,) * (kind == "number"), (1.0,))
    scrubbers = Scrubbers([variable], {"v": scrubber}, {"v": WEIGHTS.get(name, 0.5)})
    encode = torch.nn.Parameter(torch.eye(6)[:, :DIM] + 0.1 * torch.randn(6, DIM, generator=generator))
    decode = torch.nn.Parameter(torch.zeros(DIM + width, 6))
    optimiser = torch.optim.Adam([encode, decode], lr=0.03)
    for step in range(150):
        optimiser.param_groups[0]["lr"] = 0.03 * (1 - step / 150)
        if step % 30 == 0:
            scrubbers.begin_epoch()
        x, v = draw(kind, generator)
        mu = x @ encode
        error = (x - torch.cat([mu, v], dim=1) @ decode).square().mean()
        optimiser.zero_grad()
        (error + scrubbers(mu, v)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        scrubbers.update(mu.detach(), v)
    several = [draw(kind, generator) for _ in range(32)]
    x, v = (torch.cat(parts) for parts in zip(*several, strict=True))
    mu, noise = (x @ encode).detach(), torch.cat([x[:, :2] - x[:, 4:], x[:, 2:4]], dim=1)
    return told(mu, v), told(mu, noise)


@pytest.mark.parametrize(("name", "kind"), [(name, entry.kinds[-1]) for name, entry in SCRUBBERS.items()])
def test_a_linear_encoder_forgets_what_is_scrubbed_and_keeps_the_rest(name: str, kind: str) -> None:
    variable, rest = linear_encoder(kind, name)
    if name == "none":
        assert variable > 0.3, "without a scrubber it stays"
    else:
        assert variable < 0.05
        assert rest > 0.9, "a latent that holds nothing would be no success"
