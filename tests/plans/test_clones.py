"""A clone counts within a block of numbers of its own."""

from __future__ import annotations

from returns.result import Success

from tests.plans.scripted import Script, reply
from tinkex_py import Config
from tinkex_py.plans.clones import BLOCK, clone_number
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.startup import Startup
from tinkex_py.types.service import ClientConfigResponse

POLICY = Policy(seconds=10)


def startup(*, joining: bool) -> Startup:
    known = ClientConfigResponse(sample_join_sampling_session=joining)
    return Startup(config=Config(base_url="http://server.test"), known=known)


def test_the_server_counts_clones_where_it_wants_to() -> None:
    script = Script(reply(404), reply(200, {"client_counter": 3}))
    assert script.run(clone_number(startup(joining=True), "q", POLICY)) == Success(3)
    assert script.sent[-1][0].operation == "join_sampling_session"


def test_else_chance_does() -> None:
    for bits, number in ((0, 1), (BLOCK - 1, BLOCK), (BLOCK, 1), (2 * BLOCK + 41, 42)):
        script = Script(reply(404))
        assert script.run(clone_number(startup(joining=False), "q", POLICY), lambda bits=bits: bits) == Success(number)  # type: ignore[misc]
