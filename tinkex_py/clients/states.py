"""What training clients do with the state of their run: save, load and unload it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinkex_py.clients.operation import submission
from tinkex_py.clients.runs import RunOperations
from tinkex_py.endpoints import steps
from tinkex_py.endpoints.models import ModelUnloaded, unload_model
from tinkex_py.errors import InvalidInput
from tinkex_py.plans.effects import Plan, halt, in_turn, wait_for
from tinkex_py.plans.steps import take_state
from tinkex_py.plans.submission import kept
from tinkex_py.types.limits import name_problem, refused
from tinkex_py.types.training import (
    LoadWeightsResponse,
    SaveWeightsExternalResponse,
    SaveWeightsForSamplerResponse,
    SaveWeightsResponse,
)


class StateOperations(RunOperations):
    """A run's weights and optimizer: steps like any other, in the order of their calls."""

    @submission
    def save_state(
        self,
        name: str,
        ttl_seconds: int | None = None,
        overwrite: bool = False,
        user_metadata: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[SaveWeightsResponse]:
        """A checkpoint to go on training from, optimizer included. POST /api/v1/save_weights

        Conflict when the name is taken, unless `overwrite`. The server deletes it after `ttl_seconds`, 3600 at least;
        with None it keeps it.
        """
        step = steps.save_weights(name, ttl_seconds, overwrite=overwrite, user_metadata=user_metadata)
        return self._limited(timeout, "save_state", take_state(self._run, step, lambda saved: saved.path))

    @submission
    def save_weights_for_sampler(
        self,
        name: str,
        ttl_seconds: int | None = None,
        user_metadata: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[SaveWeightsForSamplerResponse]:
        """The weights as they are now, to sample from. POST /api/v1/save_weights_for_sampler

        `create_sampling_client` takes the `path` that it returns. `ttl_seconds` is as for `save_state`.
        """
        step = steps.save_weights_for_sampler(name, ttl_seconds=ttl_seconds, user_metadata=user_metadata)
        return self._take(step, timeout)

    @submission
    def save_weights_external(
        self,
        name: str,
        ttl_seconds: int | None = None,
        age_encryption_recipients: Sequence[str] | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[SaveWeightsExternalResponse]:
        """The adapter as files to use elsewhere, encrypted for up to 10 age recipients if any are given.

        POST /api/v1/save_weights_external; NotFound on servers that don't know it.
        """
        step = steps.save_weights_external(name, ttl_seconds, age_encryption_recipients=age_encryption_recipients)
        found = _recipients_problem(age_encryption_recipients)
        return halt(found) if found else self._take(step, timeout)

    @submission
    def load_state(
        self, path: str, weights_access_token: str | None = None, *, timeout: float | None = None
    ) -> Plan[LoadWeightsResponse]:
        """The weights of a checkpoint, with the optimizer as new. POST /api/v1/load_weights

        `weights_access_token` is for a checkpoint of another account.
        """
        step = steps.load_weights(path, weights_access_token=weights_access_token)
        return self._limited(timeout, step.operation, take_state(self._run, step, lambda _: path))

    @submission
    def load_state_with_optimizer(
        self, path: str, weights_access_token: str | None = None, *, timeout: float | None = None
    ) -> Plan[LoadWeightsResponse]:
        """The weights of a checkpoint and the optimizer as it was. POST /api/v1/load_weights

        `weights_access_token` is for a checkpoint of another account.
        """
        step = steps.load_weights(path, optimizer=True, weights_access_token=weights_access_token)
        return self._limited(timeout, step.operation, take_state(self._run, step, lambda _: path))

    @submission
    def unload_model(self, *, timeout: float | None = None) -> Plan[None]:
        """Let the server forget this model once the steps before are done; saved checkpoints stay.

        POST /api/v1/unload_model; NotFound on servers that unload by themselves.
        """
        return self.context.limited(timeout, "unload_model", self._unload(timeout))

    def _unload(self, timeout: float | None) -> Plan[None]:
        yield from in_turn(self._run.queue, lambda turn: wait_for(turn.ready))
        policy = self.context.policy(timeout)
        request = unload_model(self.model_id)
        _ = yield from kept(request, "UnloadModel", ModelUnloaded, policy, self.context.waiting)


def _recipients_problem(recipients: Sequence[str] | None) -> InvalidInput | None:
    given = [] if recipients is None else list(recipients)
    if len(given) > _RECIPIENTS:
        return refused("age_encryption_recipients", recipients, f"give a list of at most {_RECIPIENTS} recipients")
    named = (name_problem(each, f"age_encryption_recipients[{place}]") for place, each in enumerate(given))
    return next(filter(None, named), None)


_RECIPIENTS = 10
"""How many may be given the key to external weights."""
