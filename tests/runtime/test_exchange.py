"""What the fast transport writes, and that an answer may come while it still does."""

from __future__ import annotations

import asyncio

import pytest

from tests.runtime.test_sockets import KEY, LARGE, deaf
from tinkex_py import Config
from tinkex_py.request import Reply
from tinkex_py.runtime.exchange import head_of
from tinkex_py.runtime.fast import FastCarrier
from tinkex_py.runtime.http import HttpTransport


def test_a_large_body_may_be_refused_before_it_has_left() -> None:
    """Its connection, on which the rest of the body would follow, is not used again."""

    async def twice() -> tuple[list[object], int]:
        async with deaf(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n") as (address, heads):
            config = Config(base_url=address, api_key=KEY, pool_sizes={"training": 1})
            transport = HttpTransport(config, FastCarrier(config))
            try:
                return [await transport.exchange(LARGE, ()) for _ in range(2)], len(heads)
            finally:
                await transport.close()

    found, connections = asyncio.run(twice())
    assert [each.status for each in found if isinstance(each, Reply)] == [413, 413]
    assert connections == 2


def test_a_head_has_a_line_for_each_header() -> None:
    assert head_of("POST", "/a?b=c", {"host": "x", "accept": "y"}) == (
        b"POST /a?b=c HTTP/1.1\r\nhost: x\r\naccept: y\r\n\r\n"
    )


@pytest.mark.parametrize("text", ["a\r\nb: c", "a\nb", "a\rb", "a\0"])
def test_nothing_in_an_address_or_a_header_makes_a_line(text: str) -> None:
    for target, headers in ((f"/{text}", {"host": "x"}), ("/", {"host": text}), ("/", {text: "x"})):
        with pytest.raises(ValueError, match="line break"):
            head_of("GET", target, headers)
