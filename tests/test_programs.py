"""Whole programs in processes of their own end as they should."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import tinkex_py
from tests.local_server.ports import serving

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
BARE = """
import sys
sys.modules |= {"numpy": None, "torch": None}
from tinkex_py import Datum, LossHandle, ModelInput, ServiceClient, or_raise

example = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4]})
handle = LossHandle(name="mine", inputs=(), session_id="s", graph=None, traced=print)
with ServiceClient(base_url=sys.argv[1], api_key="tml-local") as service:
    trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
    print(sorted(or_raise(trainer.forward_backward([example], "cross_entropy").result(60)).metrics))
    print(trainer.forward_backward([example], handle).result(60).failure().extra)
    print(trainer.forward_backward_custom([example], print).result(60).failure().extra)
    print(service.create_custom_loss(print, {"logprobs": 1}).failure().extra)
"""
MODULES = """
import tinkex_py
print(tinkex_py.types.AdamParams.__name__, tinkex_py.errors.NotFound.__name__, tinkex_py.auth.has_credentials.__name__)
"""


def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", program, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_program_that_never_closes_its_client_ends_quietly() -> None:
    ended = run(UNCLOSED)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "['loss:sum']\n", "")


def test_importing_the_package_loads_nothing_heavy() -> None:
    ended = run(LIGHT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[]\n", "")


def test_without_numpy_a_client_trains_and_losses_of_ones_own_name_what_is_missing(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        ended = run(BARE, str(client.base_url.copy_with(path="")))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == ["['loss:sum']", "local", "local", "torch"]


def test_modules_that_programs_name_are_there_from_the_start() -> None:
    ended = run(MODULES)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "AdamParams NotFound has_credentials\n", "")


@pytest.mark.parametrize("name", ["auth", "errors", "types"])
def test_such_a_module_is_itself_when_it_is_asked_for(name: str) -> None:
    assert tinkex_py.__getattr__(name) is import_module(f"tinkex_py.{name}")
