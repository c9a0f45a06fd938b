"""Training examples: what is wrong with one, and how unequal lengths share padded batches. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from tinkex_py.local.architecture import Architecture, Tokens
from tinkex_py.local.losses import LOSSES, Loss
from tinkex_py.local.tokenizer import PAD

PADDED_TOKENS = 2048
"""The most tokens, padding included, that go through the transformer at once: bounds memory and suits the caches."""
UNUSED = frozenset({"clip_low_threshold", "clip_high_threshold", "sequence_ratio_mask"})
"""Inputs of some losses that the others accept and leave unread."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One datum: `tokens` [T] and the loss's inputs by name, `target_tokens` [T] (or [T, K]) among them."""

    tokens: Tokens
    inputs: Mapping[str, npt.NDArray[np.generic]]


def loss_problem(loss: str, options: Mapping[str, float | str]) -> str | None:
    """Say what keeps a loss and its options from being used, if anything."""
    if loss == "custom":
        return "the embedded engine does not run custom losses: use forward_backward_custom, which computes them itself"
    if loss not in LOSSES:
        return f"there is no loss {loss!r} here; there are {', '.join(LOSSES)}"
    known = LOSSES[loss].options
    for name, value in options.items():
        if name not in known:
            return f"{loss} has no option {name!r}; it has {', '.join(known) or 'none'}"
        if isinstance(value, str) or not np.isfinite(value):
            return f"loss_fn_config[{name!r}] must be a finite number, not {value!r}"
    settings = {**known, **options}
    for low, high in (("clip_low_threshold", "clip_high_threshold"), ("ratio_min", "ratio_max")):
        if float(settings.get(low, 0)) > float(settings.get(high, np.inf)):
            return f"{low} must not be above {high}"
    return None if float(settings.get("ratio_min", 1)) > 0 else "ratio_min must be above 0"


def examples_problem(examples: Sequence[Example], loss: str, architecture: Architecture) -> str | None:
    """Say where the first mistake is in a batch, if there is one."""
    if not examples:
        return "no data: at least one example is needed"
    found = (_problem(example, loss, architecture) for example in examples)
    return next((f"data[{place}].{problem}" for place, problem in enumerate(found) if problem), None)


def _problem(example: Example, loss: str, architecture: Architecture) -> str | None:
    return (
        tokens_problem("model_input", example.tokens, architecture)
        or _targets_problem(example, loss, architecture)
        or _names_problem(example, loss, LOSSES[loss])
        or _values_problem(example)
    )


def tokens_problem(name: str, tokens: npt.NDArray[np.generic], architecture: Architecture) -> str | None:
    """Say what is wrong with a sequence of tokens: its shape, its length or an id."""
    if tokens.ndim != 1 or not np.issubdtype(tokens.dtype, np.integer):
        return f"{name} must be a flat sequence of token ids"
    if not 1 <= len(tokens) <= architecture.context:
        return f"{name} has {len(tokens)} tokens; it must have 1 to {architecture.context}, the context's length"
    return _ids_problem(name, tokens, architecture)


def _ids_problem(name: str, tokens: npt.NDArray[np.generic], architecture: Architecture) -> str | None:
    ids = tokens.astype(np.int64).reshape(-1)
    outside = ids[(ids < 0) | (ids >= architecture.vocabulary)]
    if not len(outside):
        return None
    return f"{name} holds the token id {outside[0]}, outside the vocabulary of {architecture.vocabulary}"


def _targets_problem(example: Example, loss: str, architecture: Architecture) -> str | None:
    name = "loss_fn_inputs['target_tokens']"
    targets = example.inputs.get("target_tokens")
    if targets is None:
        return f"{name} is missing"
    if not np.issubdtype(targets.dtype, np.integer):
        return f"{name} must be integers, not {targets.dtype}"
    length = len(example.tokens)
    ranks = (1, 2) if loss == "cross_entropy" else (1,)
    if targets.ndim not in ranks or len(targets) != length or not targets.size:
        wanted = f"[{length}] or [{length}, K]" if loss == "cross_entropy" else f"[{length}]"
        return f"{name} has the shape {list(targets.shape)}; the model_input's length asks for {wanted}"
    return _ids_problem(name, targets, architecture)


def _names_problem(example: Example, loss: str, rules: Loss) -> str | None:
    missing = [name for name in rules.required if name not in example.inputs]
    if missing:
        return f"loss_fn_inputs[{missing[0]!r}] is missing; {loss} needs it"
    known = {"target_tokens", *rules.required, *rules.optional}
    extra = next((name for name in example.inputs if name not in known | UNUSED), None)
    return extra and f"loss_fn_inputs[{extra!r}] is not an input of {loss}, which reads {', '.join(sorted(known))}"


def _values_problem(example: Example) -> str | None:
    shape = example.inputs["target_tokens"].shape
    for name, value in example.inputs.items():
        if value.shape != shape:
            return f"loss_fn_inputs[{name!r}] has the shape {list(value.shape)}; target_tokens has {list(shape)}"
        if not (np.issubdtype(value.dtype, np.integer) or np.issubdtype(value.dtype, np.floating)):
            return f"loss_fn_inputs[{name!r}] must be numbers, not {value.dtype}"
        if not np.isfinite(value.astype(np.float64)).all():
            return f"loss_fn_inputs[{name!r}] has values that are not finite"
    return None


def groups(lengths: Sequence[int]) -> list[list[int]]:
    """Divide examples, by their places, into batches of similar length that fit the padded size.

    The longest of a batch is at most half as long again as its shortest, so at most a third is padding.
    """
    batches: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        longest = lengths[place]
        current = batches[-1] if batches else []
        small = (len(current) + 1) * longest <= PADDED_TOKENS
        if current and small and longest <= 1.5 * lengths[current[0]]:
            current.append(place)
        else:
            batches.append([place])
    return batches


def padded(rows: Sequence[Tokens]) -> Tokens:
    """Stack token rows `[B, longest]`, padded on the right."""
    batch = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int64)
    for row, tokens in zip(batch, rows, strict=True):
        row[: len(tokens)] = tokens
    return batch
