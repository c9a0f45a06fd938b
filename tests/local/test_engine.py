"""Training on the engine: outputs, gradients, isolation, and what it says about mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from tests.local.cases import LIVELY, example, new_model, refusal, same, train
from tinkex_py.local.engine import Example, forward_backward, optim_step, snapshot
from tinkex_py.outcome import or_raise
from tinkex_py.types.training import AdamParams

Inputs: TypeAlias = Mapping[str, npt.NDArray[np.generic]]
TEXTS = ("to be", "or not to be", "that is the question")
FOX = np.arange(4)
TARGETS: Inputs = {"target_tokens": FOX}
ONES = np.ones(4, np.float32)
POLICY: Inputs = {**TARGETS, "logprobs": -ONES, "advantages": ONES}


def test_forward_gives_the_outputs_of_forward_backward_and_leaves_the_model_alone() -> None:
    model = new_model()
    ahead = or_raise(forward_backward(model, (example("to be"),), "cross_entropy", forward_only=True))
    assert model.gradients == {}
    both = or_raise(forward_backward(model, (example("to be"),), "cross_entropy"))
    assert ahead.metrics == both.metrics
    assert ahead.outputs[0]["logprobs"].tolist() == both.outputs[0]["logprobs"].tolist()


def test_the_loss_is_the_sum_over_all_tokens_of_the_batch() -> None:
    output = or_raise(forward_backward(new_model(), tuple(map(example, TEXTS)), "cross_entropy"))
    logprobs = np.concatenate([one["logprobs"] for one in output.outputs])
    assert output.metrics == pytest.approx({"loss:sum": -float(logprobs.sum())}, rel=1e-6)


def test_outputs_come_in_the_order_of_the_examples() -> None:
    output = or_raise(forward_backward(new_model(), tuple(map(example, reversed(TEXTS))), "cross_entropy"))
    assert [len(one["logprobs"]) for one in output.outputs] == [19, 11, 4]


def test_padding_changes_no_example() -> None:
    together = or_raise(forward_backward(new_model(), tuple(map(example, TEXTS)), "cross_entropy")).outputs
    for text, output in zip(TEXTS, together, strict=True):
        alone = or_raise(forward_backward(new_model(), (example(text),), "cross_entropy")).outputs[0]
        assert output["logprobs"] == pytest.approx(alone["logprobs"], abs=1e-5)


def test_gradients_add_up_until_the_optimizer_step() -> None:
    apart, together = new_model(), new_model()
    for text in TEXTS:
        or_raise(forward_backward(apart, (example(text),), "cross_entropy"))
    or_raise(forward_backward(together, tuple(map(example, TEXTS)), "cross_entropy"))
    assert all(np.allclose(apart.gradients[name], together.gradients[name], atol=1e-4) for name in apart.adapter)
    or_raise(optim_step(apart, AdamParams()))
    assert apart.gradients == {}


def test_a_step_lowers_the_loss() -> None:
    losses = [
        or_raise(forward_backward(model, (example("to be"),), "cross_entropy")).metrics["loss:sum"]
        for model in (new_model(), train(new_model(), ("to be",) * 5))
    ]
    assert losses[1] < 0.9 * losses[0]


def test_a_step_without_gradients_counts_them_as_zeros() -> None:
    model = new_model()
    assert or_raise(optim_step(model, AdamParams())) == {"grad_norm": 0.0}
    assert same(model.adapter, new_model().adapter)
    assert model.step == 1


def test_models_trained_in_turns_end_as_the_same_ones_trained_apart() -> None:
    left, right = new_model(seed=1), new_model(seed=2)
    for text in TEXTS:
        train(left, (text,))
        train(right, (text.upper(),))
    assert same(left.adapter, train(new_model(seed=1), TEXTS).adapter)
    assert same(right.adapter, train(new_model(seed=2), tuple(map(str.upper, TEXTS))).adapter)


def test_a_snapshot_does_not_move_when_training_goes_on() -> None:
    model = train(new_model(), TEXTS)
    taken = snapshot(model)
    before = {name: value.copy() for name, value in taken.parameters.items()}
    train(model, TEXTS)
    assert same(taken.parameters, before)
    assert not same(snapshot(model).parameters, before)


def refused(inputs: Inputs, *, loss: str = "cross_entropy", **options: float | str) -> str:
    model = new_model()
    message = refusal(forward_backward(model, (Example(tokens=FOX, inputs=inputs),), loss, options))
    assert model.gradients == {}
    return message


@pytest.mark.parametrize(
    ("inputs", "loss", "message"),
    [
        pytest.param({}, "cross_entropy", "['target_tokens'] is missing", id="no targets"),
        pytest.param({"target_tokens": FOX[:3]}, "cross_entropy", "has the shape [3]", id="too short"),
        pytest.param({"target_tokens": ONES}, "cross_entropy", "must be integers, not float32", id="not ids"),
        pytest.param({"target_tokens": FOX + 256}, "cross_entropy", "holds the token id 259", id="out of range"),
        pytest.param({"target_tokens": FOX - 1}, "cross_entropy", "holds the token id -1", id="negative"),
        pytest.param({"target_tokens": FOX.reshape(2, 2)}, "cross_entropy", "asks for [4] or [4, K]", id="misshapen"),
        pytest.param({**POLICY, "target_tokens": FOX.reshape(4, 1)}, "ppo", "asks for [4]", id="two dimensions"),
        pytest.param({**TARGETS, "weights": ONES[:2]}, "cross_entropy", "['weights'] has the shape [2]", id="weights"),
        pytest.param({**TARGETS, "weights": ONES * np.nan}, "cross_entropy", "are not finite", id="not finite"),
        pytest.param({**TARGETS, "weights": np.array(list("abcd"))}, "cross_entropy", "must be numbers", id="text"),
        pytest.param({**TARGETS, "weight": ONES}, "cross_entropy", "['weight'] is not an input of", id="unknown"),
        pytest.param(TARGETS, "ppo", "['logprobs'] is missing; ppo needs it", id="no log-probabilities"),
        pytest.param(
            {**TARGETS, "logprobs": ONES}, "dro", "['advantages'] is missing; dro needs it", id="no advantages"
        ),
    ],
)
def test_a_mistake_in_an_input_is_told_with_its_path(inputs: Inputs, loss: str, message: str) -> None:
    told = refused(inputs, loss=loss)
    assert told.startswith("data[0].loss_fn_inputs[")
    assert message in told


@pytest.mark.parametrize(
    ("loss", "options", "message"),
    [
        pytest.param("orpo", {}, "there is no loss 'orpo' here; there are cross_entropy, ", id="unknown loss"),
        pytest.param("dro", {"betta": 1.0}, "dro has no option 'betta'; it has beta", id="unknown option"),
        pytest.param(
            "cross_entropy", {"beta": 1.0}, "cross_entropy has no option 'beta'; it has none", id="no options"
        ),
        pytest.param("dro", {"beta": "x"}, "loss_fn_config['beta'] must be a finite number, not 'x'", id="text"),
        pytest.param("dro", {"beta": np.inf}, "loss_fn_config['beta'] must be a finite number, not inf", id="infinite"),
        pytest.param("ppo", {"clip_low_threshold": 2.0}, "clip_low_threshold must not be above", id="crossed"),
    ],
)
def test_a_mistake_in_the_loss_is_told(loss: str, options: Mapping[str, float | str], message: str) -> None:
    assert refused(POLICY, loss=loss, **options).startswith(message)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        pytest.param(FOX[:0], "data[1].model_input has 0 tokens; it must have 1 to 200", id="empty"),
        pytest.param(np.zeros(201, np.int64), "data[1].model_input has 201 tokens", id="too long"),
        pytest.param(np.array([300]), "data[1].model_input holds the token id 300", id="out of range"),
        pytest.param(np.ones(3), "data[1].model_input must be a flat sequence of token ids", id="not ids"),
    ],
)
def test_a_mistake_in_the_tokens_is_told(tokens: np.ndarray[Any, Any], message: str) -> None:
    wrong = Example(tokens=tokens, inputs={"target_tokens": np.zeros(len(tokens), np.int64)})
    assert refusal(forward_backward(new_model(), (example("ok"), wrong), "cross_entropy")).startswith(message)


def test_an_empty_batch_is_refused() -> None:
    assert refusal(forward_backward(new_model(), (), "cross_entropy")) == "no data: at least one example is needed"


def test_inputs_of_other_losses_on_the_wire_are_left_unread() -> None:
    model = new_model()
    spare = Example(tokens=FOX, inputs={**POLICY, "sequence_ratio_mask": ONES})
    plain = Example(tokens=FOX, inputs=POLICY)
    outputs = [or_raise(forward_backward(model, (one,), "importance_sampling")).metrics for one in (spare, plain)]
    assert outputs[0] == outputs[1]


def test_a_loss_that_is_not_finite_is_refused_and_adds_nothing() -> None:
    assert refused({**POLICY, "logprobs": -1000 * ONES}, loss="importance_sampling").startswith(
        "the loss is not finite"
    )


def test_log_probabilities_that_are_not_finite_are_refused_where_none_counts_in_the_loss() -> None:
    nowhere = np.full_like(LIVELY.parameters["unembedding"], np.nan)
    model = new_model(replace(LIVELY, parameters={**LIVELY.parameters, "unembedding": nowhere}))
    idle = Example(tokens=FOX, inputs={**POLICY, "advantages": 0 * ONES})
    told = refusal(forward_backward(model, (idle,), "importance_sampling"))
    assert (told, model.gradients) == ("the log-probabilities are not finite: the weights have diverged", {})


def test_a_step_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    model = train(new_model(), TEXTS)
    adapter, step = model.adapter, model.step
    or_raise(forward_backward(model, (example("to be"),), "cross_entropy"))
    message = refusal(optim_step(model, AdamParams(learning_rate=1e300)))
    assert message.startswith("the gradient or the new weights are not finite")
    assert (model.adapter is adapter, model.step, model.gradients) == (True, step, {})


def test_a_gradient_that_is_large_makes_a_step_when_it_is_clipped() -> None:
    model = new_model()
    large = Example(tokens=FOX, inputs={**TARGETS, "weights": 1e19 * ONES})
    adapter = model.adapter
    or_raise(forward_backward(model, (large,), "cross_entropy"))
    assert "is too large for Adam" in refusal(optim_step(model, AdamParams()))
    assert (model.step, model.gradients, model.adapter is adapter) == (0, {}, True)
    or_raise(forward_backward(model, (large,), "cross_entropy"))
    assert 1e19 < or_raise(optim_step(model, AdamParams(grad_clip_norm=1.0)))["grad_norm"] < 1e22
    assert (model.step, model.adapter is adapter) == (1, False)


def test_settings_out_of_range_keep_the_gradients() -> None:
    model = new_model()
    or_raise(forward_backward(model, (example("to be"),), "cross_entropy"))
    assert refusal(optim_step(model, AdamParams(beta1=2.0))) == "beta1 must be at least 0 and below 1"
    assert model.gradients.keys() == model.adapter.keys()


def test_a_base_stays_as_it_was() -> None:
    before = {name: value.copy() for name, value in LIVELY.parameters.items()}
    train(new_model(), TEXTS)
    assert same(dict(LIVELY.parameters), before)
