"""A logistic regression with an L2 penalty, fitted by Newton's method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.statistics import Floats

_MOST_STEPS = 100  # of Newton's method, which takes about ten
_CONVERGED = 1e-10  # change of a coefficient, in units of a standardised feature


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on standardised features."""

    intercept: float
    coefficients: tuple[float, ...]  # (F,) of the standardised features
    means: tuple[float, ...]  # (F,) of the features it was fitted on
    scales: tuple[float, ...]  # (F,) their standard deviations, 1 for one that never changes

    def log_odds(self, features: npt.ArrayLike) -> Floats:
        """The log odds (N,) of features (N, F), in natural logarithms.

        Raises:
            ValueError: there are not F features.
        """
        table = _table(features)
        if table.shape[1] != len(self.coefficients):
            raise ValueError(f"expected {len(self.coefficients)} features, not {table.shape[1]}")
        standard = (table - np.array(self.means)) / np.array(self.scales)
        odds: Floats = self.intercept + standard @ np.array(self.coefficients)
        return odds

    def probability(self, features: npt.ArrayLike) -> Floats:
        """The probability (N,) of features (N, F), 0 to 1.

        Raises:
            ValueError: there are not F features.
        """
        return _sigmoid(self.log_odds(features))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, as JSON has them."""
        return {
            "intercept": self.intercept,
            "coefficients": list(self.coefficients),
            "means": list(self.means),
            "scales": list(self.scales),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Logistic:
        """What ``to_dict`` wrote.

        Raises:
            ValueError: a number is missing, not finite, or one too many; a scale is not positive.
        """
        try:
            lists = [
                tuple(float(number) for number in values[name])
                for name in ("coefficients", "means", "scales")
            ]
            made = cls(float(values["intercept"]), *lists)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no logistic regression: {error}") from error
        if len(set(map(len, lists))) != 1 or min(made.scales, default=1.0) <= 0:
            raise ValueError("no logistic regression: each coefficient needs a mean and a positive scale")
        if not np.isfinite([made.intercept, *made.coefficients, *made.means, *made.scales]).all():
            raise ValueError("no logistic regression: a number is not finite")
        return made


def fit_logistic(features: npt.ArrayLike, same: npt.ArrayLike, penalty: float = 1.0) -> Logistic:
    """Fit a logistic regression with an L2 penalty by Newton's method.

    Minimises the summed log loss plus half the penalty times the squared length of the standardised
    coefficients; the intercept is free. The penalty keeps coefficients finite where the features separate
    the kinds. The same data give the same numbers.

    Args:
        features: (N, F), finite, any units.
        same: (N,) bool, what to predict.
        penalty: above 0; its inverse is known elsewhere as C.

    Raises:
        ValueError: all pairs are of one kind, a feature is not finite, lengths differ, or there is no penalty.
    """
    table, kinds = _table(features), np.asarray(same, dtype=np.bool_)
    if kinds.shape != (len(table),) or not np.isfinite(table).all():
        raise ValueError("each pair needs finite features, and to be the same or different")
    if kinds.all() or not kinds.any():
        raise ValueError("same and different pairs are needed; all of these are of one kind")
    if not penalty > 0:
        raise ValueError("the penalty must be above 0")
    means, spread = table.mean(axis=0), table.std(axis=0)
    scales = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(means)), spread, 1.0)
    design = np.column_stack([np.ones(len(table)), (table - means) / scales])
    intercept, *coefficients = _newton(design, kinds.astype(np.float64), penalty).tolist()
    return Logistic(intercept, tuple(coefficients), tuple(means.tolist()), tuple(scales.tolist()))


def _newton(design: Floats, target: Floats, penalty: float) -> Floats:
    """The coefficients (F + 1,) with the least penalised log loss; the first, of the intercept, is free."""
    ridge = np.full(design.shape[1], penalty)
    ridge[0] = 0.0
    coefficients = np.zeros(design.shape[1])
    for _ in range(_MOST_STEPS):
        expected = _sigmoid(design @ coefficients)
        gradient = design.T @ (expected - target) + ridge * coefficients
        curvature = (design.T * (expected * (1 - expected))) @ design + np.diag(ridge + 1e-12)
        step = np.linalg.solve(curvature, gradient).astype(np.float64)
        following = _downhill(coefficients, step, design, target, ridge)
        change = float(np.abs(following - coefficients).max())
        coefficients = following
        if change < _CONVERGED:
            break
    return coefficients


def _downhill(coefficients: Floats, step: Floats, design: Floats, target: Floats, ridge: Floats) -> Floats:
    """The step, halved until it does not lead up; none where every one does."""

    def loss(at: Floats) -> float:
        odds = design @ at
        return float(np.sum(np.logaddexp(0.0, odds) - target * odds) + ridge @ at**2 / 2)

    now = loss(coefficients)
    for halvings in range(30):
        following = coefficients - step * 0.5**halvings
        if loss(following) <= now:
            return following
    return coefficients


def _sigmoid(odds: Floats) -> Floats:
    probability: Floats = (1.0 + np.tanh(odds / 2.0)) / 2.0  # never overflows
    return probability


def _table(features: npt.ArrayLike) -> Floats:
    table = np.asarray(features, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("features must be a table: one row a pair, one column a feature")
    return table
