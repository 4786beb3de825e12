"""Any encoder with any posterior and any head: contracts, golden figures of SC-VAE, and a lab's own network."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_atlas.data import config as settings
from napari_atlas.data.config import FitConfig, describe
from napari_atlas.errors import InputError
from napari_atlas.model import registry
from napari_atlas.model.checkpoint import load_weights, save_weights
from napari_atlas.model.heads import Head, masked_cross_entropy
from napari_atlas.model.losses import (
    Labels,
    Weights,
    kl_cholesky,
    kl_diagonal,
    labels_by_step,
    parts_of,
    terms_of,
    terms_together,
    total,
)  # fmt: skip
from napari_atlas.model.posteriors import POSTERIORS, FullPosterior, Gaussian, make_posterior
from napari_atlas.model.residual import ResidualDecoder, ResidualEncoder
from napari_atlas.model.vae import Architecture, AtlasVAE, SpeciesShape

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "encoder.md"
ENCODERS = ("conv", "residual")
PARTS = list(itertools.product(ENCODERS, POSTERIORS))
SHAPES = [(1, 1), (2, 200), (3, 1), (5, 1), (60, 1), (51, 15)]
HEADS = (Head("day"), Head("sex", n_classes=3, weight=0.5))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep tiny networks from waiting for threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test register what it likes and take it out again."""
    monkeypatch.setattr(registry, "ENCODERS", dict(registry.ENCODERS))
    monkeypatch.setattr(registry, "DECODERS", dict(registry.DECODERS))
    before = list(settings.ENCODERS)
    yield
    settings.ENCODERS[:] = before


def make_model(
    encoder: str, posterior: str = "diagonal", shape: tuple[int, int] = (7, 2), latent_dim: int = 4
) -> AtlasVAE:
    torch.manual_seed(0)
    species = (SpeciesShape("a", *shape), SpeciesShape("b", 9, 1))
    return AtlasVAE(Architecture(species, latent_dim, True, encoder=encoder, posterior=posterior, heads=HEADS))


def labels_of(n_windows: int) -> Tensor:
    return torch.tensor([0.5, -0.3, 1.0]).repeat(n_windows, 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("encoder", "posterior"), PARTS)
def test_any_window_shape_works_with_any_parts(encoder: str, posterior: str, shape: tuple[int, int]) -> None:
    latent_dim = 12  # larger than some of the windows
    model = make_model(encoder, posterior, shape, latent_dim)
    windows = torch.randn(4, *shape)
    output = model("a", windows, torch.randn(4, latent_dim))
    assert output.reconstruction.shape == windows.shape
    assert output.mu.shape == output.logvar.shape == (4, latent_dim)
    assert [p.values.shape for p in output.predictions] == [(4,), (4, 3)]
    total(terms_of(output, windows, labels_of(4)), Weights(4.0, 2.0)).backward()
    used = (model.encoders["species-a"], model.decoders["species-a"], model.heads)
    weights = [w for part in used for w in part.parameters()]
    assert all(w.grad is not None and torch.isfinite(w.grad).all() for w in weights)


@pytest.mark.parametrize(("encoder", "posterior"), PARTS)
def test_a_few_steps_learn_to_draw_a_window_again(encoder: str, posterior: str) -> None:
    model = make_model(encoder, posterior)
    windows = torch.sin(torch.linspace(0, 6, 7)[:, None] * torch.tensor([1.0, 2.0]) + torch.rand(32, 1, 1) * 6)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        terms = terms_of(model("a", windows, torch.randn(32, 4)), windows, labels_of(32))
        total(terms, Weights(1e-3, 0.0)).backward()
        optimiser.step()
        losses.append(float(terms.reconstruction.detach()))
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


@pytest.mark.parametrize("encoder", ENCODERS)
@torch.no_grad()
def test_windows_of_a_batch_do_not_mix_in_evaluation(encoder: str) -> None:
    model = make_model(encoder, "full").eval()
    windows = torch.randn(5, 7, 2)
    together = model("a", windows)
    for i in range(5):
        alone = model("a", windows[i : i + 1])
        torch.testing.assert_close(alone.reconstruction[0], together.reconstruction[i], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(alone.cholesky[0], together.cholesky[i], rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_a_full_posterior_has_the_covariance_that_it_says() -> None:
    torch.manual_seed(0)
    posterior = FullPosterior(3)
    one = posterior(torch.randn(1, posterior.n_numbers))
    assert torch.equal(one.cholesky, one.cholesky.tril())
    covariance = one.cholesky[0] @ one.cholesky[0].T
    torch.testing.assert_close(one.logvar[0].exp(), covariance.diagonal())
    drawn = Gaussian(*(t.expand(40_000, *t.shape[1:]) for t in one)).sample(torch.randn(40_000, 3))
    torch.testing.assert_close(drawn.T.cov(), covariance, rtol=0.05, atol=0.02)
    torch.testing.assert_close(drawn.mean(0), one.mu[0], rtol=0.05, atol=0.03)


@torch.no_grad()
def test_a_full_posterior_survives_extreme_numbers() -> None:
    posterior = FullPosterior(3)
    for value in (-1e4, 0.0, 1e4):
        found = posterior(torch.full((2, posterior.n_numbers), value))
        assert torch.isfinite(kl_cholesky(found.mu, found.cholesky))
        assert torch.isfinite(found.logvar).all()


@torch.no_grad()
def test_the_kl_term_of_a_full_posterior_is_that_of_torch_averaged_over_dimensions() -> None:
    torch.manual_seed(0)
    posterior = FullPosterior(5)
    found = posterior(torch.randn(6, posterior.n_numbers))
    normal = torch.distributions.MultivariateNormal
    wanted = torch.distributions.kl_divergence(
        normal(found.mu, scale_tril=found.cholesky), normal(torch.zeros(5), torch.eye(5))
    )
    torch.testing.assert_close(kl_cholesky(found.mu, found.cholesky), wanted.mean() / 5)
    diagonal = torch.diag_embed((0.5 * found.logvar).exp())
    torch.testing.assert_close(kl_cholesky(found.mu, diagonal), kl_diagonal(found.mu, found.logvar))


@pytest.fixture(scope="module")
def scvae(shared: Path) -> dict[str, Tensor]:
    with np.load(shared / "golden/scvae_outputs.npz") as file:
        keys = [k for k in file.files if k.startswith(("res_", "chol_", "kl_"))]
        return {key: torch.from_numpy(np.asarray(file[key])) for key in keys}


@torch.no_grad()
def test_golden_kl_of_scvae(scvae: dict[str, Tensor]) -> None:
    mu, full, diagonal = scvae["chol_mu"], scvae["chol_full_L"], scvae["chol_diag_L"]
    logvar = 2 * diagonal.diagonal(dim1=1, dim2=2).log()
    found = {
        "kl_full": [kl_cholesky(mu, full)],
        "kl_diag": [kl_cholesky(mu, diagonal), kl_diagonal(mu, logvar)],
    }
    for key, values in found.items():
        for value in values:
            assert float(value) * mu.shape[1] == pytest.approx(float(scvae[key]), rel=1e-5), key


_NAMES = {"conv_in": "first", "conv_out": "last", "fc_in": "first", "res_layers": "blocks", "residual": "main",
          "add": "join"}  # fmt: skip


def translated(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the reference's tensors under our names; ours has one layer for all of the posterior's numbers."""
    found = {".".join(_NAMES.get(part, part) for part in name.split(".")): t for name, t in state.items()}
    for kind in ("weight", "bias"):
        if f"fc_mu.{kind}" in found:
            found[f"out.{kind}"] = torch.cat([found.pop(f"fc_mu.{kind}"), found.pop(f"fc_sigma.0.{kind}")])
    return found


@torch.no_grad()
def test_golden_residual_encoder_and_decoder_of_scvae(shared: Path, scvae: dict[str, Tensor]) -> None:
    state = torch.load(shared / "golden/scvae_residual_state.pt", weights_only=True)
    posterior = make_posterior("full", 6)
    encoder = ResidualEncoder(51, 15, posterior.n_numbers, (8, 16, 32)).eval()
    encoder.load_state_dict(translated(state["encoder"]))
    decoder = ResidualDecoder(51, 15, 8, (8, 16, 32), squash=True).eval()
    decoder.load_state_dict(translated(state["decoder"]))
    found = posterior(encoder(scvae["res_x"].transpose(1, 2)))
    drawn = decoder(torch.cat([found.mu, torch.ones(4, 2)], dim=1)).transpose(1, 2)
    for key, value in {"res_mu": found.mu, "res_L": found.cholesky, "res_recon": drawn}.items():
        wanted = scvae[key]
        atol = 1e-5 * float(wanted.abs().max())
        torch.testing.assert_close(value, wanted, rtol=0, atol=atol, msg=lambda m, k=key: f"{k}: {m}")


def test_cross_entropy_leaves_unknown_classes_out() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    wanted = torch.tensor([2.0, -1.0, np.nan, 0.0])
    error = masked_cross_entropy(logits, wanted)
    plain = nn.functional.cross_entropy(logits[[0, 3]], torch.tensor([2, 0]))
    torch.testing.assert_close(error, plain)
    (gradient,) = torch.autograd.grad(error, logits)
    assert gradient[1:3].abs().sum() == 0
    assert float(masked_cross_entropy(logits, torch.full((4,), -1.0)).detach()) == 0.0


@torch.no_grad()
def test_heads_count_with_their_weight() -> None:
    model = make_model("conv").eval()
    windows, labels = torch.randn(6, 7, 2), labels_of(6)
    output = model("a", windows)
    day, sex = (p.values for p in output.predictions)
    wanted = (output.temperature - 0.5).square().mean() + (day + 0.3).square().mean()
    wanted += 0.5 * nn.functional.cross_entropy(sex, torch.ones(6, dtype=torch.long))
    torch.testing.assert_close(terms_of(output, windows, labels).temperature, wanted)
    alone = terms_of(output, windows, labels[:, 0]).temperature
    torch.testing.assert_close(alone, (output.temperature - 0.5).square().mean())
    unknown = torch.tensor([np.nan, np.nan, -1.0]).repeat(6, 1)
    assert float(terms_of(output, windows, unknown).temperature) == 0.0


def test_heads_of_one_class_are_refused() -> None:
    for n_classes in (1, -1):
        with pytest.raises(InputError, match=r"head x: .* classes; give 0 for a number, or 2 and more"):
            Head("x", n_classes)


@pytest.mark.parametrize(("encoder", "posterior"), PARTS)
@torch.no_grad()
def test_a_checkpoint_gives_any_architecture_back(encoder: str, posterior: str, tmp_path: Path) -> None:
    model, path = make_model(encoder, posterior).eval(), tmp_path / "weights.safetensors"
    save_weights(path, model, {})
    loaded, _ = load_weights(path)
    assert loaded.architecture == model.architecture
    windows = torch.randn(3, 7, 2)
    mine, theirs = model("a", windows), loaded("a", windows)
    assert torch.equal(mine.reconstruction, theirs.reconstruction)
    assert torch.equal(mine.predictions[1].values, theirs.predictions[1].values)


def rewrite(path: Path, **changes: object) -> None:
    """Change the architecture in a checkpoint's header; None takes a field out."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["atlas"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header["architecture"] = {k: v for k, v in (header["architecture"] | changes).items() if v is not None}
    save_file(tensors, path, metadata={"atlas": json.dumps(header)})


def test_headers_from_before_there_was_a_choice_still_load(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    model = AtlasVAE(Architecture((SpeciesShape("a", 5, 1),), 3, temperature=True))
    save_weights(path, model, {})
    rewrite(path, encoder=None, posterior=None, heads=None)
    loaded, _ = load_weights(path)
    assert loaded.architecture == model.architecture
    assert list(model.state_dict()) == list(loaded.state_dict())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"encoder": "gone"}, "encoder 'gone': it is not registered here; import its module"),
        ({"posterior": "gone"}, "posterior 'gone': it is not known; choose from diagonal, full"),
        ({"posterior": "full"}, "do not fit"),
        ({"encoder": "residual"}, "do not fit"),
        ({"heads": [{"kind": "x"}]}, "lacks a field"),
    ],
)
def test_headers_that_name_other_parts_are_refused(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, AtlasVAE(Architecture((SpeciesShape("a", 5, 1),), 3, temperature=True)), {})
    rewrite(path, **changes)
    with pytest.raises(InputError, match=says) as caught:
        load_weights(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_settings_choose_encoder_and_posterior() -> None:
    knobs = {knob["name"]: knob for knob in describe()}
    assert (knobs["encoder"]["default"], knobs["posterior"]["default"]) == ("conv", "diagonal")
    assert set(ENCODERS) <= set(knobs["encoder"]["choices"]) <= set(registry.ENCODERS)
    assert tuple(knobs["posterior"]["choices"]) == tuple(POSTERIORS)
    for name in ("encoder", "posterior"):
        with pytest.raises(InputError, match=f"setting {name}: 'x' is not possible; choose from"):
            FitConfig.from_dict({name: "x"})


@pytest.mark.usefixtures("own_registry")
def test_a_taken_name_is_refused_and_a_cell_may_run_twice() -> None:
    with pytest.raises(InputError, match="encoder 'conv': the name is taken"):
        registry.register_encoder("conv")(ResidualEncoder)
    with pytest.raises(InputError, match="decoder 'residual': the name is taken"):
        registry.register_decoder("residual")(ResidualEncoder)
    for _ in range(2):

        @registry.register_encoder("mine")
        class Mine(nn.Module):
            pass

    assert registry.ENCODERS["mine"] is Mine
    assert settings.ENCODERS.count("mine") == 1


@pytest.mark.usefixtures("own_registry")
def test_parts_of_the_wrong_size_are_named() -> None:
    registry.register_encoder("wide")(lambda n_times, n_channels, n: nn.Sequential(nn.Flatten(), nn.LazyLinear(n + 1)))
    with pytest.raises(InputError, match=re.escape("encoder 'wide': it gives (9,) per window instead of (8,)")):
        make_model("wide").encode("a", torch.zeros(2, 7, 2))
    registry.register_encoder("turned")(ResidualEncoder)
    registry.register_decoder("turned")(
        lambda n_times, n_channels, n: nn.Sequential(nn.Linear(n, n_times), nn.Unflatten(1, (1, n_times)))
    )
    with pytest.raises(InputError, match=re.escape("decoder 'turned': it gives (1, 7) per window instead of (7, 2)")):
        make_model("turned").decode("a", torch.zeros(2, 4))


@pytest.mark.usefixtures("own_registry")
def test_the_guide_to_an_own_encoder_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", HOWTO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, object] = {"__name__": "guide"}
    for block in blocks:
        exec(compile(block, str(HOWTO), "exec"), names)
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == ["1", "2"]
    assert asdict(names["config"])["encoder"] == "gru"  # type: ignore[call-overload]
    assert np.shape(names["latents"])[1] == 4
    assert isinstance(names["model"].decoders["species-moth"], names["GRUDecoder"])  # type: ignore[attr-defined, arg-type]


@torch.no_grad()
@pytest.mark.parametrize("posterior", ["diagonal", "full"])
def test_species_together_are_the_sum_of_species_alone(posterior: str) -> None:
    model = make_model("conv", posterior)
    windows = {"a": torch.randn(6, 7, 2), "b": torch.randn(4, 9, 1)}
    noise = torch.randn(10, 4)
    labels = {name: torch.rand(len(mine), 3).round(decimals=1) for name, mine in windows.items()}
    for mine in labels.values():
        mine[0], mine[1:, 2] = torch.tensor([np.nan, np.nan, -1.0]), 2.0
    values, counted = labels_by_step([mine[None] for mine in labels.values()], HEADS)
    found = terms_together(
        model.together(windows, noise),
        windows,
        Labels(values[0], counted[0], (6, 4), parts_of((6, 4), torch.device("cpu"))),
    )
    parts = dict(zip(windows, noise.split([6, 4]), strict=True))
    alone = [terms_of(model(name, windows[name], parts[name]), windows[name], labels[name]) for name in windows]
    for mine, wanted in zip(found, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(mine, torch.stack(wanted).sum())


@torch.no_grad()
def test_free_bits_level_the_divergence_of_each_dimension() -> None:
    model = make_model("conv")
    windows = {"a": torch.randn(6, 7, 2), "b": torch.randn(4, 9, 1)}
    joint = model.together(windows)
    labels = Labels(torch.zeros(10, 1), torch.zeros(10, 1), (6, 4), parts_of((6, 4), torch.device("cpu")))
    wanted = 0.0
    for mu, logvar in zip(joint.posterior.mu.split([6, 4]), joint.posterior.logvar.split([6, 4]), strict=True):
        by_dimension = [float(kl_diagonal(mu[:, [i]], logvar[:, [i]])) for i in range(4)]
        wanted += float(np.mean(np.maximum(by_dimension, 0.02)))
    assert float(terms_together(joint, windows, labels, 0.02).kl) == pytest.approx(wanted, rel=1e-5)
