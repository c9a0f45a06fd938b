"""Models in training: new ones, and ones that go on from a checkpoint. Pure.

Going on takes three requests that every server knows: what the checkpoint was trained on, a new model like that, and
its weights. A server that can't say what a checkpoint was trained on is asked by the one request of later releases,
which makes the model and loads it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.endpoints.models import ModelCreated, create_model, load_model, weights_info
from tinkex_py.errors import Forbidden, InvalidInput, NotFound, TinkerError, UnexpectedStatus
from tinkex_py.plans.effects import Plan, attempt, halt
from tinkex_py.plans.polling import Waiting
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.sessions import SessionState, session_id, while_it_lasts
from tinkex_py.plans.submission import fulfilled
from tinkex_py.request import secret
from tinkex_py.types.limits import name_problem
from tinkex_py.types.training import (
    AdamOptimizerConfig,
    DimuonOptimizerConfig,
    LoadWeightsResponse,
    LoraConfig,
    OptimizerConfig,
    OptimizerInfo,
    OtherOptimizer,
    WeightsInfoResponse,
)
from tinkex_py.types.validation import problem
from tinkex_py.wire.replies import is_bare


class Origin(Struct, frozen=True, kw_only=True):
    """The checkpoint that a model goes on from, and what to do differently."""

    path: str
    restore_optimizer: bool = False
    base_model: str | None = None
    weights_access_token: str | None = None

    def __post_init__(self) -> None:
        structs.force_setattr(self, "weights_access_token", secret(self.weights_access_token))

    def problem(self) -> InvalidInput | None:
        """What is wrong with it, found before anything is sent."""
        named = (("base_model", self.base_model), ("weights_access_token", self.weights_access_token))
        given = (name_problem(text, name) for name, text in named if text is not None)
        return name_problem(self.path, "path") or next(filter(None, given), None)


class Making(Struct, frozen=True, kw_only=True):
    """What every way to make a model needs."""

    session: SessionState
    waiting: Waiting
    policy: Policy
    user_metadata: Mapping[str, str] | None = None
    optimizer: OptimizerConfig | None = None


def creation_problem(making: Making, base_model: str, lora: LoraConfig) -> InvalidInput | None:
    """What is wrong with what a new model is to be, found before anything is sent."""
    return name_problem(base_model, "base_model") or problem(lora, "lora_config") or _optimizer_problem(making)


def created(making: Making, base_model: str, lora: LoraConfig) -> Plan[str]:
    """The id of a new model."""
    found = creation_problem(making, base_model, lora)
    if found is not None:
        return (yield from halt(found))
    session = yield from session_id(making.session)
    request = create_model(
        session_id=session,
        model_seq_id=making.session.next_model(),
        base_model=base_model,
        lora_config=lora,
        user_metadata=making.user_metadata,
        optimizer=making.optimizer,
    )
    making_it = fulfilled(request, "CreateModel", ModelCreated, making.policy, making.waiting, fresh=True)
    made = yield from while_it_lasts(making.session, request, making_it)
    return made.model_id


def described(making: Making, origin: Origin) -> Plan[WeightsInfoResponse | None]:
    """What a checkpoint was trained on; None when the server can't say, but may load it all the same."""
    found = origin.problem() or _optimizer_problem(making)
    if found is not None:
        return (yield from halt(found))
    match (yield from attempt(call(weights_info(origin.path), making.policy))):
        case Success(info):
            return info
        case Failure(error) if _cannot_say(error, origin):
            return None
        case Failure(error):
            return (yield from halt(error))


def loaded(making: Making, origin: Origin) -> Plan[str]:
    """The id of a model made by loading a checkpoint: one request. POST /api/v1/load_weights"""
    found = origin.problem() or _optimizer_problem(making)
    if found is not None:
        return (yield from halt(found))
    session = yield from session_id(making.session)
    number = making.session.next_model()
    request = load_model(
        session_id=session,
        model_seq_id=number,
        path=origin.path,
        restore_optimizer=origin.restore_optimizer,
        base_model=origin.base_model,
        user_metadata=making.user_metadata,
        optimizer=making.optimizer,
        weights_access_token=origin.weights_access_token,
    )
    loading = fulfilled(request, "LoadWeights", LoadWeightsResponse, making.policy, making.waiting, fresh=True)
    made = yield from while_it_lasts(making.session, request, loading)
    return made.model_id or f"{session}:train:{number}"


def like(info: WeightsInfoResponse) -> LoraConfig:
    """An adapter that can hold a checkpoint's weights."""
    return LoraConfig(
        rank=info.lora_rank or LoraConfig().rank,
        train_mlp=info.train_mlp is not False,
        train_attn=info.train_attn is not False,
        train_unembed=info.train_unembed is not False,
    )


def optimizer_of(info: WeightsInfoResponse) -> OptimizerConfig | None:
    """The optimizer that a checkpoint was trained with, where it isn't Adam."""
    match info.optimizer_config:
        case None | OptimizerInfo(type="adamw"):
            return None
        case OptimizerInfo(type="dimuon", version=version):
            return DimuonOptimizerConfig(version=version or 1)
        case other:
            return OtherOptimizer(other.type, {} if other.version is None else {"version": other.version})


def _optimizer_problem(making: Making) -> InvalidInput | None:
    plain = making.optimizer is None or isinstance(making.optimizer, AdamOptimizerConfig)
    return None if plain else problem(making.optimizer, "optimizer")


def _cannot_say(error: TinkerError, origin: Origin) -> bool:
    """A route that isn't there, or a checkpoint of another account that is only opened by its token."""
    match error:
        case NotFound(detail=detail):
            return origin.weights_access_token is not None or is_bare(detail)
        case Forbidden():
            return origin.weights_access_token is not None
        case UnexpectedStatus(status=405):
            return True
        case _:
            return False
