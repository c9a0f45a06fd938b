"""Times in answers. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A time with a zone. One that a server writes without is in UTC, and one that nobody can read is None.

`wire.json` sees to both where msgspec refuses a time, so thousands of good ones are read without a step in Python each.
"""
