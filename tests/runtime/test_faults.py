"""A program ends as it does undisturbed, whatever happens to its connections, and whatever carries its requests."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.runtime.relays import FAULTS, Deliver, relaying
from tests.runtime.served import served
from tests.runtime.test_kills import MODEL, look, train, undisturbed
from tinkex_py import Config, ForwardBackwardOutput, ServiceClient, or_raise


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with served(Path(tmp_path_factory.mktemp("served"))) as (_, address):
        yield address


@pytest.fixture(scope="module")
def expected() -> ForwardBackwardOutput:
    return undisturbed()


@pytest.mark.parametrize("transport", ["httpx", "fast"])
@pytest.mark.parametrize("deliver", FAULTS.values(), ids=FAULTS)
def test_a_program_ends_as_undisturbed(
    server: str, expected: ForwardBackwardOutput, deliver: Deliver, transport: str
) -> None:
    operations = ("forward_backward", "optim_step", "retrieve_future")
    with relaying(server, deliver, operations) as relay:
        config = Config(base_url=relay.address, api_key="tml-test", transport=transport, dialect="protobuf")
        with ServiceClient(config=config) as service:
            trainer = or_raise(service.create_lora_training_client(MODEL, rank=2, seed=1))
            train(trainer, range(4, 8))
            assert look(trainer) == expected
    assert relay.left == set()
