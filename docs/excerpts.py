"""Blocks of the documents that are copied from docs/examples, so that what is shown is what is tested."""

from __future__ import annotations

import ast
import re
from pathlib import Path

DOCS = Path(__file__).parent
BLOCK = re.compile(r"<!-- excerpt: (?P<names>[\w., ]+) -->\n+```python\n.*?```", re.DOTALL)
"""A comment that names definitions, as module.name, and the block that holds them."""


def filled(page: str) -> str:
    """The page with the code of each excerpt as it is in the examples."""
    return BLOCK.sub(_block, page)


def without(page: str) -> str:
    """The page without its excerpts, whose lines are empty."""
    return BLOCK.sub(lambda found: "\n" * found[0].count("\n"), page)


def _block(found: re.Match[str]) -> str:
    names = found["names"]
    code = "\n\n\n".join(map(source, names.split(", ")))
    return f"<!-- excerpt: {names} -->\n\n```python\n{code}\n```"


def source(name: str) -> str:
    """The text of one definition or assignment at the top of an example."""
    module, _, wanted = name.partition(".")
    text = (DOCS / "examples" / f"{module}.py").read_text("utf-8")
    node = next(each for each in ast.parse(text).body if wanted in _defined(each))
    return ast.get_source_segment(text, node) or ""


def _defined(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case _:
            return []
