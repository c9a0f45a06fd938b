"""The losses on per-token log-probabilities, their gradients and their metrics. Pure.

Every loss is a sum over the tokens of one example, in nats, to be minimized. `logprobs` are the model's for the
`target_tokens`; the input `logprobs` are those of the policy that sampled them; the ratio is `exp(new - old)`, and 1
for tokens that don't count: prompt tokens have no advantage, and what stands for their `logprobs` has no meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from tinkex_py.local.architecture import Floats

Inputs: TypeAlias = Mapping[str, Floats]
Options: TypeAlias = Mapping[str, float]


class Value(NamedTuple):
    """A loss, its gradient for the log-probabilities (same shape), and metrics beside `loss:sum`."""

    loss: float
    slope: Floats
    metrics: dict[str, float]


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One loss: the inputs it must have beside `target_tokens`, those it may have, its options with their defaults."""

    evaluate: Callable[[Floats, Inputs, Options], Value]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    options: Mapping[str, float] = {}


def _cross_entropy(logprobs: Floats, inputs: Inputs, options: Options) -> Value:
    """-sum(weights * logprobs); weights are ones when not given."""
    del options
    weights = inputs.get("weights", np.ones_like(logprobs))
    return Value(-float((weights * logprobs).sum()), -weights, {})


def _importance_sampling(logprobs: Floats, inputs: Inputs, options: Options) -> Value:
    """-sum(ratio * advantages): REINFORCE (Williams 1992) corrected for the sampling policy."""
    del options
    ratio = _ratio(logprobs - inputs["logprobs"], inputs["advantages"] != 0)
    gain = ratio * inputs["advantages"]
    return Value(-float(gain.sum()), -gain, _ratio_metrics(ratio))


def _ppo(logprobs: Floats, inputs: Inputs, options: Options) -> Value:
    """-sum(min(ratio * advantages, clip(ratio) * advantages)): PPO's clipped surrogate (arXiv:1707.06347)."""
    return _clipped_surrogate(logprobs - inputs["logprobs"], inputs, options, np.ones_like(logprobs))


def _clipped_surrogate(distance: Floats, inputs: Inputs, options: Options, mask: Floats) -> Value:
    ratio = _ratio(distance, (inputs["advantages"] != 0) & (mask != 0))
    gain = ratio * inputs["advantages"]
    clipped_gain = _clipped(ratio, inputs, options) * inputs["advantages"]
    cut = clipped_gain < gain
    loss = -float((mask * np.where(cut, clipped_gain, gain)).sum())
    metrics = _ratio_metrics(ratio) | {"clipped_tokens:sum": float((cut * (mask != 0)).sum())}
    return Value(loss, np.where(cut, 0.0, -gain * mask).astype(gain.dtype), metrics)


def _cispo(logprobs: Floats, inputs: Inputs, options: Options) -> Value:
    """-sum(clip(ratio) * advantages * logprobs), the clipped ratio a constant (CISPO, arXiv:2506.13585)."""
    counts = inputs["advantages"] != 0
    ratio = _ratio(logprobs - inputs["logprobs"], counts)
    coefficient = _clipped(ratio, inputs, options)
    clipped = float((counts & (coefficient != ratio)).sum())
    slope = -coefficient * inputs["advantages"]
    return Value(float((slope * logprobs).sum()), slope, _ratio_metrics(ratio) | {"clipped_tokens:sum": clipped})


def _dro(logprobs: Floats, inputs: Inputs, options: Options) -> Value:
    """-sum(advantages * logprobs - beta / 2 * (logprobs - old)**2): direct reward optimization (arXiv:2405.19107)."""
    distance = logprobs - inputs["logprobs"]
    gain = inputs["advantages"] * logprobs - 0.5 * options["beta"] * distance**2
    metrics = _ratio_metrics(_ratio(distance, inputs["advantages"] != 0))
    return Value(-float(gain.sum()), options["beta"] * distance - inputs["advantages"], metrics)


def _gspo(logprobs: Floats, inputs: Inputs, options: Options) -> Value:
    """PPO's surrogate with the sequence's geometric-mean ratio at every token (GSPO-token, arXiv:2507.18071).

    `sequence_ratio_mask` (by default the tokens with an advantage) chooses the tokens that count. By its definition
    the ratio's value is a constant and each token's gradient flows through that token's own log-probability.
    """
    mask = inputs.get("sequence_ratio_mask", (inputs["advantages"] != 0).astype(logprobs.dtype))
    distance = (mask * (logprobs - inputs["logprobs"])).sum() / max(float(mask.sum()), 1.0)
    return _clipped_surrogate(np.full_like(logprobs, distance), inputs, options, mask)


def _stable_reinforce(logprobs: Floats, inputs: Inputs, options: Options) -> Value:
    """PPO's surrogate, made robust: StableReinforce (arXiv:2505.02835).

    The difference of the log-probabilities is clipped before it is exponentiated ("pre-clip"), and tokens whose
    advantage, standardized by the caller, is beyond `advantage_limit` are left out ("advantage filter").
    """
    distance = logprobs - inputs["logprobs"]
    bounded = np.clip(distance, np.log(options["ratio_min"]), np.log(options["ratio_max"])).astype(logprobs.dtype)
    mask = (np.abs(inputs["advantages"]) <= options["advantage_limit"]).astype(logprobs.dtype)
    value = _clipped_surrogate(bounded, inputs, options, mask)
    slope = np.where(bounded == distance, value.slope, 0.0).astype(logprobs.dtype)
    filtered = {"filtered_tokens:sum": float((mask == 0).sum())}
    return Value(value.loss, slope, value.metrics | filtered)


def _clipped(ratio: Floats, inputs: Inputs, options: Options) -> Floats:
    """Clip to the thresholds: one per token where the inputs have them, else the options'."""
    low = inputs.get("clip_low_threshold", options["clip_low_threshold"])
    return np.clip(ratio, low, inputs.get("clip_high_threshold", options["clip_high_threshold"])).astype(ratio.dtype)


def _ratio(distance: Floats, counts: npt.NDArray[np.bool_]) -> Floats:
    return np.exp(np.where(counts, distance, 0).astype(distance.dtype))


def _ratio_metrics(ratio: Floats) -> dict[str, float]:
    """The extreme ratios; those of tokens that don't count are 1 and move neither."""
    return {"ratio:min": float(ratio.min(initial=1.0)), "ratio:max": float(ratio.max(initial=1.0))}


THRESHOLDS = ("clip_low_threshold", "clip_high_threshold")
POLICY = ("logprobs", "advantages")

LOSSES: Mapping[str, Loss] = {
    "cross_entropy": Loss(evaluate=_cross_entropy, optional=("weights",)),
    "importance_sampling": Loss(evaluate=_importance_sampling, required=POLICY),
    "ppo": Loss(
        evaluate=_ppo,
        required=POLICY,
        optional=THRESHOLDS,
        options={"clip_low_threshold": 0.8, "clip_high_threshold": 1.2},
    ),
    "cispo": Loss(
        evaluate=_cispo,
        required=POLICY,
        optional=THRESHOLDS,
        options={"clip_low_threshold": 0.8, "clip_high_threshold": 1.2},
    ),
    "stable_reinforce": Loss(
        evaluate=_stable_reinforce,
        required=POLICY,
        optional=THRESHOLDS,
        options={
            "clip_low_threshold": 0.8,
            "clip_high_threshold": 1.2,
            "ratio_min": 1e-3,
            "ratio_max": 1e3,
            "advantage_limit": 3.0,
        },
    ),
    "dro": Loss(evaluate=_dro, required=POLICY, options={"beta": 0.05}),
    "gspo": Loss(
        evaluate=_gspo,
        required=POLICY,
        optional=(*THRESHOLDS, "sequence_ratio_mask"),
        options={"clip_low_threshold": 1 - 3e-4, "clip_high_threshold": 1 + 4e-4},
    ),
}

_FOLDS: Mapping[str, Callable[[list[float]], float]] = {"sum": sum, "min": min, "max": max}


def folded_metrics(values: Sequence[Value]) -> dict[str, float]:
    """Join the examples' metrics by the suffix of their names; all of one loss have the same names."""
    rows = [{"loss:sum": value.loss, **value.metrics} for value in values]
    return {name: _FOLDS[name.rpartition(":")[2]]([row[name] for row in rows]) for name in rows[0]}
