"""What the fast transport writes."""

from __future__ import annotations

import pytest

from tinkex_py.runtime.exchange import head_of


def test_a_head_has_a_line_for_each_header() -> None:
    assert head_of("POST", "/a?b=c", {"host": "x", "accept": "y"}) == (
        b"POST /a?b=c HTTP/1.1\r\nhost: x\r\naccept: y\r\n\r\n"
    )


@pytest.mark.parametrize("text", ["a\r\nb: c", "a\nb", "a\rb", "a\0"])
def test_nothing_in_an_address_or_a_header_makes_a_line(text: str) -> None:
    for target, headers in ((f"/{text}", {"host": "x"}), ("/", {"host": text}), ("/", {text: "x"})):
        with pytest.raises(ValueError, match="line break"):
            head_of("GET", target, headers)
