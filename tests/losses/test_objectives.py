"""A loss and its regularizers add up, in values, gradients and metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.losses.cases import batch, cubes, returning
from tinkex_py import Datum
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
    Objective,
    RegularizerSpec,
    evaluate,
)
from tinkex_py.losses.evaluation import evaluated, kind_for
from tinkex_py.losses.protocol import LossError

BOTH = (RegularizerSpec(fn=L1(), weight=0.5, name="l1"), RegularizerSpec(fn=L2(), weight=2.0, name="l2"))


def test_values_and_gradients_add_up_by_their_weights() -> None:
    data, points = batch((3,))
    base, one, two = (evaluate(loss, data, points) for loss in (cubes, L1(), L2()))
    found = evaluated(cubes, Objective(regularizers=BOTH), data, points, "numpy")
    assert found.loss == pytest.approx(base.loss + 0.5 * one.loss + 2.0 * two.loss)
    np.testing.assert_allclose(found.gradients[0], base.gradients[0] + 0.5 * one.gradients[0] + 2 * two.gradients[0])


def test_metrics_name_each_part() -> None:
    data, points = batch((3,))
    base = evaluate(cubes, data, points)._replace(metrics={"mine": 1.0})
    completed = Objective(regularizers=BOTH, track_grad_norms=True).completed(base, data, points)
    output = completed.output
    assert output.metrics == {
        "mine": 1.0,
        "base_loss:sum": output.base_loss,
        "regularizer_total:sum": output.regularizer_total,
        "regularizer/l1:sum": output.regularizers[0].contribution,
        "regularizer/l2:sum": output.regularizers[1].contribution,
        "base_grad_norm:mean": output.base_grad_norm,
        "grad_norm:mean": pytest.approx(float(np.linalg.norm(completed.gradients[0]))),
        "regularizer/l1/grad_norm:mean": output.regularizers[0].grad_norm,
        "regularizer/l2/grad_norm:mean": output.regularizers[1].grad_norm,
    }


def test_a_loss_alone_has_its_own_metrics_only() -> None:
    data, points = batch((3,))
    assert evaluated(cubes, Objective(), data, points, "numpy").metrics == {}


def test_metrics_of_a_regularizer_bear_its_name() -> None:
    data, points = batch((3,))

    def measured(data: Sequence[Datum], logprobs: Arrays) -> Any:
        del data
        return 0.0, {"a": 1}, logprobs

    spec = RegularizerSpec(fn=measured, weight=0.0, name="m")
    assert evaluated(cubes, Objective(regularizers=(spec,)), data, points, "numpy").metrics["regularizer/m/a"] == 1.0


@pytest.mark.parametrize("value", ["much", None, [1, 2]])
def test_a_metric_that_is_no_number_is_named(value: object) -> None:
    data, points = batch((3,))

    def measured(data: Sequence[Datum], logprobs: Arrays) -> Any:
        del data
        return 0.0, {"reward": value}, logprobs

    with pytest.raises(LossError, match=re.escape(f"metric 'reward' is {value!r}: return a number")):
        _ = evaluated(measured, Objective(), data, points, "numpy")


@pytest.mark.parametrize("weight", [1e39, 1e308])
def test_regularizers_that_weigh_too_much_are_told_before_anything_is_trained(weight: float) -> None:
    data, points = batch((3,))
    spec = RegularizerSpec(fn=L2(), weight=weight, name="all")
    with pytest.raises(LossError, match="with its regularizers the loss or one of its gradients is not finite"):
        _ = evaluated(cubes, Objective(regularizers=(spec,)), data, points, "numpy")


def test_what_a_loss_does_to_its_arrays_changes_no_regularizer() -> None:
    data, points = batch((3,))
    expected = 0.5 * np.abs(points[0]).mean() + 2.0 * (points[0] ** 2).mean()

    def emptying(data: Sequence[Datum], logprobs: Arrays) -> Any:
        del data
        logprobs[0][:] = 0
        return 0.0, {}, logprobs

    assert evaluated(emptying, Objective(regularizers=BOTH), data, points, "numpy").loss == pytest.approx(expected)


async def waiting(data: Sequence[Datum], logprobs: Arrays) -> Any:
    del data
    return 0.0, {}, logprobs


ODD: Any = "odd"
NUMBERS: Any = np.zeros(2)
UNSETTLED: tuple[tuple[LossFunction, str], ...] = (
    (Entropy(mode=ODD), "mode is 'odd'"),
    (Entropy(mode=NUMBERS), "mode is array([0., 0.])"),
    (Entropy(temperature=0), "temperature is 0"),
    (Entropy(normalize=ODD), "normalize is 'odd'"),
    (ElasticNet(l1_ratio=1.5), "l1_ratio is 1.5"),
    (KLDivergence(direction=ODD), "direction is 'odd'"),
    (KLDivergence(symmetric=ODD), "symmetric is 'odd'"),
    (KLDivergence(compute_reference=ODD), "compute_reference is 'odd'"),
    (Consistency(metric=ODD), "metric is 'odd'"),
    (GradientPenalty(loss_fn=ODD), "loss_fn is 'odd'"),
    (GradientPenalty(loss_fn=cubes, mode=ODD), "mode is 'odd'"),
    (GradientPenalty(loss_fn=cubes, target_norm=-1), "target_norm is -1"),
)
PROBLEMS: dict[str, tuple[tuple[Any, ...], str]] = {
    "another kind": (("l1",), "'l1' is among them; give each as a RegularizerSpec"),
    "an async function": ((RegularizerSpec(fn=waiting, weight=1.0, name="a"),), "give one that isn't async"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    "no function": ((RegularizerSpec(fn=None, weight=1.0, name="a"),), "has no function"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    "same name": ((BOTH[0], BOTH[0]), "share the name 'l1'"),
    "negative": ((RegularizerSpec(fn=L1(), weight=-1.0, name="a"),), "weight -1.0"),
    **{
        f"unsettled, {why}": ((RegularizerSpec(fn=loss, weight=1.0, name="a"),), f"regularizer 'a': {why}: give ")
        for loss, why in UNSETTLED
    },
    "nameless": ((RegularizerSpec(fn=L1(), weight=1.0, name=""),), "give a name"),
}


@pytest.mark.parametrize(("regularizers", "why"), PROBLEMS.values(), ids=PROBLEMS)
def test_unusable_regularizers_say_why(regularizers: tuple[RegularizerSpec, ...], why: str) -> None:
    assert why in (Objective(regularizers=regularizers).problem() or "")


def test_usable_regularizers_have_no_problem() -> None:
    assert Objective(regularizers=BOTH).problem() is None


RETURNS: dict[str, tuple[Any, str]] = {
    "two values": ((1.0, {}), "return \\(loss, metrics, gradients\\)"),
    "four values": ((1.0, {}, [], []), "return \\(loss"),
    "a number": (1.0, "return \\(loss"),
    "too few gradients": ((1.0, {}, []), "shapes \\[\\]"),
    "another shape": ((1.0, {}, [np.zeros(2)]), "shapes"),
    "nan": ((float("nan"), {}, [np.zeros(3)]), "not finite"),
    "no loss": ((None, {}, [np.zeros(3)]), r"the loss is None: return \(loss, metrics, gradients\)"),
    "no gradients": ((1.0, {}, None), r"the gradients are None: return \(loss, metrics, gradients\)"),
    "too large": ((1.0, {}, [np.full(3, 1e39)]), "not finite"),
    "several losses": ((np.ones(2), {}, [np.zeros(3)]), r"the loss has the shape \(2,\): return one number"),
    "complex numbers": ((1.0, {}, [np.full(3, 1j)]), "it gives complex numbers: return real ones"),
    "gaps": ((1.0, {}, [np.ma.masked_less(np.arange(3), 1)]), "it gives a masked array, which may have gaps"),
    "metrics": ((1.0, [1], [np.zeros(3)]), "metrics are a list"),
}


@pytest.mark.parametrize(("returned", "why"), RETURNS.values(), ids=RETURNS)
def test_what_a_loss_returns_is_checked(returned: Any, why: str) -> None:
    data, points = batch((3,))
    with pytest.raises(LossError, match=why):
        _ = evaluate(returning(returned), data, points)


def test_no_metrics_are_none() -> None:
    data, points = batch((3,))
    assert evaluate(returning((1, None, [np.zeros(3)])), data, points).metrics == {}


def test_losses_of_this_package_get_arrays() -> None:
    assert kind_for(L1()) == "numpy"
