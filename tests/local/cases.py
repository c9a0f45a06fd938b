"""Small models and examples that the engine's tests share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace
from returns.result import Failure, Success

from tinkex_py.local.architecture import Architecture, Floats, random_parameters
from tinkex_py.local.bases import Base
from tinkex_py.local.engine import (
    Example,
    LoraModel,
    create_model,
    forward_backward,
    optim_step,
)
from tinkex_py.local.tokenizer import encode
from tinkex_py.outcome import Outcome, or_raise
from tinkex_py.types.training import AdamParams, LoraConfig

SMALL = Architecture(vocabulary=259, width=16, layers=2, heads=2, hidden=24, context=200)
LIVELY = Base(
    name="small",
    architecture=SMALL,
    parameters=random_parameters(SMALL, 3),
)


def example(text: str, **inputs: list[float]) -> Example:
    """Predict each next byte of a text."""
    tokens = np.array(encode(text), np.int64)
    arrays = {name: np.array(values, np.float32) for name, values in inputs.items()}
    return Example(tokens=tokens[:-1], inputs={"target_tokens": tokens[1:], **arrays})


def new_model(base: Base = LIVELY, **config: int | bool) -> LoraModel:
    """A fresh model of rank 4, or as configured."""
    return or_raise(create_model(base, replace(LoraConfig(rank=4), **config)))


def train(model: LoraModel, texts: tuple[str, ...], rate: float = 1e-2) -> LoraModel:
    """One step per text."""
    for text in texts:
        or_raise(forward_backward(model, (example(text),), "cross_entropy"))
        or_raise(optim_step(model, AdamParams(learning_rate=rate)))
    return model


def same(left: Mapping[str, Floats], right: Mapping[str, Floats]) -> bool:
    """Whether two sets of arrays are equal bit for bit."""
    return left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)


def refusal(outcome: Outcome[object, str]) -> str:
    """The sentence of a Failure; a Success fails the test."""
    match outcome:
        case Failure(message):
            return message
        case Success(value):
            raise AssertionError(value)
