"""The byte tokenizer as the `tokenizers` package describes it, whose own one is a second opinion."""

from __future__ import annotations

import json
from pathlib import Path

from tinkex_py.local.tokenizer import BOS, SPECIALS


def description() -> str:
    """Byte-level BPE with no merges, as JSON."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    added = [
        {"id": BOS + place, "content": name, "special": True, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for place, name in enumerate(SPECIALS)
    ]
    vocabulary = dict(sorted(_visible_bytes().items(), key=lambda item: item[1]))
    merges: tuple[str, ...] = ()
    model = {"type": "BPE", "vocab": vocabulary, "merges": merges}
    pipeline = {"normalizer": None, "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level}
    described = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **pipeline}
    return json.dumps({**described, "model": model})


def written(folder: Path) -> Path:
    """A tokenizer.json in the folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tokenizer.json"
    _ = file.write_text(description(), encoding="utf-8")
    return file


def _visible_bytes() -> dict[str, int]:
    """The alphabet of byte-level BPE: printable Latin-1 bytes stand for themselves, the others from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + place): byte for place, byte in enumerate(others)}
