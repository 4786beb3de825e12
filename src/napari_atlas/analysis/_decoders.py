"""What reads a variable off features: plain decoders, each a function of training and test windows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.variables import Measured

__all__ = ["DECODERS", "Decoder", "as_columns", "macro_f1", "one_thread", "pooled_r2", "prepared", "told_right"]

Floats = NDArray[np.float64]
Predict = Callable[[Floats, Floats, Floats, int], Floats]

_MOST_COMPONENTS = 32
_STOP_EARLY = 200


@dataclass(frozen=True)
class Decoder:
    """A way to read a variable.

    Attributes
    ----------
    name
        What it is called in `Decoded`.
    predict
        ``(features, targets, other features, seed)`` → (n_others, n_targets) predictions. Targets are (n_windows,
        n_targets) numbers, or (n_windows, 1) codes of classes.
    shuffles
        How many shuffles its chance is taken from, at most: few where it is slow.
    """

    name: str
    predict: Predict
    shuffles: int


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep to one thread, since sums of several come out in another order each time; check no input, and be quiet."""
    from sklearn import config_context
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    fast = config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(1), fast, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def prepared(train: Floats, test: Floats, reduce: bool, seed: int) -> tuple[Floats, Floats]:
    """Return features z-scored on the training windows, the others by the same.

    Columns that do not vary are left out.

    Parameters
    ----------
    train, test
        (n_windows, n_features) each.
    reduce
        Whether they are put down to 32 principal components of the training windows before.
    seed
        Of the components.
    """
    if reduce and train.shape[1] > _MOST_COMPONENTS:
        from sklearn.decomposition import PCA

        n = min(_MOST_COMPONENTS, len(train) - 1)
        components = PCA(n, svd_solver="randomized", iterated_power=1, random_state=seed).fit(train.astype(np.float32))
        train, test = (components.transform(part).astype(np.float64) for part in (train, test))
    std = train.std(axis=0)
    kept = std > 1e-9 * max(1.0, float(np.abs(train).max(initial=0.0)))
    mean, std = train[:, kept].mean(axis=0), std[kept]
    return (train[:, kept] - mean) / std, (test[:, kept] - mean) / std


def as_columns(measured: Measured) -> Floats:
    """Return (n_windows, n_columns): numbers and codes of classes as they are, cosine and sine of an angle."""
    if measured.kind == "angle":
        return np.concatenate([np.cos(measured.values), np.sin(measured.values)], axis=1)
    return measured.values


def pooled_r2(wanted: Floats, predicted: Floats) -> float:
    """Return 1 − squared error over variance, both summed over the columns that vary; NaN if none does."""
    spread = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    varied = spread > 1e-12
    if not varied.any():
        return float("nan")
    return float(1.0 - ((wanted - predicted) ** 2)[:, varied].sum() / spread[varied].sum())


def told_right(wanted: Floats, predicted: Floats) -> float:
    """Return the balanced accuracy of (n_windows, 1) codes; NaN if all are of one class."""
    classes, codes = np.unique(wanted[:, 0], return_inverse=True)
    if classes.size < 2:
        return float("nan")
    right = np.bincount(codes, wanted[:, 0] == predicted[:, 0])
    return float((right / np.bincount(codes)).mean())


def macro_f1(wanted: Floats, predicted: Floats) -> float:
    """Return the mean F1 score over the classes of (n_windows, 1) codes."""
    from sklearn.metrics import f1_score

    return float(f1_score(wanted[:, 0], predicted[:, 0], average="macro", zero_division=0.0))


def _linear(x: Floats, y: Floats, others: Floats, seed: int) -> Floats:
    from sklearn.linear_model import Ridge

    return _two_axes(Ridge(alpha=1.0).fit(x, y).predict(others))


def _network(x: Floats, y: Floats, others: Floats, seed: int) -> Floats:
    from sklearn.neural_network import MLPRegressor

    network = MLPRegressor(hidden_layer_sizes=(64,), **_settings(x, seed))
    return _two_axes(network.fit(x, y if y.shape[1] > 1 else y[:, 0]).predict(others))


def _logistic(x: Floats, y: Floats, others: Floats, seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=200, class_weight="balanced").fit(x, y[:, 0])
    return _two_axes(fitted.predict(others))


def _quadratic(x: Floats, y: Floats, others: Floats, seed: int) -> Floats:
    """Tell classes by one Gaussian for each, all as likely beforehand; the fewer windows, the rounder they are."""
    classes, n_features = np.unique(y[:, 0]), x.shape[1]
    found = np.empty((len(others), classes.size))
    for i, code in enumerate(classes):
        mine = x[y[:, 0] == code]
        away = mine - mine.mean(axis=0)
        covariance, share = away.T @ away / len(mine), 0.1 * n_features / (n_features + len(mine))
        round_one = np.eye(n_features) * max(float(np.trace(covariance)) / n_features, 1e-9)
        root = np.linalg.cholesky((1 - share) * covariance + share * round_one)
        away = np.linalg.solve(root, (others - mine.mean(axis=0)).T)
        found[:, i] = -0.5 * (away**2).sum(axis=0) - np.log(np.diag(root)).sum()
    return _two_axes(classes[found.argmax(axis=1)])


def _network_of_classes(x: Floats, y: Floats, others: Floats, seed: int) -> Floats:
    """Tell classes by a network whose answers are divided by how common the classes are."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(hidden_layer_sizes=(64,), **_settings(x, seed)).fit(x, y[:, 0])
    common = np.array([(y[:, 0] == code).mean() for code in network.classes_])
    return _two_axes(network.classes_[(network.predict_proba(others) / common).argmax(axis=1)])


def _settings(x: Floats, seed: int) -> dict[str, object]:
    return {
        "early_stopping": len(x) >= _STOP_EARLY,
        "max_iter": 60,
        "batch_size": min(256, len(x)),
        "learning_rate_init": 5e-3,
        "n_iter_no_change": 5,
        "tol": 1e-3,
        "alpha": 1e-3,
        "random_state": seed,
    }


def _two_axes(values: Floats) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    return found if found.ndim == 2 else found[:, None]


_NUMBERS = (Decoder("linear", _linear, 20), Decoder("mlp", _network, 3))
_CLASSES = (Decoder("logistic", _logistic, 20), Decoder("qda", _quadratic, 20), Decoder("mlp", _network_of_classes, 3))
DECODERS = {"number": _NUMBERS, "angle": _NUMBERS, "class": _CLASSES}
"""By kind of the variable."""
