"""Losses on torch tensors; these rules need torch, which is not among the packages that tests install."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.losses.cases import batch, returning
from tinkex_py.losses import L2, Objective, RegularizerSpec
from tinkex_py.losses.evaluation import evaluated
from tinkex_py.losses.protocol import LossError

torch: Any = pytest.importorskip("torch")


def test_torch_finds_the_gradients() -> None:
    data, points = batch((3,), (2, 2))
    found = evaluated(lambda _, at: (sum((each**2).sum() for each in at), {"a": 1}), Objective(), data, points, None)
    for slope, point in zip(found.gradients, points, strict=True):
        np.testing.assert_allclose(slope, 2 * point, rtol=1e-5)
    assert found.metrics == {"a": 1.0}


def test_regularizers_are_added_to_a_torch_loss() -> None:
    data, points = batch((3,))
    objective = Objective(regularizers=(RegularizerSpec(fn=L2(), weight=3.0, name="l2"),))
    found = evaluated(lambda _, at: (at[0].sum(), {}), objective, data, points, "torch")
    np.testing.assert_allclose(found.gradients[0], 1 + 2 * points[0], rtol=1e-5)


def test_a_datum_that_is_left_out_has_no_gradient() -> None:
    data, points = batch((3,), (2,))
    found = evaluated(lambda _, at: (at[0].sum(), {}), Objective(), data, points, "torch")
    assert found.gradients[1].tolist() == [0, 0]


def test_gradients_that_are_given_are_taken() -> None:
    data, points = batch((3,))
    found = evaluated(returning((1.0, {}, [np.ones(3)])), Objective(), data, points, "torch")
    assert found.gradients[0].tolist() == [1, 1, 1]


def test_several_losses_are_refused() -> None:
    data, points = batch((3,))
    with pytest.raises(LossError, match=r"the loss has the shape \(3,\): return one number"):
        _ = evaluated(lambda _, at: (at[0], {}), Objective(), data, points, "torch")


def test_gradients_of_complex_numbers_are_refused() -> None:
    data, points = batch((3,))
    with pytest.raises(LossError, match="it gives complex numbers: return real ones"):
        _ = evaluated(returning((1.0, {}, [torch.ones(3) * 1j])), Objective(), data, points, "torch")


Returned = Callable[[Any, Any], Any]
RETURNED: dict[str, Returned] = {
    "as they are": lambda loss, slopes: (loss, {"loss": loss}, slopes),
    "in half precision": lambda loss, slopes: (loss.detach(), {"loss": loss}, [each.bfloat16() for each in slopes]),
    "by torch": lambda loss, _: (loss, {"loss": loss}),
}


@pytest.mark.parametrize("returned", RETURNED.values(), ids=RETURNED)
def test_what_torch_still_follows_is_read(returned: Returned) -> None:
    data, points = batch((3,), (2, 2))

    def loss(_: object, at: Any) -> Any:
        found = sum((each * 2).sum() for each in at)
        return returned(found, torch.autograd.grad(found * 1, at, create_graph=True))

    found = evaluated(loss, Objective(), data, points, "torch")
    assert [slope.tolist() for slope in found.gradients] == [[2, 2, 2], [[2, 2], [2, 2]]]
    assert found.metrics["loss"] == found.loss == pytest.approx(2 * sum(map(np.sum, points)), rel=1e-5)


def test_a_regularizer_may_compute_with_torch() -> None:
    data, points = batch((3,))

    def squares(_: object, at: Any) -> Any:
        tensors = [torch.tensor(each, requires_grad=True) for each in at]
        value = sum((each**2).sum() for each in tensors)
        return value, {"value": value}, torch.autograd.grad(value, tensors)

    objective = Objective(regularizers=(RegularizerSpec(fn=squares, weight=1.0, name="squares"),))
    found = evaluated(lambda _, at: (at[0].sum(), {}), objective, data, points, "torch")
    np.testing.assert_allclose(found.gradients[0], 1 + 2 * points[0])


def test_what_a_loss_does_to_its_list_takes_no_gradient_away() -> None:
    data, points = batch((3,), (2,))

    def doubling(_: object, at: Any) -> Any:
        at[0] = at[0] * 2
        return at[0].sum() + at.pop().sum(), {}

    found = evaluated(doubling, Objective(), data, points, "torch")
    assert [slope.tolist() for slope in found.gradients] == [[2, 2, 2], [1, 1]]


def test_sparse_gradients_are_gradients() -> None:
    data, points = batch((3,))

    def loss(_: object, at: Any) -> Any:
        return torch.gather(at[0], 0, torch.tensor([0, 2]), sparse_grad=True).sum(), {}

    assert evaluated(loss, Objective(), data, points, "torch").gradients[0].tolist() == [1, 0, 1]


@pytest.mark.parametrize("constant", [True, False])
def test_a_loss_that_depends_on_nothing_is_refused(*, constant: bool) -> None:
    data, points = batch((3,))
    with pytest.raises(LossError, match="does not depend"):
        _ = evaluated(returning((1.0 if constant else torch.tensor(1.0), {})), Objective(), data, points, "torch")
