"""Every loss and every adapter against central differences (of fourth order) in float64.

A directional derivative along a random unit direction of one matrix is compared at a time, to a relative 1e-6. Clipped
losses are checked away from their kinks: ratios are e^-0.5, e^-0.1, e^0.1 and e^0.5, the thresholds 0.8 and 1.2.
The coefficients of cispo and gspo are constants by definition: with them frozen, both are a cross-entropy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests.local.cases import LIVELY, SMALL
from tinkex_py.local.architecture import Floats, Parameters
from tinkex_py.local.examples import Example
from tinkex_py.local.lora import adapter_gradients, initial_adapter, merged
from tinkex_py.local.losses import LOSSES
from tinkex_py.local.training import evaluate
from tinkex_py.local.transformer import backward, forward, log_softmax
from tinkex_py.types.training import LoraConfig

CONFIG = LoraConfig(rank=3, seed=5)
BASE = {name: value.astype(np.float64) for name, value in LIVELY.parameters.items()}
GENERATOR = np.random.default_rng(7)
ADAPTER = {
    name: value + 0.1 * np.random.default_rng(1).standard_normal(value.shape)
    for name, value in initial_adapter(SMALL, CONFIG).items()
}
LENGTHS = (9, 5, 7)
STEP = 3e-5


def evaluated(adapter: Parameters, examples: Sequence[Example], loss: str) -> tuple[float, dict[str, Floats]]:
    parameters = merged(BASE, adapter, CONFIG.rank)
    output, gradients = evaluate(parameters, examples, loss, LOSSES[loss].options, SMALL)
    return output.metrics["loss:sum"], adapter_gradients(adapter, gradients, CONFIG.rank)


def central_difference(value: Callable[[float], float]) -> float:
    """The derivative at 0 with an error of the fourth power of the step."""
    near, far = (value(width * STEP) - value(-width * STEP) for width in (1, 2))
    return (8 * near - far) / (12 * STEP)


def direction(shape: tuple[int, ...]) -> Floats:
    drawn = np.random.default_rng(2).standard_normal(shape)
    return drawn / np.linalg.norm(drawn)


def difference(name: str, examples: Sequence[Example], loss: str) -> float:
    along = direction(ADAPTER[name].shape)
    return central_difference(
        lambda width: evaluated({**ADAPTER, name: ADAPTER[name] + width * along}, examples, loss)[0]
    )


def policy_examples() -> tuple[Example, ...]:
    """Examples of unequal length whose ratios lie clearly inside or outside the thresholds."""
    made: list[Example] = []
    for length in LENGTHS:
        tokens = GENERATOR.integers(0, 259, length + 1)
        plain = Example(tokens=tokens[:-1], inputs={"target_tokens": tokens[1:]})
        output, _ = evaluate(merged(BASE, ADAPTER, CONFIG.rank), [plain], "cross_entropy", {}, SMALL)
        old = output.outputs[0]["logprobs"].astype(np.float64) + GENERATOR.choice([-0.5, -0.1, 0.1, 0.5], length)
        advantages = GENERATOR.standard_normal(length)
        made.append(Example(tokens=plain.tokens, inputs={**plain.inputs, "logprobs": old, "advantages": advantages}))
    return tuple(made)


def weighted_examples(weights: Sequence[Floats]) -> tuple[Example, ...]:
    return tuple(
        Example(tokens=one.tokens, inputs={"target_tokens": one.inputs["target_tokens"], "weights": weight})
        for one, weight in zip(EXAMPLES, weights, strict=True)
    )


EXAMPLES = policy_examples()
OLD, ADVANTAGES = ([one.inputs[name].astype(np.float64) for one in EXAMPLES] for name in ("logprobs", "advantages"))
WEIGHTED = weighted_examples([GENERATOR.standard_normal(length) for length in LENGTHS])


def sequence_examples() -> tuple[Example, ...]:
    """Examples whose advantage is one for the whole sequence, and whose mean ratio is 1.1, 0.9 and 1.2."""
    made: list[Example] = []
    for one, distance, advantage in zip(EXAMPLES, (0.1, -0.1, 0.2), (1.0, -2.0, 0.5), strict=True):
        old = one.inputs["logprobs"].astype(np.float64)
        moved = old + (exact_logprobs(one) - old).mean() - distance
        constant = np.full(len(old), advantage)
        thresholds = {"clip_low_threshold": constant * 0 + 0.5, "clip_high_threshold": constant * 0 + 1.15}
        made.append(
            Example(tokens=one.tokens, inputs={**one.inputs, "logprobs": moved, "advantages": constant, **thresholds})
        )
    return tuple(made)


def exact_logprobs(one: Example) -> Floats:
    table = log_softmax(forward(merged(BASE, ADAPTER, CONFIG.rank), one.tokens[None], SMALL).logits)
    return table[np.arange(len(one.tokens)), one.inputs["target_tokens"].astype(np.int64)]


POLICY_LOSSES = ("importance_sampling", "ppo", "dro", "stable_reinforce")
# With one advantage for the sequence the ratio of gspo need not be a constant: its slope is the sequence's own.
CASES = {"cross_entropy": WEIGHTED, "gspo": sequence_examples()} | dict.fromkeys(POLICY_LOSSES, EXAMPLES)


@pytest.mark.parametrize("name", ADAPTER)
@pytest.mark.parametrize("loss", CASES)
def test_a_gradient_is_the_slope_of_its_loss(loss: str, name: str) -> None:
    gradient = evaluated(ADAPTER, CASES[loss], loss)[1][name]
    slope = difference(name, CASES[loss], loss)
    assert float((gradient * direction(gradient.shape)).sum()) == pytest.approx(slope, rel=1e-6)


def cispo_weights(distance: Floats, advantages: Floats) -> Floats:
    weights: Floats = np.clip(np.exp(distance), 0.8, 1.2) * advantages
    return weights


def gspo_weights(distance: Floats, advantages: Floats) -> Floats:
    ratio = np.exp(distance.mean())
    gain, clipped = (value * advantages for value in (ratio, np.clip(ratio, 1 - 3e-4, 1 + 4e-4)))
    return np.where(clipped < gain, 0, gain)


@pytest.mark.parametrize(("loss", "frozen"), [("cispo", cispo_weights), ("gspo", gspo_weights)], ids=["cispo", "gspo"])
@pytest.mark.parametrize("name", ADAPTER)
def test_a_loss_with_a_constant_coefficient_has_the_slope_of_that_cross_entropy(
    loss: str, frozen: Callable[[Floats, Floats], Floats], name: str
) -> None:
    surrogate = weighted_examples(
        [frozen(exact_logprobs(one) - OLD[place], ADVANTAGES[place]) for place, one in enumerate(EXAMPLES)]
    )
    gradient = evaluated(ADAPTER, EXAMPLES, loss)[1][name]
    slope = difference(name, surrogate, "cross_entropy")
    assert float((gradient * direction(gradient.shape)).sum()) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("name", BASE)
def test_the_gradient_of_every_base_matrix_is_right_over_several_blocks_of_attention(name: str) -> None:
    tokens = np.random.default_rng(3).integers(0, 259, (1, 150))
    weights = np.random.default_rng(4).standard_normal((150, 259))
    along = direction(BASE[name].shape)
    gradient = backward(BASE, forward(BASE, tokens, SMALL), weights, SMALL)[name]
    slope = central_difference(
        lambda width: float((forward({**BASE, name: BASE[name] + width * along}, tokens, SMALL).logits * weights).sum())
    )
    assert float((gradient * along).sum()) == pytest.approx(slope, rel=1e-6)


def test_two_targets_per_position_add_their_gradients() -> None:
    tokens = np.array([3, 1, 4, 1, 5])
    targets, weights = np.array([[1, 1], [4, 2], [1, 9], [5, 5], [0, 7]]), np.arange(10.0).reshape(5, 2)
    both = Example(tokens=tokens, inputs={"target_tokens": targets, "weights": weights})
    apart = [
        Example(tokens=tokens, inputs={"target_tokens": targets[:, place], "weights": weights[:, place]})
        for place in (0, 1)
    ]
    loss, gradients = evaluated(ADAPTER, [both], "cross_entropy")
    losses, expected = evaluated(ADAPTER, apart, "cross_entropy")
    assert loss == pytest.approx(losses)
    assert all(np.allclose(gradients[name], expected[name]) for name in ADAPTER)
