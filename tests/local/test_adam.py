"""The optimizer step by its published definition."""

from __future__ import annotations

import numpy as np
import pytest

from tinkex_py.local.adam import adam_step, initial_state, settings_problem
from tinkex_py.types.training import AdamParams

WEIGHT = {"w": np.array([[1.0, -2.0]])}
GRADIENT = {"w": np.array([[3.0, -4.0]])}


def test_the_first_step_moves_each_weight_by_the_learning_rate() -> None:
    updated, state, metrics = adam_step(WEIGHT, GRADIENT, initial_state(WEIGHT), AdamParams(learning_rate=0.1))
    assert updated["w"] == pytest.approx(np.array([[0.9, -1.9]]))
    assert (state.step, metrics) == (1, {"grad_norm": 5.0})


def test_two_steps_follow_the_published_recurrence() -> None:
    params = AdamParams(learning_rate=0.1, beta1=0.5, beta2=0.75, eps=1e-8)
    once, state, _ = adam_step(WEIGHT, GRADIENT, initial_state(WEIGHT), params)
    twice, _, _ = adam_step(once, {"w": np.array([[1.0, 0.0]])}, state, params)
    first = np.array([0.5 * 1.5 + 0.5, 0.5 * -2.0]) / (1 - 0.5**2)
    second = np.array([0.75 * 2.25 + 0.25, 0.75 * 4.0]) / (1 - 0.75**2)
    assert twice["w"][0] == pytest.approx(np.array([0.9, -1.9]) - 0.1 * first / np.sqrt(second))


def test_weight_decay_acts_on_the_weights_and_not_through_the_gradient() -> None:
    updated, state, _ = adam_step(
        WEIGHT, {"w": np.zeros((1, 2))}, initial_state(WEIGHT), AdamParams(learning_rate=0.1, weight_decay=0.5)
    )
    assert updated["w"] == pytest.approx(0.95 * WEIGHT["w"])
    assert not state.first["w"].any()


def test_clipping_scales_the_gradient_to_the_norm_and_reports_the_norm_before() -> None:
    _, state, metrics = adam_step(
        WEIGHT, GRADIENT, initial_state(WEIGHT), AdamParams(beta1=0.0, beta2=0.0, grad_clip_norm=1.0)
    )
    assert state.first["w"] == pytest.approx(np.array([[0.6, -0.8]]))
    assert metrics == {"grad_norm": 5.0}


@pytest.mark.parametrize("eps", [1e-37, 1e-50, 5e-324])
def test_a_weight_without_a_gradient_stays_however_small_the_epsilon(eps: float) -> None:
    weight, gradient = ({"w": one["w"].astype(np.float32)} for one in (WEIGHT, {"w": np.array([[3.0, 0.0]])}))
    updated, _, _ = adam_step(weight, gradient, initial_state(weight), AdamParams(learning_rate=0.5, eps=eps))
    assert updated["w"] == pytest.approx(np.array([[0.5, -2.0]]))


@pytest.mark.parametrize("size", [1e-25, 1e19, 1e30])
def test_the_norm_is_that_of_numbers_whose_squares_float32_can_not_hold(size: float) -> None:
    gradient = {"w": np.array([[3 * size, -4 * size]], np.float32)}
    _, state, metrics = adam_step(WEIGHT, gradient, initial_state(WEIGHT), AdamParams(beta1=0.0, grad_clip_norm=1.0))
    assert metrics == {"grad_norm": pytest.approx(5 * size)}
    assert state.first["w"] == pytest.approx(np.array([[3, -4]]) * min(size, 0.2), rel=1e-6, abs=0.0)


def test_a_gradient_below_the_norm_is_not_scaled() -> None:
    _, state, _ = adam_step(WEIGHT, GRADIENT, initial_state(WEIGHT), AdamParams(beta1=0.0, grad_clip_norm=9.0))
    assert state.first["w"] == pytest.approx(GRADIENT["w"])


def test_a_step_leaves_its_arguments_as_they_were() -> None:
    state = initial_state(WEIGHT)
    adam_step(WEIGHT, GRADIENT, state, AdamParams(learning_rate=0.1))
    assert WEIGHT["w"].tolist() == [[1.0, -2.0]]
    assert state.step == 0
    assert not state.first["w"].any()


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        pytest.param(AdamParams(), None, id="the defaults"),
        pytest.param(AdamParams(learning_rate=-1.0), "learning_rate must be 0 or more", id="a negative rate"),
        pytest.param(AdamParams(learning_rate=float("nan")), "learning_rate must be 0 or more", id="no number"),
        pytest.param(AdamParams(beta1=1.0), "beta1 must be at least 0 and below 1", id="no forgetting"),
        pytest.param(AdamParams(eps=0.0), "eps must be above 0", id="no epsilon"),
        pytest.param(
            AdamParams(weight_decay=-1.0, grad_clip_norm=float("inf")),
            "weight_decay must be 0 or more; grad_clip_norm must be 0 or more",
            id="two at once",
        ),
    ],
)
def test_settings_out_of_range_are_named(params: AdamParams, problem: str | None) -> None:
    assert settings_problem(params) == problem
