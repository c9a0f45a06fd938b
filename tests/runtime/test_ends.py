"""A client works on in a program of which only other threads than the main one are left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.served import served
from tinkex_py.runtime.computing import Computing

PROGRAM = """
import asyncio, sys, threading
from concurrent.futures import ThreadPoolExecutor
from tinkex_py import AsyncServiceClient, Config, Datum, ModelInput, or_raise

DATA = [Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [2, 3], "weights": [1.0, 1.0]})]
CONFIG = Config(base_url=sys.argv[1], api_key="tml-test", transport=sys.argv[2])

async def train():
    async with AsyncServiceClient(config=CONFIG) as service:
        trainer = or_raise(await service.create_lora_training_client("tinkex/tiny-random", rank=1))
        large = or_raise(await trainer.forward_backward(DATA * 5000, "cross_entropy"))
        loss = lambda data, logprobs: (0.0, {}, [0 * each for each in logprobs])
        own = or_raise(await trainer.forward_backward_custom(DATA, loss, arrays="numpy"))
        print(len(large.loss_fn_outputs), len(own.loss_fn_outputs))

def live():
    with ThreadPoolExecutor(1) as pool:
        try:
            while True:  # until Python lets no pool take work any more
                pool.submit(int).result()
        except RuntimeError:
            pass
    asyncio.run(train())

threading.Thread(target=live).start()
"""


@pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 12, 2), reason="Python begins no thread once the main one has ended"
)
@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_a_client_works_on_when_the_main_thread_has_ended(tmp_path: Path, transport: str) -> None:
    with served(tmp_path) as (_, address):
        command = [sys.executable, "-W", "error", "-c", PROGRAM, address.replace("127.0.0.1", "localhost"), transport]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("5000 1\n", "", 0)


def test_a_pool_that_is_refused_has_the_work_done_all_the_same() -> None:
    pool = Computing(1)
    pool.shutdown()
    assert pool.submit(int, "7").result() == 7
    with pytest.raises(ValueError, match="seven"):
        _ = pool.submit(int, "seven").result()
