"""Scrubbing works, held out: on animals with known factors, in short fits of one seed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, LogisticRegression

from napari_atlas.data.config import FitConfig
from napari_atlas.data.variables import Variable
from napari_atlas.model.conditioning import with_variables
from napari_atlas.model.fitting import fit_epochs, start_fit
from napari_atlas.model.runner import encode_all, prepare
from napari_atlas.sample.factors import FactorSpec, factor_variables, factor_windows

TOLD = "individual,heading,speed"
SHORT = {
    "latent_dim": 8, "epochs": 30, "patience": 0, "learning_rate": 3e-3, "schedule": "one-cycle", "averaging": 0.98,
    "beta": 0.01, "beta_warmup": 8, "device": "cpu", "condition": TOLD,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    windows = factor_windows(FactorSpec(n_rigs=1, n_bouts=200))
    return windows, factor_variables(windows.table)


@pytest.fixture(scope="module")
def fits(data):
    windows, measured = data
    trained = windows.table.in_split("train")

    def fit(**settings):
        config = FitConfig.from_dict({**SHORT, **settings})
        variables = [Variable.of(measured[name], trained) for name in config.variable_names]
        prepared = with_variables(prepare(windows, config), variables, measured)
        state = start_fit(prepared.model, config)
        for _ in fit_epochs(state, prepared.resident, windows, config):
            pass
        return encode_all(prepared)

    return fit(condition=""), fit(scrub="individual:qd:2,heading:mals")


@pytest.fixture(scope="module")
def told(data, fits):
    """Figures on test windows, decoded after training windows, before and after scrubbing."""
    windows, measured = data
    train, test = (windows.table.in_split(name) for name in ("train", "test"))
    heading = np.concatenate([np.cos(measured["heading"].values), np.sin(measured["heading"].values)], axis=1)

    def figures(encoded):
        x, others = encoded.mu[train], encoded.mu[test]

        def accuracy(decoder, name):
            codes = measured[name].values[:, 0]
            return decoder.fit(x, codes[train]).score(others, codes[test])

        return {
            "linear": accuracy(LogisticRegression(max_iter=300), "individual"),
            "quadratic": accuracy(QuadraticDiscriminantAnalysis(reg_param=1e-3), "individual"),
            "heading": LinearRegression().fit(x, heading[train]).score(others, heading[test]),
            "behaviour": accuracy(LogisticRegression(max_iter=300), "behaviour"),
            "error": encoded.residual_square[test].sum() / encoded.total_square[test].sum(),
        }

    return tuple(figures(encoded) for encoded in fits)


def test_the_latent_tells_before(told):
    before, _ = told
    assert min(before["linear"], before["quadratic"]) > 0.5
    assert before["heading"] > 0.6


def test_the_latent_forgets_the_animal(told):
    _, after = told
    assert max(after["linear"], after["quadratic"]) < 0.36


def test_the_latent_forgets_the_heading_with_it(told):
    _, after = told
    assert after["heading"] < 0.12


def test_the_behaviour_stays(told):
    before, after = told
    assert after["behaviour"] > before["behaviour"] - 0.03
    assert after["error"] < 1.15 * before["error"]
