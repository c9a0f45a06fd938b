"""The byte tokenizer of the embedded base models, and its files for other libraries. Needs only the standard library.

Token ids 0 to 255 are the bytes of UTF-8; three special tokens follow. Text that spells a special token encodes to it,
as Hugging Face tokenizers do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

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


def _visible_bytes() -> dict[str, int]:
    """The alphabet of byte-level BPE: printable Latin-1 bytes stand for themselves, the others from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + place): byte for place, byte in enumerate(others)}


def tokenizer_json() -> Mapping[str, object]:
    """The tokenizer as the `tokenizers` package describes it: byte-level BPE with no merges."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    added = [
        {"id": token, "content": name, "special": True, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for name, token in _SPECIAL_IDS.items()
    ]
    merges: tuple[str, ...] = ()
    vocabulary = dict(sorted(_visible_bytes().items(), key=lambda item: item[1]))
    model = {"type": "BPE", "vocab": vocabulary, "merges": merges}
    pipeline = {"normalizer": None, "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **pipeline, "model": model}


def tokenizer_config_json(context: int = 2048) -> Mapping[str, object]:
    """What `transformers` reads beside tokenizer.json to build a PreTrainedTokenizerFast."""
    names = dict(zip(("bos_token", "eos_token", "pad_token"), SPECIALS, strict=True))
    settings = {"model_max_length": context, "clean_up_tokenization_spaces": False}
    return {"tokenizer_class": "PreTrainedTokenizerFast", **names, **settings}


def write_tokenizer(folder: Path) -> Path:
    """Write tokenizer.json and tokenizer_config.json into `folder` (made if missing); return the first one's path."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"tokenizer.json": tokenizer_json(), "tokenizer_config.json": tokenizer_config_json()}
    for name, content in files.items():
        _ = (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return folder / "tokenizer.json"
