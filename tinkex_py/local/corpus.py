"""The pretraining text: docstrings, comments and help topics of the running Python's standard library.

The Zen of Python is left out wherever it is quoted, because the demo fine-tunes on it.
"""

from __future__ import annotations

import ast
import codecs
import io
import pydoc_data.topics
import sysconfig
import tokenize
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

SKIPPED = frozenset({"test", "tests", "idlelib", "lib2to3", "site-packages", "turtledemo", "pydoc_data", "encodings"})


def zen_text() -> str:
    """The Zen of Python, read from the source of `this` without importing (and so printing) it."""
    spec = find_spec("this")
    source = Path(str(spec.origin)).read_text(encoding="utf-8") if spec else ""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return codecs.decode(max((text for text in texts if isinstance(text, str)), key=len), "rot13")


def documents() -> tuple[str, ...]:
    """The texts in a fixed order, each at least 80 characters of ASCII, none twice, none with a line of the Zen."""
    library = Path(sysconfig.get_path("stdlib"))
    paths = sorted(path for path in library.rglob("*.py") if not SKIPPED & set(path.relative_to(library).parts))
    found = dict.fromkeys(text for path in paths if path.name != "this.py" for text in _texts(path))
    topics: dict[str, str] = pydoc_data.topics.topics
    aphorisms = tuple(line.rstrip(".!").lower() for line in zen_text().splitlines() if line)
    return tuple(text for text in found | dict.fromkeys(map(str.strip, topics.values())) if _wanted(text, aphorisms))


def _wanted(text: str, aphorisms: tuple[str, ...]) -> bool:
    lowered = " ".join(text.lower().split())
    quotes_zen = "better than" in lowered or any(aphorism in lowered for aphorism in aphorisms)
    return len(text) >= 80 and text.isascii() and not quotes_zen


def _texts(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8", errors="replace")
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    yield from (ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented))
    yield from _comments(source)


def _comments(source: str) -> Iterator[str]:
    """Blocks of comment lines that follow one another, without their marks."""
    block: list[str] = []
    previous = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] != previous + 1:
                yield "\n".join(block)
                block = []
            block.append(token.string.lstrip("#").strip())
            previous = token.start[0]
    yield "\n".join(block)
