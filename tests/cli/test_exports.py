"""Checkpoints of a server that makes no archives: they are exported, fetched piece by piece, and the export deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from returns.result import Failure, Success

from tests.cli.relay import PIECE, Relay, relay
from tests.cli.running import KEY, Stock
from tinkex_py import ServiceClient, or_raise
from tinkex_py.clients.downloads import download_checkpoint
from tinkex_py.errors import CapabilityMissing


@pytest.fixture
def front(stock: Stock) -> Iterator[Relay]:
    with relay(stock.address) as server:
        yield server


def exports(stock: Stock) -> list[str]:
    """The exports that are on the server."""
    found = stock.json("checkpoint", "list", "--limit", "0")["checkpoints"]
    return [each["tinker_path"] for each in found if each["checkpoint_type"] == "external"]


def test_weights_are_downloaded_through_an_export_that_is_deleted_afterwards(stock: Stock, front: Relay) -> None:
    before = exports(stock)
    found = stock._replace(address=front.address).json("checkpoint", "download", stock.training, "-o", "here")
    whole = Path(stock.json("checkpoint", "download", stock.training, "-o", "whole")["folder"])
    assert Path(found["folder"]).name == whole.name
    for file in map(Path, found["files"]):
        assert file.name == "checkpoint.json" or file.read_bytes() == (whole / file.name).read_bytes()
    assert exports(stock) == before


UNLOAD = "POST /api/v1/unload_model"
ODD: dict[str, tuple[dict[str, tuple[int, bytes]], type[object]]] = {
    "all is well": ({}, Success),
    "no files": ({"/external_weights_urls": (404, b"{}")}, Failure),
    "no export": ({"/save_weights_external": (400, b"{}")}, Failure),
    "no unloading": ({"/unload_model": (404, b"{}")}, Success),
}


@pytest.mark.parametrize(("instead", "kind"), ODD.values(), ids=ODD)
def test_the_model_of_an_export_is_unloaded_whatever_happens(
    stock: Stock, front: Relay, instead: dict[str, tuple[int, bytes]], kind: type[object]
) -> None:
    before = exports(stock)
    front.instead.update(instead)
    with ServiceClient(base_url=front.address, api_key=KEY) as service:
        assert isinstance(download_checkpoint(service, stock.training, "here"), kind)
    assert (front.asked.count(UNLOAD), exports(stock)) == (1, before)


def test_addresses_that_end_are_asked_for_anew_in_the_middle_of_a_file(stock: Stock, front: Relay) -> None:
    with ServiceClient(base_url=front.address, api_key=KEY) as service:
        found = or_raise(download_checkpoint(service, stock.training, "here"))
    sizes = [file.stat().st_size for file in found.files]
    assert max(sizes) > 2 * PIECE
    assert front.given >= sum(-(-size // PIECE) for size in sizes)


def test_weights_to_sample_from_can_not_be_had_there(stock: Stock, front: Relay) -> None:
    with ServiceClient(base_url=front.address, api_key=KEY) as service:
        match download_checkpoint(service, stock.sampler):
            case Failure(CapabilityMissing(message=message, capability="download")):
                assert message.endswith("save the model with save_state instead")
            case other:
                pytest.fail(str(other))
    assert not any("save_weights_external" in each for each in front.asked)
