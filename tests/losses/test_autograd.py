"""Losses on torch tensors; these rules need torch, which is not among the packages that tests install."""

from __future__ import annotations

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


@pytest.mark.parametrize("constant", [True, False])
def test_a_loss_that_depends_on_nothing_is_refused(*, constant: bool) -> None:
    data, points = batch((3,))
    with pytest.raises(LossError, match="does not depend"):
        _ = evaluated(returning((1.0 if constant else torch.tensor(1.0), {})), Objective(), data, points, "torch")
