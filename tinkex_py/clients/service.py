"""The service client: where every program begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike, fspath
from types import TracebackType
from typing import Generic, Self, TypeVar

import httpx
from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Asynchronous, Blocking, Client, operation
from tinkex_py.clients.sampling import AsyncSamplingClient, SamplingClient, sampler_of
from tinkex_py.clients.training import AsyncTrainingClient, TrainingClient
from tinkex_py.config import LOCAL_SCHEME, Config
from tinkex_py.endpoints.models import ModelCreated, create_model, get_info, weights_info
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.endpoints.steps import load_weights
from tinkex_py.errors import InvalidInput, TinkerError
from tinkex_py.plans.effects import Plan, halt, require
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.sessions import session_id
from tinkex_py.plans.steps import Run, take
from tinkex_py.plans.submission import fulfilled
from tinkex_py.request import Request
from tinkex_py.runtime.observing import Observer
from tinkex_py.runtime.opening import from_environment, open_runtime
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.service import GetServerCapabilitiesResponse
from tinkex_py.types.training import LoraConfig

T = TypeVar("T")
TrainingT = TypeVar("TrainingT", bound=Client)
SamplingT = TypeVar("SamplingT", bound=Client)


class ServiceOperations(Client, Generic[TrainingT, SamplingT]):
    """What both service clients can do; the companions are the clients they make."""

    _training: Callable[[Context, Run], TrainingT]
