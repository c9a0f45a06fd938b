"""Copying a checkpoint from one project to another. Pure."""

from __future__ import annotations

from tinkex_py.endpoints.checkpoints import copy_weights
from tinkex_py.errors import InvalidInput
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.retry import Policy, call


def copied(
    path: str, project_id: str | None, ttl_seconds: int | None, access_token: str | None, policy: Policy
) -> Plan[str]:
    """The path of the copy; it is made once, however often it has to be asked for."""
    if project_id is None:
        return (yield from halt(_NOWHERE))
    request = copy_weights(path, project_id, ttl_seconds=ttl_seconds, weights_access_token=access_token)
    return (yield from call(request, policy)).tinker_path


_NOWHERE = InvalidInput(
    message="destination_project_id is None: give the project to copy to, or set TINKER_PROJECT_ID",
    path="destination_project_id",
    value="None",
)
