"""Pieces of files as answers give them."""

from __future__ import annotations

import pytest
from returns.result import Failure, Success

from tinkex_py.errors import Undecodable
from tinkex_py.interpret import interpret
from tinkex_py.plans.downloads import UNKNOWN, Piece, Source, piece
from tinkex_py.request import Address, Pairs, Reply

HERE = Address("https://elsewhere/file?signature=secret")


def answer(status: int, said: str | None, body: bytes = b"cd") -> Reply:
    return Reply(status=status, headers=() if said is None else (("content-range", said),), body=body)


ANSWERS = {
    "piece": (answer(206, "bytes 2-3/9"), Piece(2, b"cd", 9)),
    "last piece": (answer(206, "bytes 2-3/4"), Piece(2, b"cd", 4)),
    "unknown size": (answer(206, "bytes 2-3/*"), Piece(2, b"cd", None)),
    "in capitals": (answer(206, "Bytes 2-3/9"), Piece(2, b"cd", 9)),
    "whole file": (answer(200, None), Piece(0, b"cd", 2)),
    "nothing left": (answer(416, "bytes */2"), Piece(2, b"", 2)),
    "nothing left, unsaid": (answer(416, None), Piece(2, b"", 2)),
    "another file": (answer(416, "bytes */1"), Piece(0, b"", 1)),
    "another file, empty": (answer(416, "bytes */0"), Piece(0, b"", 0)),
}


@pytest.mark.parametrize(("reply", "found"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_says_where_its_bytes_belong(reply: Reply, found: Piece) -> None:
    assert interpret(piece("download", HERE, 2), reply) == Success(found)


LAST = {
    "last": (Piece(2, b"cd", 4), True),
    "more": (Piece(2, b"cd", 9), False),
    "unknown": (Piece(2, b"cd", None), False),
}


@pytest.mark.parametrize(("found", "last"), LAST.values(), ids=LAST)
def test_a_piece_that_reaches_the_end_is_the_last(found: Piece, *, last: bool) -> None:
    assert found.last is last


AT_THE_BEGINNING = {
    "empty": (answer(416, "bytes */0"), Piece(0, b"", 0)),
    "withheld": (answer(416, "bytes */100"), Piece(0, b"", 100)),
    "withheld, unsaid": (answer(416, None), Piece(0, b"", None)),
}


@pytest.mark.parametrize(("reply", "found"), AT_THE_BEGINNING.values(), ids=AT_THE_BEGINNING)
def test_nothing_at_the_beginning_is_a_whole_file_only_where_the_answer_says_so(reply: Reply, found: Piece) -> None:
    assert interpret(piece("download", HERE, 0), reply) == Success(found)
    assert found.again is (found.total != 0)


LATER = {
    "bytes": (Piece(2, b"cd", None), False),
    "the end": (Piece(2, b"", 2), False),
    "anew": (Piece(0, b"", 1), True),
}


@pytest.mark.parametrize(("found", "again"), LATER.values(), ids=LATER)
def test_a_file_is_begun_anew_when_nothing_is_where_more_was_expected(found: Piece, *, again: bool) -> None:
    assert found.again is again


BROKEN = {
    "elsewhere": (answer(206, "bytes 7-8/9"), "bytes from 7 on came"),
    "empty": (answer(206, "bytes 2-3/9", b""), "0 bytes came"),
    "nothing of it": (answer(206, "bytes 2-1/9", b""), "0 bytes came"),
    "fewer": (answer(206, "bytes 2-4/9"), "bytes 2 to 4 were announced, and 2 bytes came"),
    "unsaid": (answer(206, None), "no content-range"),
    "of several": (answer(206, "parts 2-3/9"), "no content-range"),
    "without a place": (answer(206, "bytes */9"), "no content-range"),
    "of a file without end": (answer(206, f"bytes 2-3/{'9' * 5000}"), "no content-range"),
    "not yet": (answer(202, None, b"{}"), "status 202"),
    "nothing": (answer(204, None, b""), "status 204"),
}


@pytest.mark.parametrize(("reply", "said"), BROKEN.values(), ids=BROKEN)
def test_bytes_that_were_not_asked_for_are_refused(reply: Reply, said: str) -> None:
    match interpret(piece("download", HERE, 2), reply):
        case Failure(Undecodable(message=message)):
            assert said in message
        case other:
            pytest.fail(str(other))


def test_an_end_that_no_file_has_is_none() -> None:
    reply = answer(416, f"bytes */{'9' * 5000}")
    assert interpret(piece("download", HERE, 0), reply) == Success(Piece(0, b"", None))


def test_a_question_for_a_piece_carries_its_range_and_shows_no_signature() -> None:
    asked = piece("download", HERE, 2, size=3)
    assert dict(asked.headers)["range"] == "bytes=2-4"
    assert "secret" not in f"{asked} {asked.endpoint}"


def tagged(status: int, said: str | None, tag: str, body: bytes = b"cd") -> Reply:
    return Reply(status=status, headers=(*answer(status, said).headers, ("etag", tag)), body=body)


TAG = '"one"'
OF_ANOTHER = {
    "other tag": tagged(206, "bytes 2-3/9", '"two"'),
    "other size": answer(206, "bytes 2-3/8"),
    "other tag, and no more bytes": tagged(416, "bytes */2", '"two"'),
    "refused": answer(412, None),
    "no more bytes, unsaid": answer(416, None),
}


@pytest.mark.parametrize("reply", OF_ANOTHER.values(), ids=OF_ANOTHER)
def test_a_piece_of_another_file_is_not_taken(reply: Reply) -> None:
    assert interpret(piece("download", HERE, 2, Source(TAG, 9)), reply).unwrap().again


def test_all_of_another_file_takes_its_place() -> None:
    reply = tagged(200, None, '"two"', b"abc")
    assert interpret(piece("download", HERE, 2, Source(TAG, 9)), reply) == Success(Piece(0, b"abc", 3, '"two"'))


SAME = {
    "piece": (Source(TAG, 9), tagged(206, "bytes 2-3/9", TAG), Piece(2, b"cd", 9, TAG)),
    "unsaid": (Source(TAG, 9), answer(206, "bytes 2-3/*"), Piece(2, b"cd", None)),
    "not known before": (UNKNOWN, tagged(206, "bytes 2-3/9", TAG), Piece(2, b"cd", 9, TAG)),
    "nothing left": (Source(TAG, 2), answer(416, "bytes */2"), Piece(2, b"", 2)),
    "nothing left, unsaid": (Source(TAG, 2), tagged(416, None, TAG), Piece(2, b"", 2)),
}


@pytest.mark.parametrize(("source", "reply", "found"), SAME.values(), ids=SAME)
def test_a_piece_of_the_same_file_goes_on(source: Source, reply: Reply, found: Piece) -> None:
    assert interpret(piece("download", HERE, 2, source), reply) == Success(found)


DAY, LATER_ON = "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:01 GMT"
VALIDATORS: dict[str, tuple[Pairs, str | None]] = {
    "tag": ((("etag", TAG),), TAG),
    "tag and date": ((("etag", TAG), ("last-modified", DAY), ("date", LATER_ON)), TAG),
    "weak tag": ((("etag", "W/" + TAG), ("last-modified", DAY), ("date", LATER_ON)), None),
    "tag that would end a header": ((("etag", '"a\r\nx: b"'),), None),
    "date": ((("last-modified", DAY), ("date", LATER_ON)), DAY),
    "date of now": ((("last-modified", DAY), ("date", DAY)), None),
    "date of nobody knows when": ((("last-modified", DAY),), None),
    "odd date": ((("last-modified", DAY + " (\xe9)"), ("date", LATER_ON)), None),
    "nothing": ((), None),
}


@pytest.mark.parametrize(("headers", "validator"), VALIDATORS.values(), ids=VALIDATORS)
def test_what_tells_a_file_from_another_is_its_tag_or_a_date_that_is_past(
    headers: Pairs, validator: str | None
) -> None:
    reply = Reply(status=206, headers=(*headers, ("content-range", "bytes 0-1/9")), body=b"ab")
    assert interpret(piece("download", HERE, 0), reply).unwrap().source == Source(validator, 9)


@pytest.mark.parametrize(("validator", "unless"), [(TAG, "if-match"), (DAY, "if-unmodified-since")])
def test_a_question_for_more_asks_for_the_same_file(validator: str, unless: str) -> None:
    more = dict(piece("download", HERE, 2, Source(validator, 9)).headers)
    assert (more["if-range"], more[unless]) == (validator, validator)
    for unconditional in (piece("download", HERE, 2, Source(None, 9)), piece("download", HERE, 0, Source(TAG, 9))):
        assert set(dict(unconditional.headers)) == {"range", "accept-encoding"}
