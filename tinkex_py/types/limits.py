"""What settings may hold: one rule a field, as data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import NamedTuple, TypeAlias

from msgspec import structs
from returns.result import Success

from tinkex_py.errors import InvalidInput
from tinkex_py.types.kinds import (
    as_number,
    is_encodable,
    is_mapping,
    is_number,
    is_text,
    is_truth,
    is_tuple,
    is_whole,
    one_of,
    optional,
)
from tinkex_py.types.paths import TinkerPath
from tinkex_py.types.raised import shortened
from tinkex_py.types.retries import RecoveryPolicy, RetryConfig
from tinkex_py.types.sampling import SamplingParams
from tinkex_py.types.training import AdamParams, DimuonOptimizerConfig, DimuonParams, LoraConfig

LARGEST_TOKEN = 2**31 - 1
COUNT = "give an integer of at least 1 that fits into 64 bits"
"""What to give in the place of a number that counts something."""


Settings: TypeAlias = (
    SamplingParams | AdamParams | DimuonParams | DimuonOptimizerConfig | LoraConfig | RetryConfig | RecoveryPolicy
)


class Rule(NamedTuple):
    """A field, what its value must be, what to do when it isn't, and what is shown of it then."""

    field: str
    holds: Callable[[object], bool]
    remedy: str
    shown: Callable[[object], object] = lambda value: value


def refused(path: str, value: object, remedy: str) -> InvalidInput:
    """What stands at `path` is unusable; `remedy` says what to give instead."""
    shown = shortened(value)
    return InvalidInput(message=f"{path} is {shown}: {remedy}", path=path, value=shown)


def settings_problem(settings: Settings, path: str) -> InvalidInput | None:
    """The first field whose value breaks its rule."""
    given = structs.asdict(settings)
    rules = next(SETTINGS[kind] for kind in type(settings).__mro__ if kind in SETTINGS)
    found = broken(rules, given, f"{path}.")
    if found is None and isinstance(settings, LoraConfig) and not any(given[field] for field in _TRAINABLE):
        return refused(path, settings, f"set at least one of {', '.join(_TRAINABLE)}")
    return found


def options_problem(options: Mapping[str, object]) -> InvalidInput | None:
    """The first argument of `sample` itself whose value breaks its rule."""
    return broken(_SAMPLE, options, "")


def name_problem(name: object, path: str) -> InvalidInput | None:
    """Names and paths of checkpoints are texts that hold something, and no control characters."""
    if is_text(name) and name:
        return None
    return refused(path, name, "give a text that is not empty and holds no control characters")


def loss_config_problem(config: object, path: str) -> InvalidInput | None:
    """Settings of a loss, or of an optimizer, are finite numbers or texts under names."""
    if not is_mapping(config):
        return refused(path, config, "give settings under names")
    for name, value in config.items():
        if not (is_text(name) and name):
            return refused(path, name, "name each setting by a text, such as 'clip_low_threshold'")
        if not (is_text(value) or is_number(value, -inf)):
            return refused(f"{path}[{name!r}]", value, "give a finite number or a text")
    return None


def broken(rules: Sequence[Rule], given: Mapping[str, object], prefix: str = "") -> InvalidInput | None:
    """The first of the given values that breaks its rule; `prefix` is what the caller knows them by."""
    for field, holds, remedy, shown in rules:
        if not holds(given[field]):
            return refused(f"{prefix}{field}", shown(given[field]), remedy)
    return None


def whole(least: int) -> Callable[[object], bool]:
    """An integer of at least `least`, of 64 bits."""
    return lambda value: is_whole(value, least)


def _number(least: float, below: float = inf) -> Callable[[object], bool]:
    return lambda value: is_number(value, least, below)


def _is_top_k(value: object) -> bool:
    return is_whole(value, -1) and value != 0


def _is_time(value: object) -> bool:
    return 0 < as_number(value) < inf


def _is_checkpoint(value: object) -> bool:
    return _is_latest(value) or isinstance(TinkerPath.parse(value), Success)


def _is_top_p(value: object) -> bool:
    return 0 < as_number(value) <= 1


def _is_stop(value: object) -> bool:
    """A text, texts, or token ids; control characters are welcome in them."""
    if not is_tuple(value):
        return value is None or is_encodable(value)
    return all(map(is_encodable, value)) or all(is_whole(token, 0, LARGEST_TOKEN) for token in value)


_is_latest = one_of("latest")
_TRAINABLE = ("train_unembed", "train_mlp", "train_attn")
_NOT_NEGATIVE = "give a finite number of at least 0"
_CLIPPING = f"{_NOT_NEGATIVE}; 0 leaves gradients as they are"
_BETA = "give a number from 0 up to, but not including, 1"
_SEED = Rule("seed", optional(is_whole), "give an integer of 64 bits")
SETTINGS: Mapping[type, Sequence[Rule]] = {
    SamplingParams: (
        Rule("max_tokens", optional(whole(1)), f"{COUNT}, or None to leave it to the server"),
        _SEED,
        Rule("stop", _is_stop, "give a text, a list of texts, or a list of token ids"),
        Rule("temperature", _number(0), _NOT_NEGATIVE),
        Rule("top_k", _is_top_k, f"{COUNT}, or -1 to keep every token"),
        Rule("top_p", _is_top_p, "give a number above 0 and not above 1"),
    ),
    AdamParams: (
        Rule("learning_rate", _number(0), _NOT_NEGATIVE),
        Rule("beta1", _number(0, 1), _BETA),
        Rule("beta2", _number(0, 1), _BETA),
        Rule("eps", _number(0), _NOT_NEGATIVE),
        Rule("weight_decay", _number(0), _NOT_NEGATIVE),
        Rule("grad_clip_norm", _number(0), _CLIPPING),
    ),
    DimuonParams: (
        Rule("learning_rate", _number(0), _NOT_NEGATIVE),
        Rule("grad_clip_norm", _number(0), _CLIPPING),
        Rule("beta1", _number(0, 1), _BETA),
    ),
    DimuonOptimizerConfig: (Rule("version", whole(1), COUNT),),
    LoraConfig: (
        Rule("rank", whole(1), COUNT),
        _SEED,
        *(Rule(field, is_truth, "give True or False") for field in _TRAINABLE),
    ),
    RetryConfig: (
        Rule("max_connections", optional(whole(1)), f"{COUNT}, or None"),
        *(
            Rule(field, _is_time, "give a number of seconds above 0")
            for field in ("progress_timeout", "retry_delay_base", "retry_delay_max")
        ),
        Rule("jitter_factor", _number(0, 1), "give a number from 0 up to, but not including, 1"),
        *(Rule(field, is_truth, "give True or False") for field in ("enable_retry_logic", "enable_stuck_detection")),
    ),
    RecoveryPolicy: (
        Rule("checkpoint", _is_checkpoint, "give 'latest' or the path that save_state returned, tinker://..."),
        Rule("restore_optimizer", is_truth, "give True or False"),
        Rule("max_attempts", whole(1), COUNT),
        *(
            Rule(field, _is_time, "give a number of seconds above 0")
            for field in ("backoff", "max_backoff", "poll_interval")
        ),
    ),
}
"""The rules of each kind of settings, and of those that are made of it."""
_SAMPLE = (
    Rule("num_samples", whole(1), COUNT),
    *(Rule(field, is_truth, "give True or False") for field in ("include_prompt_logprobs", "record_stability_info")),
    *(
        Rule(field, whole(0), "give an integer of at least 0 that fits into 64 bits")
        for field in ("topk_prompt_logprobs", "topk_sample_logprobs", "prompt_alt_tokens_k")
    ),
    Rule("prompt_logprobs_last_n", optional(whole(1)), f"{COUNT}, or None for all of them"),
)
