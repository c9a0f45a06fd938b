"""Whether docs/names.tsv has every public name of the official SDK: they are asked of the SDK itself."""

from __future__ import annotations

import json
import subprocess

from docs import migration
from tests.interop.environments import interpreter

NAMES = """
import json, tinker
from tinker import auth, types
clients = ("ServiceClient", "TrainingClient", "SamplingClient", "RestClient", "AdminClient", "APIFuture")
found = [name for name in tinker.__all__ if not name.startswith("__")]
found += [f"{one}.{name}" for one in clients for name in dir(getattr(tinker, one)) if not name.startswith("_")]
found += [f"types.{name}" for name in dir(types) if name[0].isupper() and name not in tinker.__all__]
print(json.dumps(found))
"""


def unnamed(release: str) -> list[str]:
    """The public names of that release that the table lacks; `*_async` doubles need none."""
    python = interpreter(f"tinker-{release}", f"tinker=={release}")
    printed = subprocess.run([str(python), "-c", NAMES], stdout=subprocess.PIPE, check=True).stdout
    listed = {each.there for each in migration.names() if each.client == "official"}
    missing = [name for name in json.loads(printed) if not name.endswith("_async") and name not in listed]
    return [f"docs/names.tsv lacks {name}" for name in missing]
