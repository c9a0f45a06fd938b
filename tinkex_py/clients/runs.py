"""What training clients know of their run: its name, what the server says of it, and its tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from returns.result import Failure, Success
from typing_extensions import override

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Client, operation
from tinkex_py.clients.sampling import loaded_tokenizer
from tinkex_py.endpoints import steps
from tinkex_py.endpoints.models import get_info
from tinkex_py.errors import CallbackFailed, OutOfSequence
from tinkex_py.plans.effects import Plan, compute, halt
from tinkex_py.plans.retry import call
from tinkex_py.plans.runs import Run, entangled
from tinkex_py.plans.steps import take
from tinkex_py.types.console import training_run_url
from tinkex_py.types.tokenizing import Tokenizer
from tinkex_py.types.training import GetInfoResponse

T = TypeVar("T")


class RunOperations(Client):
    """A run, and what there is to know of it. Steps go out in the order of their calls, from any thread or task."""

    def __init__(self, context: Context, run: Run) -> None:
        super().__init__(context)
        self._run = run
        self._info: GetInfoResponse | None = None

    @override
    def operating(self, plan: Plan[T]) -> Plan[T]:
        """Nothing, in a process that was forked off: the run goes on in the parent."""
        return plan if self.generation == self.context.generation else halt(_left(self._run))

    @override
    def submitting(self, plan: Plan[T]) -> Plan[T]:
        """As `operating`, while the session lasts, and not in the middle of another step."""
        found = entangled(self._run.model_id)
        return halt(found) if found else super().submitting(self.operating(plan))

    @property
    @override
    def _about(self) -> str:
        return f"of {self._run.model_id}"

    @property
    def model_id(self) -> str:
        """The server's name for this model, which is also its training run's."""
        return self._run.model_id

    @override
    def get_console_url(self) -> str:
        """Where a person sees this training run."""
        return training_run_url(self._run.model_id)

    @operation
    def get_info(self, *, timeout: float | None = None) -> Plan[GetInfoResponse]:
        """What the server says of this model. POST /api/v1/get_info, once"""
        return self._known_info(timeout)

    @operation
    def encode(self, text: str, *, timeout: float | None = None) -> Plan[list[int]]:
        """The tokens `[T]` of a text in the base model's tokenizer; ExtraMissing when its package isn't installed."""
        return self._with_tokenizer(lambda tokenizer: list(tokenizer.encode(text)), timeout)

    @operation
    def decode(self, tokens: Sequence[int], *, timeout: float | None = None) -> Plan[str]:
        """The text of tokens `[T]` in the base model's tokenizer; ExtraMissing when its package isn't installed."""
        return self._with_tokenizer(lambda tokenizer: tokenizer.decode(tokens), timeout)

    @operation
    def get_tokenizer(self, *, timeout: float | None = None) -> Plan[Tokenizer]:
        """The tokenizer of the base model; ExtraMissing when its package isn't installed."""
        return self._tokenizer(timeout)

    def _take(self, step: steps.Step[T], timeout: float | None) -> Plan[T]:
        return self._limited(timeout, step.operation, take(self._run, step))

    def _limited(self, timeout: float | None, operation: str, plan: Plan[T]) -> Plan[T]:
        """What changes the run, within the caller's own time limit, if there is one."""
        return self.context.limited(timeout, operation, plan, _SETTLED)

    def _known_info(self, timeout: float | None) -> Plan[GetInfoResponse]:
        if self._info is None:
            self._info = yield from call(get_info(self.model_id), self.context.policy(timeout))
        return self._info

    def _with_tokenizer(self, use: Callable[[Tokenizer], T], timeout: float | None) -> Plan[T]:
        tokenizer = yield from self._tokenizer(timeout)
        match (yield from compute(lambda: use(tokenizer))):
            case Success(value):
                return value
            case Failure(reason):
                message = f"the tokenizer of {self.model_id} can't do that: {reason}"
                return (yield from halt(CallbackFailed(message=message, callback="tokenizer", reason=reason)))

    def _tokenizer(self, timeout: float | None) -> Plan[Tokenizer]:
        info = yield from self._known_info(timeout)
        model = info.model_data.model_name or info.model_name or ""
        return (yield from loaded_tokenizer(model, info.model_data.tokenizer_id))


def _left(run: Run) -> OutOfSequence:
    checkpoint = run.saved()
    way_on = (
        f"make one of {checkpoint} with create_training_client_from_state_with_optimizer"
        if checkpoint
        else "make a new training client"
    )
    return OutOfSequence(
        message=f"{run.model_id} is trained by the process that this one was forked from, and one run has one trainer; "
        f"{way_on}",
        checkpoint=checkpoint,
    )


_SETTLED = "it may be done all the same, so don't submit it again; result(timeout=) ends the waiting only"
