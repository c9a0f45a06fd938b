"""What a client's threads need is loaded by the thread that makes the client.

A process that is forked off while another thread loads a module finds it half loaded for ever: whoever imports it there
waits without end, or is told that it lacks what it would have.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.served import served

PROGRAM = """
import sys, threading
from tinkex_py import AdamParams, Config, Datum, ModelInput, SamplingParams, ServiceClient, or_raise

class Finder:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            print(threading.current_thread().name, "loads", name)

sys.meta_path.insert(0, Finder())
address, transport = sys.argv[1:]
prompt = ModelInput.from_ints([1, 2])
data = [Datum(prompt, {"target_tokens": [2, 3]})]
loss = lambda data, logprobs: (0.0, {}, [0 * each for each in logprobs])
with ServiceClient(Config(base_url=address, api_key="tml-test", transport=transport)) as service:
    trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=1))
    or_raise(trainer.forward_backward(data, "cross_entropy").result(60))
    or_raise(trainer.forward_backward_custom(data, loss, arrays="numpy").result(60))
    or_raise(trainer.optim_step(AdamParams()).result(60))
    sampler = or_raise(trainer.save_weights_and_get_sampling_client())
    or_raise(sampler.sample(prompt, 1, SamplingParams(max_tokens=1)).result(60))
print("done")
"""


def told_by(address: str, transport: str = "httpx") -> str:
    command = [sys.executable, "-c", PROGRAM, address, transport]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_no_other_thread_loads_a_module(tmp_path: Path, transport: str) -> None:
    with served(tmp_path) as (_, address):
        assert told_by(address.replace("127.0.0.1", "localhost"), transport) == "done\n"


def test_neither_does_that_of_the_embedded_engine(tmp_path: Path) -> None:
    assert told_by(f"local:{tmp_path}") == "done\n"
