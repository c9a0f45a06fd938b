"""A model in training as this client sees it: numbers given and free, and what is in doubt. Pure."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from typing import TypeAlias, TypeVar

from msgspec import Struct, field, structs

from tinkex_py.errors import InvalidInput, OutOfSequence, RequestCause, TinkerError
from tinkex_py.plans.cells import Gate, Queue
from tinkex_py.plans.chunks import Limits
from tinkex_py.plans.dialects import Dialects
from tinkex_py.plans.effects import Plan, pure
from tinkex_py.plans.polling import Waiting

T = TypeVar("T")

LimitsOf: TypeAlias = "Callable[[], Plan[Limits]]"


def by_default() -> Plan[Limits]:
    """The limits of a server that says nothing of them."""
    return pure(Limits())


def inside(model_id: str, loss: Callable[[], T]) -> T:
    """Call a caller's loss in the middle of a step of that model, where no other step of it can be waited for."""
    token = _INSIDE.set(model_id)
    try:
        return loss()
    finally:
        _INSIDE.reset(token)


def entangled(model_id: str) -> InvalidInput | None:
    """Why a step of the model would wait for the loss that asks for it, if one does."""
    if _INSIDE.get() != model_id:
        return None
    return InvalidInput(
        message=f"a loss asks for another step of {model_id} before its own is over, so they would wait for each "
        "other; ask for it before or after forward_backward_custom, or of another training client",
        path="loss_fn",
    )


class Part(Struct, kw_only=True, eq=False):
    """How much of a batch the server has taken: the numbers of its chunks, of which there are `count`."""

    count: int
    gradients: bool
    numbers: list[int] = field(default_factory=list[int])

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return len(self.numbers) == self.count


class Run(Struct, kw_only=True):
    """Whose turn it is, which number comes next, and what is in doubt."""

    model_id: str
    queue: Queue
    waiting: Waiting
    dialects: Dialects
    limits: LimitsOf = by_default
    in_flight: Gate = field(default_factory=lambda: Gate(50_000_000))
    """Room for bytes that are on their way to the server."""
    ahead: Gate = field(default_factory=lambda: Gate(50_000_000))
    """Room for the bytes of batches that are encoded and wait for their turn."""
    submitting: Gate = field(default_factory=lambda: Gate(1))
    """One submission at a time, even if whoever waited for it is gone."""
    base_model: str | None = None
    next_number: int = 1
    freed: set[int] = field(default_factory=set[int])
    """Numbers that the server refused, so that they may be given again."""
    failed: set[int] = field(default_factory=set[int])
    """Accepted numbers whose work failed or wasn't waited for, with no success since: some servers want them again."""
    uncertain: set[int] = field(default_factory=set[int])
    """Numbers whose last answer left open whether the server took them."""
    parts: list[Part] = field(default_factory=list[Part])
    """Batches that have some of their gradients on the server, but not all."""
    read: bool = False
    """Whether the server has taken a batch."""
    stepped: int = 0
    doubt: OutOfSequence | None = None
    """Why no further step of this run is safe, if that is so."""
    checkpoint: str | None = None
    """Where the run began from."""
    states: dict[int, str] = field(default_factory=dict[int, str])
    """The paths of states that were saved or loaded since, by the number of the step."""
    promised: dict[str, int] = field(default_factory=dict[str, int])
    """The numbers that the latest promises were made for."""

    def number(self) -> int:
        """The number for the next step: the lowest that is free."""
        return min(self.freed, default=self.next_number)

    def accept(self, number: int) -> None:
        """The server took a step under that number."""
        self.freed.discard(number)
        self.next_number = max(self.next_number, number + 1)

    def refuse(self, number: int) -> None:
        """The server refused a step under that number, which is free again."""
        self.freed.add(number)
        self.next_number = max(self.next_number, number + 1)

    def remember(self, number: int, path: str) -> None:
        """The step of that number saved the state at the path, or loaded it; results may come in another order."""
        self.states[number] = path
        if len(self.states) > _SAVED:
            del self.states[min(self.states)]

    def saved(self, number: float = inf) -> str | None:
        """The last state that is known from before the step of that number, so without any doubt about it.

        A path under which the run saved once more after that step holds another state by now.
        """
        later = {path for each, path in self.states.items() if each > number}
        before = (each for each, path in self.states.items() if each < number and path not in later)
        return self.states.get(max(before, default=0), self.checkpoint)

    def promise(self, request_id: str, number: int) -> int:
        """The number that the server made this promise for: that one, or an earlier one."""
        first = self.promised.setdefault(request_id, number)
        if len(self.promised) > _REMEMBERED:
            del self.promised[next(iter(self.promised))]
        return first

    def succeeded(self, number: int) -> None:
        """The step's work was done, so the server waits for none before it; results may come in another order."""
        self.failed = {each for each in self.failed if each > number}

    def go_back(self, number: int, last: int) -> None:
        """The server waits for a number whose work failed, and refused all up to `last`: that is the next again.

        Nothing changes while later steps are on their way, which will end the same.
        """
        if self.next_number == last + 1:
            self.next_number = number

    @property
    def partial(self) -> tuple[int, ...]:
        """The numbers of chunks whose gradients are on the server while the rest of their batch is missing."""
        return tuple(sorted(number for part in self.parts for number in part.numbers))

    def in_doubt(self, operation: str, why: str, number: int | None = None) -> OutOfSequence:
        """From here on no step of this run can be known to be safe."""
        step = self.next_number - 1 if number is None else number
        checkpoint = self.saved(step)
        way_on = (
            f"go on from {checkpoint} with create_training_client_from_state_with_optimizer"
            if checkpoint
            else "make a new training client; no checkpoint of this run is known from before it"
        )
        self.doubt = OutOfSequence(
            message=f"{operation} (step {step} of {self.model_id}) is in doubt: {why}; {way_on}",
            step=step,
            taken=self.partial,
            checkpoint=checkpoint,
        )
        return self.doubt

    def partly(self, operation: str, part: Part, error: TinkerError) -> TinkerError:
        """What a failed chunk means for its batch: the error itself when nothing of it was left behind."""
        taken = tuple(sorted(part.numbers))
        if not (part.gradients and taken):
            return error
        if isinstance(error, OutOfSequence):
            return structs.replace(error, taken=taken)
        way_on = "an optim_step has used them since" if self.stepped > taken[-1] else self._way_on(taken[0])
        found = OutOfSequence(
            message=f"{operation}: {len(taken)} of {part.count} chunks were taken (steps "
            f"{', '.join(map(str, taken))}), another failed: {error.message}; {way_on}",
            taken=taken,
            checkpoint=self.saved(taken[0]),
        )
        return told_by(error, found)

    def unstepped(self) -> OutOfSequence:
        """Why an optimizer step would be one on part of a batch."""
        return OutOfSequence(
            message=f"optim_step: the gradients of {self.model_id} hold part of a batch (steps "
            f"{', '.join(map(str, self.partial))} were taken, the rest was not); {self._way_on(self.partial[0])}",
            step=self.number(),
            taken=self.partial,
            checkpoint=self.saved(self.partial[0]),
        )

    def enter(self, part: Part | None, number: int) -> None:
        """The server took a chunk of a batch: until it has the last one, it has the gradients of a part."""
        if part is not None:
            self.read = True
            part.numbers.append(number)
            self.leave_behind(part)

    def leave_behind(self, part: Part) -> None:
        """Remember a batch that leaves gradients as long as it is not whole."""
        if part.gradients:
            kept = [other for other in self.parts if other is not part]
            self.parts = kept if part.whole else [*kept, part]

    def _way_on(self, number: int) -> str:
        checkpoint = self.saved(number)
        afresh = f", or go on from {checkpoint}" if checkpoint else ""
        return f"step on what there is with optim_step(..., accept_partial=True){afresh}"


def told_by(error: TinkerError, found: OutOfSequence) -> OutOfSequence:
    """What was found, with the facts of the request that told it."""
    facts = {name: getattr(error, name) for name in _FACTS} if isinstance(error, RequestCause) else {}
    return structs.replace(found, **facts)


_INSIDE: ContextVar[str] = ContextVar("tinkex_inside", default="")
"""The model whose loss is being computed on this thread."""
_REMEMBERED = 1_000
_SAVED = 100
_FACTS = ("request_id", "endpoint", "attempts", "elapsed")
