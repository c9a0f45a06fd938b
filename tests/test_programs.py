"""Whole programs in processes of their own end as they should."""

from __future__ import annotations

import subprocess
import sys

UNCLOSED = """
from tinkex_py import Datum, ModelInput, ServiceClient, or_raise

service = ServiceClient.local()
trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
example = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4]})
promises = [trainer.forward_backward([example], "cross_entropy") for _ in range(20)]
print(sorted(or_raise(promises[0].result(60)).metrics))
"""
LIGHT = """
import sys
import tinkex_py
print(sorted({"asyncio", "google.protobuf", "httpx", "msgspec", "numpy", "rich"} & set(sys.modules)))
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)


def test_a_program_that_never_closes_its_client_ends_quietly() -> None:
    ended = run(UNCLOSED)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "['loss:sum']\n", "")


def test_importing_the_package_loads_nothing_heavy() -> None:
    ended = run(LIGHT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[]\n", "")
