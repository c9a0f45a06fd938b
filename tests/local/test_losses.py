"""Each loss by its published definition, computed by hand for a few tokens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tinkex_py.local.losses import LOSSES, Value, folded_metrics

NEW = np.log([0.5, 0.5, 0.5, 0.5])
OLD = np.log([0.5, 0.25, 1.0, 0.25])
RATIO = np.array([1.0, 2.0, 0.5, 2.0])
GOOD = np.array([1.0, 1.0, -1.0, -1.0])
POLICY = {"logprobs": OLD, "advantages": GOOD}


def evaluated(loss: str, inputs: Mapping[str, np.ndarray], **options: float) -> Value:
    return LOSSES[loss].evaluate(NEW, inputs, {**LOSSES[loss].options, **options})


@pytest.mark.parametrize(
    ("loss", "inputs", "expected", "slope"),
    [
        pytest.param("cross_entropy", {}, -NEW.sum(), [-1, -1, -1, -1], id="cross_entropy without weights"),
        pytest.param("cross_entropy", {"weights": np.array([0, 1, 2, 0])}, -3 * NEW[0], [0, -1, -2, 0], id="weighted"),
        pytest.param("importance_sampling", POLICY, -(1 + 2 - 0.5 - 2), [-1, -2, 0.5, 2], id="importance_sampling"),
        pytest.param("ppo", POLICY, -(1 + 1.2 - 0.8 - 2), [-1, 0, 0, 2], id="ppo"),
        pytest.param("cispo", POLICY, -(1 + 1.2 - 0.8 - 1.2) * NEW[0], [-1, -1.2, 0.8, 1.2], id="cispo"),
        pytest.param(
            "dro",
            POLICY,
            0.025 * (np.log(RATIO) ** 2).sum(),
            0.05 * np.log(RATIO) - GOOD,
            id="dro",
        ),
        pytest.param("stable_reinforce", POLICY, -(1 + 1.2 - 0.8 - 2), [-1, 0, 0, 2], id="stable_reinforce"),
        pytest.param("gspo", POLICY, -(1.0004 * 2 - 2 * np.sqrt(np.sqrt(2))), [0, 0] + [2**0.25] * 2, id="gspo"),
    ],
)
def test_a_loss_and_its_slope_follow_the_definition(
    loss: str, inputs: Mapping[str, np.ndarray], expected: float, slope: list[float]
) -> None:
    value = evaluated(loss, inputs)
    assert value.loss == pytest.approx(expected)
    assert value.slope == pytest.approx(np.array(slope, dtype=float))


def test_the_ratio_metrics_leave_out_tokens_without_advantage() -> None:
    value = evaluated("ppo", {"logprobs": OLD, "advantages": np.array([1.0, 0.0, -1.0, 0.0])})
    assert value.metrics == pytest.approx({"ratio:min": 0.5, "ratio:max": 1.0, "clipped_tokens:sum": 1.0})


IDLE = np.array([1.0, 0.0, -1.0, 0.0])
RATIOS = sorted(name for name, loss in LOSSES.items() if "advantages" in loss.required and name != "dro")


@pytest.mark.parametrize("loss", RATIOS)
@pytest.mark.parametrize("placeholder", [-100.0, -1000.0, 0.0])
def test_tokens_without_advantage_count_for_nothing_whatever_stands_for_their_logprobs(
    loss: str, placeholder: float
) -> None:
    told = evaluated(loss, {"logprobs": np.where(IDLE == 0, NEW, OLD), "advantages": IDLE})
    unknown = evaluated(loss, {"logprobs": np.where(IDLE == 0, placeholder, OLD), "advantages": IDLE})
    assert (unknown.loss, unknown.metrics) == (told.loss, told.metrics)
    assert unknown.slope.tolist() == told.slope.tolist()
    assert not unknown.slope[IDLE == 0].any()


def test_tokens_that_the_mask_of_gspo_leaves_out_count_for_nothing_however_large_the_ratio() -> None:
    counted = np.array([1.0, 0.0, 1.0, 0.0])
    inputs = {"logprobs": NEW - 800, "advantages": 2 * counted - 1, "sequence_ratio_mask": counted}
    with np.errstate(over="ignore"):
        value = evaluated("gspo", inputs)
    assert value.loss == pytest.approx(-2 * 1.0004)
    assert (value.slope.tolist(), value.metrics["clipped_tokens:sum"]) == ([0.0] * 4, 2.0)


def test_thresholds_can_be_set_for_a_batch_or_for_each_token() -> None:
    wide = evaluated("ppo", POLICY, clip_low_threshold=0.1, clip_high_threshold=9.0)
    each = evaluated("ppo", {**POLICY, "clip_high_threshold": np.array([9, 1.5, 9, 9]), "clip_low_threshold": OLD * 0})
    assert wide.slope == pytest.approx(np.array([-1, -2, 0.5, 2]))
    assert each.slope == pytest.approx(np.array([-1, 0, 0.5, 2]))


def test_the_sequence_ratio_of_gspo_counts_only_the_masked_tokens() -> None:
    value = evaluated("gspo", {**POLICY, "sequence_ratio_mask": np.array([1.0, 0.0, 0.0, 0.0])})
    assert value.loss == pytest.approx(-1.0)
    assert value.slope == pytest.approx(np.array([-1.0, 0, 0, 0]))


def test_stable_reinforce_leaves_out_extreme_advantages_and_bounds_extreme_ratios() -> None:
    far = {"logprobs": NEW + np.array([0, 0, 9, -9]), "advantages": np.array([5.0, 1, 1, -1])}
    value = evaluated("stable_reinforce", far)
    assert value.loss == pytest.approx(-(1 + 1e-3 - 1e3))
    assert value.slope == pytest.approx(np.array([0.0, -1, 0, 0]))
    assert value.metrics["filtered_tokens:sum"] == 1


def test_metrics_of_examples_fold_by_their_suffix() -> None:
    one = Value(1.0, NEW, {"ratio:min": 0.5, "ratio:max": 1.0, "clipped_tokens:sum": 1.0})
    two = Value(2.0, NEW, {"ratio:min": 0.7, "ratio:max": 3.0, "clipped_tokens:sum": 4.0})
    expected = {"loss:sum": 3.0, "ratio:min": 0.5, "ratio:max": 3.0, "clipped_tokens:sum": 5.0}
    assert folded_metrics([one, two]) == expected
