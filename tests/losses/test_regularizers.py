"""Each regularizer's gradient is that of its value."""

from __future__ import annotations

import numpy as np
import pytest

from tests.losses.cases import batch, cubes, slopes_of
from tinkex_py.losses import (
    L1,
    L2,
    Arrays,
    Consistency,
    ElasticNet,
    Entropy,
    GradientPenalty,
    KLDivergence,
    LossFunction,
    Orthogonality,
    evaluate,
)
from tinkex_py.losses.protocol import LossError

MATRICES = ((3, 2), (2, 3))
VECTORS = ((3,), (2,))
CASES: dict[str, tuple[LossFunction, tuple[tuple[int, ...], ...]]] = {
    "l1": (L1(), VECTORS),
    "l2": (L2(), MATRICES),
    "elastic net": (ElasticNet(l1_ratio=0.3), VECTORS),
    "entropy": (Entropy(temperature=1.5), VECTORS),
    "entropy of rows": (Entropy(mode="maximize"), MATRICES),
    "normalized entropy": (Entropy(normalize=True, temperature=0.7), MATRICES),
    "forward kl": (KLDivergence(), VECTORS),
    "reverse kl": (KLDivergence(direction="reverse"), MATRICES),
    "symmetric kl": (KLDivergence(symmetric=True), VECTORS),
    "kl to given": (KLDivergence(reference_logprobs=[[-1.0, -2.0, -3.0], [-1.0, -0.5]]), VECTORS),
    "kl to computed": (KLDivergence(compute_reference=lambda _: [np.full(3, -1.0), np.full(2, -2.0)]), VECTORS),
    "consistency": (Consistency(), VECTORS),
    "consistency, mae": (Consistency(metric="mae"), VECTORS),
    "consistency, kl": (Consistency(metric="kl"), MATRICES),
    "orthogonality": (Orthogonality(), MATRICES),
    "gradient penalty": (GradientPenalty(loss_fn=cubes), VECTORS),
    "gradient penalty between": (GradientPenalty(loss_fn=cubes, mode="interpolated", target_norm=2.0), VECTORS),
}


@pytest.mark.parametrize(("loss", "shapes"), CASES.values(), ids=CASES)
def test_the_gradient_is_that_of_the_value(loss: LossFunction, shapes: tuple[tuple[int, ...], ...]) -> None:
    data, points = batch(*shapes)

    def value(at: Arrays) -> float:
        return evaluate(loss, data, at).loss

    for found, wanted in zip(evaluate(loss, data, points).gradients, slopes_of(value, points), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_values_are_what_they_are_named_for() -> None:
    data, _ = batch((2,))
    points = (np.log([0.5, 0.25]),)
    values = [float(evaluate(loss, data, points).loss) for loss in (L1(), L2(), Entropy())]
    two = np.log(2)
    np.testing.assert_allclose(values, [1.5 * two, 2.5 * two**2, (0.5 * two + 0.25 * 2 * two) / 2])


def test_an_even_distribution_has_the_largest_normalized_entropy() -> None:
    data, _ = batch((2, 4))
    assert evaluate(Entropy(normalize=True), data, (np.full((2, 4), -3.0),)).loss == pytest.approx(1.0)


def test_a_divergence_from_itself_is_nothing() -> None:
    data, points = batch((3,))
    same = KLDivergence(reference_logprobs=points)
    assert evaluate(same, data, points).loss == 0


def test_a_loss_without_gradient_is_penalized_without_a_direction() -> None:
    data, points = batch((3,))
    flat = GradientPenalty(loss_fn=lambda _, at: (1.0, {}, [0 * each for each in at]))
    found = evaluate(flat, data, points)
    assert (found.loss, found.gradients[0].tolist()) == (1.0, [0, 0, 0])


UNUSABLE: dict[str, tuple[LossFunction, tuple[int, ...], str]] = {
    "normalized vector": (Entropy(normalize=True), (3,), "at least two targets"),
    "orthogonal vector": (Orthogonality(), (3,), "give targets"),
    "missing input": (Consistency(pair_field="elsewhere"), (3,), "data\\[0\\] has no loss input 'elsewhere'"),
    "other shape": (KLDivergence(reference_logprobs=[[1.0]]), (3,), "reference has shapes"),
}


@pytest.mark.parametrize(("loss", "shape", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_can_not_be_regularized_says_why(loss: LossFunction, shape: tuple[int, ...], why: str) -> None:
    data, points = batch(shape)
    with pytest.raises(LossError, match=why):
        _ = evaluate(loss, data, points)
