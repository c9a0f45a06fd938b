"""The tour of docs/examples/everywhere.py: `python own.py ADDRESS BASE_MODEL`, `local:` for the engine itself.

Prints one line of JSON per operation, as the program of the official SDK beside it does.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import msgspec

from tinkex_py import ServiceClient

KEY = "tml-interoperation"
EVERYWHERE = Path(__file__).parents[2] / "docs" / "examples" / "everywhere.py"


def main() -> None:
    """Take the tour."""
    address, base_model = sys.argv[1:3]
    spec = importlib.util.spec_from_file_location("everywhere", EVERYWHERE)
    assert spec is not None
    assert spec.loader is not None
    everywhere = importlib.util.module_from_spec(spec)
    sys.modules["everywhere"] = everywhere
    spec.loader.exec_module(everywhere)

    def tell(row: msgspec.Struct) -> None:
        print(msgspec.json.encode(row).decode(), flush=True)

    with ServiceClient(base_url=address, api_key=KEY) as service:
        everywhere.tour(service, base_model, everywhere.Journal(tell))


if __name__ == "__main__":
    main()
