"""Checkpoints of a server that makes no archives: they are exported, fetched piece by piece, and the export deleted.

And downloads that are broken off, of any server.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from returns.result import Failure, Success

from tests.cli.relay import PIECE, Relay, relay
from tests.cli.running import DATA, KEY, Stock
from tests.clients.fronts import error_of
from tinkex_py import AdamParams, ServiceClient, TrainingClient, or_raise
from tinkex_py.clients.downloads import download_checkpoint
from tinkex_py.errors import CallbackFailed, CapabilityMissing


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
    pieces = [-(-file.stat().st_size // PIECE) for file in found.files]
    assert max(pieces) > 2
    assert front.given == max(pieces)


def test_weights_to_sample_from_can_not_be_had_there(stock: Stock, front: Relay) -> None:
    with ServiceClient(base_url=front.address, api_key=KEY) as service:
        match download_checkpoint(service, stock.sampler):
            case Failure(CapabilityMissing(message=message, capability="download")):
                assert message.endswith("save the model with save_state instead")
            case other:
                pytest.fail(str(other))
    assert not any("save_weights_external" in each for each in front.asked)


def break_off(address: str, path: str, file: str, least: int) -> Path:
    """A download into `here` that ends when so many bytes of a file have come; where what has come is."""

    def progress(name: str, came: int, _total: int | None) -> None:
        if name == file and came >= least:
            raise EOFError

    with ServiceClient(base_url=address, api_key=KEY) as service:
        _ = error_of(CallbackFailed, download_checkpoint(service, path, "here", progress=progress))
    (beside,) = Path("here").iterdir()
    return beside


def contents(stock: Stock, path: str, output: str) -> dict[str, bytes]:
    """What is downloaded into a folder, or goes on there."""
    folder = Path(stock.json("checkpoint", "download", path, "-o", output)["folder"])
    assert [each.name for each in Path(output).iterdir()] == [folder.name]
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@contextmanager
def training(stock: Stock) -> Generator[TrainingClient]:
    with stock.service() as service:
        yield or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=1, seed=0))


def train(trainer: TrainingClient) -> None:
    _ = or_raise(trainer.forward_backward(DATA, "cross_entropy").result())
    _ = or_raise(trainer.optim_step(AdamParams(learning_rate=0.01)).result())


ADAPTER = "adapter.safetensors"


def test_an_export_goes_on_where_it_was_broken_off(stock: Stock, front: Relay) -> None:
    with training(stock) as trainer:
        path = or_raise(trainer.save_weights_external("out").result()).path
    came = break_off(front.address, path, ADAPTER, 3 * PIECE) / "export" / ADAPTER
    _ = came.write_bytes(b"x" * 8 + came.read_bytes()[8:])
    whole = contents(stock, path, "whole")[ADAPTER]
    assert contents(stock, path, "here")[ADAPTER] == b"x" * 8 + whole[8:]


def test_an_export_that_has_taken_the_place_of_another_is_begun_anew(stock: Stock, front: Relay) -> None:
    with training(stock) as trainer:
        path = or_raise(trainer.save_weights_external("out").result()).path
        _ = break_off(front.address, path, ADAPTER, 3 * PIECE)
        assert stock.tinkex("checkpoint", "delete", path, "--yes").exit_code == 0
        train(trainer)
        assert or_raise(trainer.save_weights_external("out").result()).path == path
    assert contents(stock, path, "here") == contents(stock, path, "whole")


def test_a_file_that_changes_while_it_comes_is_begun_anew(stock: Stock, front: Relay) -> None:
    with training(stock) as trainer, ServiceClient(base_url=front.address, api_key=KEY) as service:
        path = or_raise(trainer.save_weights_external("out").result()).path
        once = iter([True])

        def replace(name: str, came: int, _total: int | None) -> None:
            if name == ADAPTER and came == 3 * PIECE and next(once, False):
                assert stock.tinkex("checkpoint", "delete", path, "--yes").exit_code == 0
                train(trainer)
                _ = or_raise(trainer.save_weights_external("out").result())

        folder = or_raise(download_checkpoint(service, path, "here", progress=replace)).folder
    assert not next(once, False)
    assert (folder / ADAPTER).read_bytes() == contents(stock, path, "whole")[ADAPTER]


def test_an_archive_of_what_was_saved_before_is_begun_anew(stock: Stock) -> None:
    with training(stock) as trainer:
        path = or_raise(trainer.save_state("one").result()).path
        came = break_off(stock.address, path, "archive.tar", 1) / "archive.tar"
        assert came.stat().st_size > PIECE
        train(trainer)
        assert or_raise(trainer.save_state("one", overwrite=True).result()).path == path
    assert contents(stock, path, "here") == contents(stock, path, "whole")


def test_nothing_of_an_archive_is_among_the_files_of_an_export(stock: Stock, front: Relay) -> None:
    beside = break_off(stock.address, stock.training, "archive.tar", 1)
    (beside / "export").mkdir()
    _ = (beside / "export" / "stray").write_bytes(b"of another export")
    files = contents(stock._replace(address=front.address), stock.training, "here")
    assert set(files) == {ADAPTER, "checkpoint.json"}
