"""Files as training examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinkex_py import Datum, Failure, or_raise
from tinkex_py.cli.texts import Passage, examples, is_misnamed, read_passages
from tinkex_py.types.tokenizing import Tokenizer

BYTES = Tokenizer("bytes", lambda text: tuple(text.encode()), lambda tokens: bytes(tokens).decode())


def learned(data: tuple[Datum, ...]) -> list[str]:
    """The tokens with weight of each example, as text."""
    pairs = [(one.loss_fn_inputs["target_tokens"].data, one.loss_fn_inputs["weights"].data) for one in data]
    return ["".join(chr(int(token)) for token, weight in zip(*pair, strict=True) if weight) for pair in pairs]


def written(folder: Path, content: bytes, name: str = "file.jsonl") -> Path:
    file = folder / name
    _ = file.write_bytes(content)
    return file


def test_each_line_of_a_text_begins_an_example() -> None:
    assert learned(examples([Passage("", "one\ntwo\n")], BYTES, 4)) == ["ne\nt", "wo\no"]


def test_every_token_of_a_long_line_is_learned() -> None:
    text = "".join(map(chr, range(33, 127)))
    assert set("".join(learned(examples([Passage("", text)], BYTES, 8)))) == set(text)


def test_only_the_completion_is_learned() -> None:
    assert learned(examples([Passage("1+1=", "2.")], BYTES, 128)) == ["2."]


def test_a_long_completion_is_learned_once_and_whole() -> None:
    assert "".join(learned(examples([Passage("ab", "cdefghijk")], BYTES, 3))) == "cdefghijk"


JSONL = {
    "text": (b'{"text": "a"}\n', Passage("", "a")),
    "completion": (b'{"prompt": "a", "completion": "b"}\r\n\r\n', Passage("a", "b")),
    "byte order mark": (b'\xef\xbb\xbf{"text": "a"}', Passage("", "a")),
    "line separator in a string": ('{"text": "a\u2028b"}'.encode(), Passage("", "a\u2028b")),
}


@pytest.mark.parametrize(("content", "passage"), JSONL.values(), ids=JSONL)
def test_a_line_of_jsonl_is_a_passage(tmp_path: Path, content: bytes, passage: Passage) -> None:
    assert or_raise(read_passages(written(tmp_path, content))) == (passage,)


NAMED = {
    "a.json": b'{"text": "a"}\n{"text": "b"}\n',
    "a.txt": b"a text\n",
    "a.jsonl": b'{"text": "{\\"text\\": \\"a\\"}"}\n',
}


@pytest.mark.parametrize(("name", "content"), NAMED.items(), ids=NAMED)
def test_jsonl_under_another_name_is_seen(tmp_path: Path, name: str, content: bytes) -> None:
    file = written(tmp_path, content, name)
    assert is_misnamed(file, or_raise(read_passages(file))) is (name == "a.json")


def test_bytes_that_are_no_text_are_named_by_their_line(tmp_path: Path) -> None:
    match read_passages(written(tmp_path, b"fine\nbad \xff\n", "file.txt")):
        case Failure(error):
            assert (error.line, "0xff" in error.message) == (2, True)
        case _:
            pytest.fail("it was read")


@pytest.mark.parametrize("text", [r"\ud800", r"\ud800 a", r"a\udc00"])
def test_half_of_a_character_is_named_by_its_line(tmp_path: Path, text: str) -> None:
    error = read_passages(written(tmp_path, b'{"text": "a"}\n{"text": "%s"}\n' % text.encode())).failure()
    assert (error.line, "half of a character" in error.message) == (2, True)


def test_half_of_a_line_is_named_as_such(tmp_path: Path) -> None:
    error = read_passages(written(tmp_path, b'{"text": "a')).failure()
    assert (error.line, "truncated" in error.message) == (1, True)
