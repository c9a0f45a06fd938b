"""A batch in chunks that a server takes, and their results as one. Pure.

Data are packed in their order, as many into a chunk as its limits allow; one that is too large by itself goes alone.
Metrics are folded by the word behind the last `:` of their name, over the chunks that have them: `sum`, `min`, `max`,
`mean` (weighted by data), `slack` (the largest minus the weighted mean), `unique` (the first keeps its name, the others
become `name_1`, `name_2`, ...), `hash2` (the sum modulo 2^64), `hash_unordered` (a hash that no order changes). Any
other is kept, as a weighted mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite
from typing import TypeAlias

from msgspec import Struct

from tinkex_py.request import stretches
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.training import ForwardBackwardOutput

Weighted: TypeAlias = "Sequence[tuple[float, int]]"
"""A metric's value in each chunk, with the number of data there."""


class Limits(Struct, frozen=True, kw_only=True):
    """How many data and bytes a chunk may have, and whether the chunks of a batch may be under way together."""

    count: int = 1024
    size: int = 5_000_000
    parallel: bool = False


def chunks(sizes: Sequence[int], limits: Limits) -> Iterator[slice]:
    """Where the chunks of data of these sizes, in bytes, begin and end."""
    return stretches(sizes, limits.size, limits.count)


def combined(outputs: Sequence[ForwardBackwardOutput]) -> ForwardBackwardOutput:
    """The outputs of a batch's chunks as those of the batch; there is at least one."""
    if len(outputs) == 1:
        return outputs[0]
    return ForwardBackwardOutput(
        loss_fn_output_type=outputs[0].loss_fn_output_type,
        loss_fn_outputs=tuple(chain.from_iterable(output.loss_fn_outputs for output in outputs)),
        metrics=FrozenMapping(dict(_folded(outputs))),
    )


def _folded(outputs: Sequence[ForwardBackwardOutput]) -> Iterator[tuple[str, float]]:
    for name in dict.fromkeys(chain.from_iterable(output.metrics for output in outputs)):
        having = [(output.metrics[name], len(output.loss_fn_outputs)) for output in outputs if name in output.metrics]
        suffix = name.rpartition(":")[2]
        if suffix == "unique":
            yield from ((name if not place else f"{name}_{place}", value) for place, (value, _) in enumerate(having))
        else:
            yield name, _FOLDS.get(suffix, _mean)(having)


def _mean(having: Weighted) -> float:
    """The mean weighted by data, or the plain one when no chunk has any."""
    total = sum(weight for _, weight in having)
    if total:
        return sum(value * weight for value, weight in having) / total
    return sum(value for value, _ in having) / len(having)


def _whole(having: Weighted) -> list[int]:
    return [int(value) for value, _ in having if isfinite(value)]


_FOLDS: Mapping[str, Callable[[Weighted], float]] = {
    "sum": lambda having: sum(value for value, _ in having),
    "min": lambda having: min(value for value, _ in having),
    "max": lambda having: max(value for value, _ in having),
    "mean": _mean,
    "slack": lambda having: max(value for value, _ in having) - _mean(having),
    "hash2": lambda having: float(sum(_whole(having)) % 2**64),
    "hash_unordered": lambda having: float(hash(tuple(sorted(_whole(having))))),
}
