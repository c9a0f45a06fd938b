"""A folder of many modules says what each of them is there for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tinkex_py"
MANY = 10


def modules(folder: Path) -> list[str]:
    return sorted(module.stem for module in folder.glob("*.py") if module.stem != "__init__")


FOLDERS = [each.parent for each in sorted(PACKAGE.glob("*/**/__init__.py")) if len(modules(each.parent)) >= MANY]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_of_many_modules_tells_of_each_once(folder: Path) -> None:
    told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    names = [name for left in re.findall(r"^    (\w+(?:, \w+)*)  ", told, re.MULTILINE) for name in left.split(", ")]
    assert sorted(names) == modules(folder)
