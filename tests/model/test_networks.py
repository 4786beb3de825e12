"""The network against plain torch, its losses, and its checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_atlas.data.scaling import Scaler
from napari_atlas.errors import InputError, NewerFormatError
from napari_atlas.model._convolution import convolve
from napari_atlas.model.batches import Scaling
from napari_atlas.model.checkpoint import load_weights, read_foreign, save_weights
from napari_atlas.model.losses import Weights, kl_diagonal, masked_mse, terms_of, total
from napari_atlas.model.networks import ConvEncoder, pooling_matrix
from napari_atlas.model.reference import load_reference
from napari_atlas.model.vae import Architecture, AtlasVAE, SpeciesShape

REFERENCE = (SpeciesShape("jellyfish", 60, 1), SpeciesShape("fish", 5, 1))
NAMES = ("G. aculeatus", "Qualle 2 (groß)", "a.b.c", "train", "日本", "50%.2E", "type")


@pytest.mark.parametrize("n_times", range(1, 41))
def test_the_pooling_matrix_is_an_adaptive_pool(n_times: int) -> None:
    x = torch.randn(3, 2, n_times, generator=torch.Generator().manual_seed(n_times))
    for n_pooled in (1, 3, 4, 7):
        wanted = nn.AdaptiveAvgPool1d(n_pooled)(x)
        torch.testing.assert_close(x @ pooling_matrix(n_times, n_pooled), wanted)


def plain_encoder(ours: ConvEncoder) -> nn.Sequential:
    """Return the encoder as the specification writes it down, with the weights of *ours*."""
    layers = nn.Sequential(
        ours.conv1, nn.ReLU(), nn.MaxPool1d(2), ours.conv2, nn.ReLU(), nn.MaxPool1d(2), ours.conv3, nn.ReLU(),
        nn.AdaptiveAvgPool1d(4), nn.Flatten(), ours.hidden, nn.ReLU(), ours.posterior,
    )  # fmt: skip
    for layer, wanted in ((ours.conv1, (5, 2, 32)), (ours.conv2, (3, 1, 64)), (ours.conv3, (3, 1, 128))):
        assert (layer.kernel_size[0], layer.padding[0], layer.out_channels) == wanted
    return layers


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("n_times", [4, 5, 6, 7, 13, 60, 61])
@torch.no_grad()
def test_the_encoder_is_the_plain_one(n_times: int, n_channels: int) -> None:
    torch.manual_seed(n_times)
    encoder = ConvEncoder(n_times, n_channels, 16)
    windows = torch.randn(6, n_times, n_channels)
    wanted = plain_encoder(encoder)(windows.transpose(1, 2))
    torch.testing.assert_close(encoder(windows), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("n_times", range(1, 8))
def test_short_windows_of_any_channels_work(n_times: int, n_channels: int) -> None:
    torch.manual_seed(0)
    model = AtlasVAE(Architecture((SpeciesShape("a", n_times, n_channels),), 5, temperature=True))
    windows = torch.randn(4, n_times, n_channels)
    output = model("a", windows, torch.randn(4, 5))
    assert output.reconstruction.shape == windows.shape
    assert output.mu.shape == output.logvar.shape == (4, 5)
    assert output.temperature.shape == (4,)
    total(terms_of(output, windows, torch.zeros(4)), Weights(4.0, 2.0)).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@torch.no_grad()
def test_channels_and_times_are_not_mixed_up() -> None:
    model = AtlasVAE(Architecture((SpeciesShape("a", 6, 3),), 4, temperature=False))
    latent = torch.randn(2, 4)
    flat = model.decoders["species-a"].out(torch.relu(model.decoders["species-a"].hidden(latent)))
    torch.testing.assert_close(model.decode("a", latent), flat.reshape(2, 6, 3))


@torch.no_grad()
def test_noise_moves_the_latent_by_its_spread() -> None:
    torch.manual_seed(0)
    model = AtlasVAE(Architecture((SpeciesShape("a", 8, 1),), 4, temperature=True)).eval()
    windows, noise = torch.randn(3, 8, 1), torch.randn(3, 4)
    still, moved = model("a", windows), model("a", windows, noise)
    torch.testing.assert_close(still.reconstruction, model.decode("a", still.mu))
    latent = still.mu + (0.5 * still.logvar).exp() * noise
    torch.testing.assert_close(moved.reconstruction, model.decode("a", latent))
    torch.testing.assert_close(moved.temperature, model.temperature(latent))


def test_masked_mse_leaves_unknown_labels_out() -> None:
    predicted = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    wanted = torch.tensor([1.5, np.nan, 1.0])
    error = masked_mse(predicted, wanted)
    assert error.item() == pytest.approx((0.25 + 4.0) / 2)
    error.backward()
    assert predicted.grad is not None
    assert predicted.grad.tolist() == pytest.approx([-0.5, 0.0, 2.0])
    assert float(masked_mse(torch.ones(2), torch.full((2,), np.nan))) == 0.0


def test_the_kl_term_is_that_of_torch_averaged_over_dimensions() -> None:
    torch.manual_seed(0)
    mu, logvar = torch.randn(7, 8), torch.randn(7, 8)
    posterior = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    wanted = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).mean()
    torch.testing.assert_close(kl_diagonal(mu, logvar), wanted)
    assert float(kl_diagonal(torch.zeros(2, 3), torch.zeros(2, 3))) == 0.0


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, Tensor]:
    with np.load(shared / "golden/atlas_reference_outputs.npz") as file:
        return {name: torch.from_numpy(np.asarray(file[name])) for name in file.files}


@pytest.fixture(scope="module")
def reference(shared: Path) -> AtlasVAE:
    return load_reference(shared / "golden/atlas_reference_state.pt", REFERENCE)


@pytest.mark.parametrize("species", ["jellyfish", "fish"])
@torch.no_grad()
def test_golden_outputs_of_the_reference_checkpoint(
    species: str, golden: dict[str, Tensor], reference: AtlasVAE
) -> None:
    windows, labels = golden[f"{species}_windows"][..., None], golden[f"{species}_temps_z"]
    output = reference(species, windows)
    terms = terms_of(output, windows, labels)
    found = {
        "recon": output.reconstruction[..., 0],
        "mu": output.mu,
        "logvar": output.logvar,
        "temp_pred": output.temperature,
        "recon_mse": terms.reconstruction,
        "kl": terms.kl,
        "temp_mse": terms.temperature,
        "elbo_beta4": total(terms, Weights(4.0, 0.0)),
    }
    for name, value in found.items():
        torch.testing.assert_close(value, golden[f"{species}_{name}"], rtol=0, atol=1e-5, msg=lambda m, n=name: n + m)


def test_species_of_a_reference_checkpoint_are_matched_by_length(shared: Path, reference: AtlasVAE) -> None:
    path = shared / "golden/atlas_reference_state.pt"
    turned = load_reference(path, (SpeciesShape("stickleback", 5, 1), SpeciesShape("C. xamachana", 60, 1)))
    windows = torch.randn(2, 60, 1)
    torch.testing.assert_close(turned("C. xamachana", windows).mu, reference("jellyfish", windows).mu)
    for wrong in (REFERENCE[:1], (*REFERENCE, SpeciesShape("third", 5, 1)), (REFERENCE[0], SpeciesShape("fish", 6, 1))):
        with pytest.raises(InputError, match=r"atlas_reference_state\.pt"):
            load_reference(path, wrong)


def test_checkpoints_of_other_networks_are_refused(tmp_path: Path, shared: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"layer.weight": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="jelly_dec"):
        load_reference(path, REFERENCE)
    state = torch.load(shared / "golden/atlas_reference_state.pt", weights_only=True)
    torch.save({k: v for k, v in state.items() if not k.startswith("fish_enc")}, path)
    with pytest.raises(InputError, match=r"other\.pt"):
        load_reference(path, REFERENCE)
    torch.save(state | {"jelly_enc.conv.0.weight": torch.zeros(32, 2, 5)}, path)
    with pytest.raises(InputError, match="do not fit"):
        load_reference(path, REFERENCE)


def test_nothing_in_a_foreign_checkpoint_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    path = tmp_path / "evil.pt"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(marker)!r}, 'w').close()",)

    torch.save({"jelly_dec.net.2.bias": Evil()}, path)
    for content in (path.read_bytes(), b"", b"no checkpoint", path.read_bytes()[:100]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a plain torch state dict") as caught:
            read_foreign(path)
        assert "\n" not in str(caught.value)
    torch.save([torch.zeros(2)], path)
    with pytest.raises(InputError, match="not a plain torch state dict"):
        read_foreign(path)
    with pytest.raises(InputError, match="no such file"):
        read_foreign(tmp_path / "none.pt")
    assert not marker.exists()


def make_model() -> tuple[AtlasVAE, dict[str, Scaling]]:
    torch.manual_seed(3)
    shapes = tuple(SpeciesShape(name, 5 + i, 1 + i % 2) for i, name in enumerate(NAMES))
    model = AtlasVAE(Architecture(shapes, 6, temperature=True)).eval()
    scaling = {
        s.name: Scaling(Scaler(np.full(s.n_channels, i / 3), np.full(s.n_channels, 1.5)), Scaler.identity(1))
        for i, s in enumerate(shapes)
    }
    return model, scaling


@torch.no_grad()
def test_a_checkpoint_gives_the_same_model_back_whatever_the_species_are_called(tmp_path: Path) -> None:
    model, scaling = make_model()
    path = tmp_path / "weights.safetensors"
    save_weights(path, model, scaling)
    loaded, scalers = load_weights(path)
    assert not loaded.training
    assert loaded.architecture == model.architecture
    for shape in model.architecture.species:
        windows = torch.randn(3, shape.n_times, shape.n_channels)
        for mine, theirs in zip(model(shape.name, windows)[:5], loaded(shape.name, windows)[:5], strict=True):
            assert torch.equal(mine, theirs)
        assert np.array_equal(scalers[shape.name].signal.mean, scaling[shape.name].signal.mean)
        assert np.array_equal(scalers[shape.name].signal.std, scaling[shape.name].signal.std)
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "nothing temporary is left"


def rewrite(path: Path, change: object) -> None:
    """Write the checkpoint again with another header; *change* takes and returns the header."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["atlas"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata={"atlas": json.dumps(change(header))})  # type: ignore[operator]


def refused(path: Path, says: str = "weights.safetensors: ") -> None:
    with pytest.raises(InputError, match=says) as caught:
        load_weights(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_and_foreign_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    refused(path, "no weights")
    save_weights(path, *make_model())
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole[:4], b"", b"\xff" * 64, whole[:8] + b"?" + whole[9:]):
        path.write_bytes(damaged)
        refused(path, "not a whole weight file")
    save_file({"a": torch.zeros(2)}, path)
    refused(path, "not a whole weight file")
    save_file({"a": torch.zeros(2)}, path, metadata={"atlas": "{"})
    refused(path, "not a whole weight file")


def test_tampered_headers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, *make_model())
    rewrite(path, lambda h: {**h, "architecture": {**h["architecture"], "latent_dim": 7}})
    refused(path, "do not fit")
    save_weights(path, *make_model())
    rewrite(path, lambda h: {**h, "format": 2})
    with pytest.raises(NewerFormatError, match="format 2 is newer than 1; update"):
        load_weights(path)


@pytest.mark.parametrize("change", [
    lambda h: {}, lambda h: [], lambda h: {"format": 1}, lambda h: {**h, "format": "one"},
    lambda h: {**h, "architecture": {}}, lambda h: {**h, "scaling": {"a": {"signal": {}}}},
])  # fmt: skip
def test_headers_that_lack_a_field_are_refused(change: object, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, *make_model())
    rewrite(path, change)
    refused(path)


@pytest.mark.parametrize("halve", [True, False])
@pytest.mark.parametrize(("n_times", "kernel"), [(1, 3), (2, 5), (7, 3), (12, 5)])
def test_the_product_of_matrices_is_convolution_pool_and_relu(n_times: int, kernel: int, halve: bool) -> None:
    torch.manual_seed(n_times)
    layer = nn.Conv1d(3, 4, kernel, padding=kernel // 2).double()
    windows = torch.randn(5, n_times, 3, dtype=torch.float64, requires_grad=True)
    found = convolve(windows, layer, halve)
    plain = torch.relu(layer(windows.transpose(1, 2)))
    wanted = (nn.functional.max_pool1d(plain, 2) if halve and n_times > 1 else plain).transpose(1, 2)
    torch.testing.assert_close(found, wanted)
    upstream = torch.randn_like(wanted)
    inputs = (windows, layer.weight, layer.bias)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, upstream), torch.autograd.grad(wanted, inputs, upstream)
    )


def test_of_two_equal_neighbours_one_takes_the_gradient() -> None:
    layer = nn.Conv1d(1, 1, 1)
    nn.init.ones_(layer.weight)
    windows = torch.ones(2, 4, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad(convolve(windows, layer, halve=True).sum(), windows)
    assert gradient[..., 0].tolist() == [[1.0, 0.0, 1.0, 0.0]] * 2
