"""Texts to train on: files of the user's own as training examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path

import msgspec
from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import FileFailed
from tinkex_py.outcome import Outcome, collect
from tinkex_py.types import Datum, ModelInput
from tinkex_py.types.files import failed, reason
from tinkex_py.types.tokenizing import Tokenizer


class Passage(Struct, frozen=True):
    """A text to learn: the loss is taken of `completion`, given `prompt`."""

    prompt: str
    completion: str


class _Line(Struct, frozen=True):
    text: str | None = None
    prompt: str | None = None
    completion: str | None = None


def read_passages(path: Path) -> Outcome[tuple[Passage, ...], FileFailed]:
    """The passages of a file: one of a text, one a line of JSONL (`{"text"}`, or `{"prompt", "completion"}`)."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        return Failure(failed(path, f"can't be read: {reason(error)}"))
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        message = f"{path}, line {number}: {error.reason} ({error.object[error.start]:#04x}); give a text in UTF-8"
        return Failure(FileFailed(message=message, path=str(path), line=number))
    if not text.strip():
        return Failure(failed(path, "is empty; give a text to learn"))
    if not _has_lines(path):
        return Success((Passage("", text),))
    # Only a newline ends a line of JSONL: a string may hold other separators as they are.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return collect(_passage(path, number, line) for number, line in lines)


def is_misnamed(path: Path, passages: Sequence[Passage]) -> bool:
    """Whether what was read as one text begins with a line that is a passage of JSONL."""
    first = passages[0].completion.partition("\n")[0]
    return not _has_lines(path) and first.startswith("{") and isinstance(_passage(path, 1, first), Success)


def examples(passages: Sequence[Passage], tokenizer: Tokenizer, length: int) -> tuple[Datum, ...]:
    """Training examples of at most `length` tokens each.

    A text gives one for each of its lines: the window that begins there, with the text going round as a ring, so that
    every line is learned with and without what stands before it. A line longer than a window gives one for every
    `length` tokens, and so does a completion: no token is left out.
    """
    return tuple(
        datum
        for passage in passages
        for datum in (_parts(passage, tokenizer, length) if passage.prompt else _ring(passage, tokenizer, length))
    )


def _ring(passage: Passage, tokenizer: Tokenizer, length: int) -> Iterator[Datum]:
    lines = [list(tokenizer.encode(line)) for line in passage.completion.splitlines(keepends=True)]
    tokens = list(chain.from_iterable(lines))
    size = min(length, len(tokens) - 1)
    around = tokens + tokens[: size + 1]
    begins = accumulate(map(len, lines), initial=0)
    starts = [begin + at for begin, line in zip(begins, lines, strict=False) for at in range(0, len(line), length)]
    for start in starts if size > 0 else ():
        window = around[start : start + size + 1]
        yield Datum(ModelInput.from_ints(window[:-1]), {"target_tokens": window[1:], "weights": [1.0] * size})


def _parts(passage: Passage, tokenizer: Tokenizer, length: int) -> Iterator[Datum]:
    prompt = list(tokenizer.encode(passage.prompt))
    tokens = prompt + list(tokenizer.encode(passage.completion))
    for start in range(0, len(tokens) - 1, length):
        window = tokens[start : start + length + 1]
        weights = [float(start + index >= len(prompt)) for index in range(1, len(window))]
        if any(weights):
            yield Datum(ModelInput.from_ints(window[:-1]), {"target_tokens": window[1:], "weights": weights})


def _has_lines(path: Path) -> bool:
    """Whether it is JSONL, by its name."""
    return path.suffix.lower() in {".jsonl", ".ndjson"}


def _passage(path: Path, number: int, line: str) -> Outcome[Passage, FileFailed]:
    try:
        match msgspec.json.decode(line, type=_Line):
            case _Line(text=str(text)):
                return Success(Passage("", text))
            case _Line(prompt=str(prompt), completion=str(completion)):
                return Success(Passage(prompt, completion))
            case _:
                reason = 'it has neither "text" nor "prompt" and "completion"'
    except msgspec.DecodeError as error:
        reason = "it has half of a character (\\ud800 and the like stand in pairs)" if _is_halved(line) else str(error)
    except RecursionError:
        reason = "it is nested too deep"
    return Failure(FileFailed(message=f"{path}, line {number}: {reason}; mend that line", path=str(path), line=number))


def _is_halved(line: str) -> bool:
    """Whether it is JSON but for an escape that is half of a character."""
    try:
        _ = json.dumps(json.loads(line), ensure_ascii=False).encode()
    except ValueError as error:
        return isinstance(error, UnicodeEncodeError)
    return False
