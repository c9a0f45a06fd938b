"""The base models: one with seeded random weights, one small pretrained one that ships with the package."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import msgspec
import numpy as np
from returns.result import Failure, Success
from safetensors.numpy import load

from tinkex_py.local.architecture import Architecture, Floats, Parameters, random_parameters
from tinkex_py.local.tokenizer import VOCABULARY
from tinkex_py.outcome import Outcome

RANDOM = "tinkex/tiny-random"
ENGLISH = "tinkex/tiny-english"
WEIGHTS_FILE = "tiny-english.safetensors"
ARCHITECTURE = Architecture(vocabulary=VOCABULARY)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen base model: its name, its sizes and its parameters by name (read-only arrays)."""

    name: str
    architecture: Architecture
    parameters: Parameters


def base_names() -> tuple[str, ...]:
    """The names `load_base` knows, the pretrained one first."""
    return (ENGLISH, RANDOM)


def base_problem(name: str) -> str | None:
    """Say which base models there are when the name is none of theirs."""
    return (
        None if name in base_names() else f"there is no base model {name!r} here; there are {', '.join(base_names())}"
    )


def load_base(name: str) -> Outcome[Base, str]:
    """Return a base model, loaded once per process; a Failure lists the names there are."""
    problem = base_problem(name)
    return Success(_base(name)) if problem is None else Failure(problem)


@lru_cache(maxsize=2)
def _base(name: str) -> Base:
    parameters = random_parameters(ARCHITECTURE, seed=0) if name == RANDOM else _shipped()
    for value in parameters.values():
        value.setflags(write=False)
    return Base(name=name, architecture=ARCHITECTURE, parameters=parameters)


def weights_bytes() -> bytes:
    """The shipped safetensors file (float16)."""
    return resources.files("tinkex_py.local").joinpath("weights", WEIGHTS_FILE).read_bytes()


def _shipped() -> dict[str, Floats]:
    return {name: value.astype(np.float32) for name, value in load(weights_bytes()).items()}
