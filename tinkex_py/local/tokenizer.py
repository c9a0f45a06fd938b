"""The byte tokenizer of the embedded base models. Needs only the standard library.

Token ids 0 to 255 are the bytes of UTF-8; three special tokens follow. Text that spells a special token encodes to it,
as Hugging Face tokenizers do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SPECIALS = ("<|bos|>", "<|eos|>", "<|pad|>")
BOS, EOS, PAD = range(256, 259)
VOCABULARY = 259

_SPECIAL_IDS = dict(zip(SPECIALS, (BOS, EOS, PAD), strict=True))
_SPECIAL_PATTERN = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")


def encode(text: str) -> tuple[int, ...]:
    """Return the tokens of `text`, without BOS or EOS; a lone surrogate becomes a question mark."""
    tokens: list[int] = []
    for part in _SPECIAL_PATTERN.split(text):
        tokens.extend((_SPECIAL_IDS[part],) if part in _SPECIAL_IDS else part.encode("utf-8", "replace"))
    return tuple(tokens)


def decode(tokens: Iterable[int], *, skip_special_tokens: bool = False) -> str:
    """Return the text of `tokens`; bytes that are not UTF-8 become U+FFFD, ids outside the vocabulary nothing."""
    pieces = (_piece(token, skip_special_tokens=skip_special_tokens) for token in tokens)
    return b"".join(pieces).decode("utf-8", "replace")


def _piece(token: int, *, skip_special_tokens: bool) -> bytes:
    if 0 <= token < BOS:
        return bytes((token,))
    if BOS <= token < VOCABULARY and not skip_special_tokens:
        return SPECIALS[token - BOS].encode()
    return b""
