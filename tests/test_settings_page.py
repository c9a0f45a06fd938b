"""The page of settings tells every default, and tells it as it is."""

from __future__ import annotations

from pathlib import Path

from tinkex_py import Config
from tinkex_py.config.environment import VARIABLES

DOCS = Path(__file__).parent.parent / "docs"


def test_every_setting_has_a_row_and_every_variable_a_setting() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    usual = Config()
    missing = [name for name in Config.__struct_fields__ if f"| `{name}` | `{getattr(usual, name)!r}` |" not in page]
    assert missing == []
    assert {variable.setting for variable in VARIABLES} <= set(Config.__struct_fields__)
    assert [variable.name for variable in VARIABLES if f"`{variable.name}`" not in page] == []
