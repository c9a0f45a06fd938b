"""Samplers that go on with a sampling session elsewhere, each with a block of numbers of its own. Pure."""

from __future__ import annotations

from tinkex_py.endpoints.sampling import join_sampling_session
from tinkex_py.plans.effects import Plan, random_bits
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.startup import Startup, flags

BLOCK = 10**9
"""How many numbers each clone has; clone n begins at n times this."""


def clone_number(startup: Startup, sampling_session_id: str, policy: Policy) -> Plan[int]:
    """The clone's number, from 1: the server's count where it keeps one, else by chance.

    POST /api/v1/join_sampling_session
    """
    if (yield from flags(startup)).sample_join_sampling_session:
        return (yield from call(join_sampling_session(sampling_session_id), policy)).client_counter
    return (yield from random_bits()) % BLOCK + 1
