"""Checkpoints brought to this machine: from an archive where a server makes them, else from a temporary export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike, fsencode
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.clients.rest import RestClient
from tinkex_py.clients.service import ServiceClient
from tinkex_py.errors import (
    BadRequest,
    CallbackFailed,
    CapabilityMissing,
    FileFailed,
    Forbidden,
    InvalidInput,
    NotFound,
    PromiseExpired,
    Unauthorized,
)
from tinkex_py.locks import alone
from tinkex_py.outcome import Outcome, change, then
from tinkex_py.plans.downloads import Piece, piece
from tinkex_py.request import Address
from tinkex_py.runtime.files import UNFINISHED, Arriving, discard, free, gather, settle, unpack, within
from tinkex_py.types.limits import Rule, broken
from tinkex_py.types.paths import TinkerPath
from tinkex_py.types.raised import in_words
from tinkex_py.wire.replies import is_bare

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes that have come, and how many it has if that is known."""

LIFETIME = 3600
"""Seconds for which a temporary export is kept, should it not be deleted."""
_UNSAID = 2048
"""Pieces of a file whose size its server doesn't say: 16 GB if they are whole."""
_REFUSALS = (BadRequest, Unauthorized, Forbidden, NotFound, PromiseExpired)
"""What a server of files may answer where an address has ended."""
_ARCHIVE, _EXPORT, _NOTES, _FILES = "archive.tar", "export", "notes", "files"
"""What is in the folder of a download under way: what has come in each way, of which files it is, and the result."""


class Downloaded(Struct, frozen=True, kw_only=True):
    """A checkpoint on this machine: its folder, and its files."""

    tinker_path: str
    folder: Path
    files: tuple[Path, ...]


class _Addresses:
    """Where the files of a checkpoint are; asked for anew when one is refused, as what has ended is."""

    def __init__(self, ask: Callable[[], Outcome[Mapping[str, str]]]) -> None:
        self._ask = ask
        self._urls: Mapping[str, str] | None = None

    def known(self) -> Outcome[Mapping[str, str]]:
        return change(self._ask(), self._take) if self._urls is None else Success(self._urls)

    def of(self, name: str) -> Outcome[str]:
        def found(urls: Mapping[str, str]) -> Outcome[str]:
            message = f"the server has no file {name} of this checkpoint any more; begin the download again"
            return Success(urls[name]) if name in urls else Failure(FileFailed(message=message, path=name))

        return then(self.known(), found)

    def forget(self) -> None:
        self._urls = None

    def _take(self, urls: Mapping[str, str]) -> Mapping[str, str]:
        self._urls = urls
        return urls


def download_checkpoint(
    service: ServiceClient,
    tinker_path: str,
    directory: str | PathLike[str] = ".",
    *,
    force: bool = False,
    progress: Progress = lambda _name, _done, _total: None,
) -> Outcome[Downloaded]:
    """Bring a checkpoint to a folder in `directory`, called as its path with `_` for what parts it, and
    `%` and two digits for each byte that is not for names of files.

    Files come in pieces, and the folder gets its name when all is there; FileFailed when it is there already, unless
    `force`, and while another download into it is under way. A download that was broken off goes on where it was if
    its server still has the same file, which an ETag or the date of the last change says; a file is begun anew
    otherwise, and where the server says neither.
    Weights to train on are exported, for the time it takes, where a server makes no archives; CapabilityMissing there
    for weights to sample from, which can't be. NotFound when there is no such checkpoint.
    CallbackFailed when `progress` raises: what has come is kept.
    It blocks; an asynchronous program gives it a client and a thread of its own, by asyncio.to_thread.
    """

    def work(path: TinkerPath, folder: Path) -> Outcome[Downloaded]:
        return then(free(folder, force=force), lambda _: _found(service, path, folder, progress))

    match TinkerPath.parse(tinker_path):
        case Failure() as failed:
            return failed
        case Success(path):
            place = _place(directory, path)
            return then(place, lambda folder: _alone(folder, lambda: work(path, folder)))


def _place(directory: str | PathLike[str], path: TinkerPath) -> Outcome[Path, InvalidInput]:
    """The folder that a checkpoint gets."""
    found = broken(_DIRECTORY, {"directory": directory})
    return Success(Path(directory) / _name(path)) if found is None else Failure(found)


def _alone(folder: Path, work: Callable[[], Outcome[Downloaded]]) -> Outcome[Downloaded]:
    """A download while no other one goes into that folder."""
    busy = f"another download into {folder} is under way: wait until it has ended, or give another directory"
    return alone(folder.with_name(f"{folder.name}{UNFINISHED}.lock"), busy, work)


def _found(service: ServiceClient, path: TinkerPath, folder: Path, progress: Progress) -> Outcome[Downloaded]:
    rest = RestClient.beside(service)
    if path.checkpoint_type == "external":
        return _exported(rest, path, str(path), folder, progress)
    addresses = _Addresses(lambda: _archive_of(rest, path))
    match addresses.known():
        case Success(_):
            return _archived(rest, path, addresses, folder, progress)
        case Failure(NotFound(detail=detail)) as failed if not is_bare(detail):
            return failed  # the checkpoint isn't there, where otherwise archives are
        case Failure(NotFound()) if path.checkpoint_type == "training":
            return _through_export(service, rest, path, folder, progress)
        case Failure(NotFound(message=message)):
            return Failure(CapabilityMissing(message=f"{message}; {_NO_SAMPLER}", capability="download"))
        case Failure() as failed:
            return failed


def _archive_of(rest: RestClient, path: TinkerPath) -> Outcome[Mapping[str, str]]:
    """The archive as the one file that there is."""
    found = rest.get_checkpoint_archive_url(path.training_run_id, path.checkpoint_id)
    return change(found, lambda archive: {_ARCHIVE: archive.url})


def _archived(
    rest: RestClient, path: TinkerPath, addresses: _Addresses, folder: Path, progress: Progress
) -> Outcome[Downloaded]:
    beside = _beside(folder)
    archive = Arriving(beside / _ARCHIVE, beside / _NOTES / _ARCHIVE)
    came = _fetched(rest, archive, addresses, _ARCHIVE, progress)
    if isinstance(came, Failure):
        return came
    files = unpack(archive.file, beside / _FILES)
    if isinstance(files, Failure):
        if not archive.file.exists():
            _ = discard(beside)
        return files
    return _settled(path, folder, files.unwrap())


def _through_export(
    service: ServiceClient, rest: RestClient, path: TinkerPath, folder: Path, progress: Progress
) -> Outcome[Downloaded]:
    """An export under a name of its own, of a model of its own: both are gone afterwards, whatever happens.

    A server that unloads by itself may say so; the download is none the worse for it.
    """
    made = service.create_training_client_from_state(
        str(path), user_metadata={"created_by": "tinkex checkpoint download"}
    )
    if isinstance(made, Failure):
        return made
    trainer = made.unwrap()
    try:
        saved = trainer.save_weights_external("download", LIFETIME).result()
        return then(saved, lambda export: _withdrawn(rest, path, export.path, folder, progress))
    finally:
        _ = trainer.unload_model().result()


def _withdrawn(
    rest: RestClient, path: TinkerPath, export: str, folder: Path, progress: Progress
) -> Outcome[Downloaded]:
    """The files of an export, which is deleted when they have come, or can't."""
    try:
        return _exported(rest, path, export, folder, progress)
    finally:
        _ = rest.delete_checkpoint_from_tinker_path(export)


def _exported(rest: RestClient, path: TinkerPath, export: str, folder: Path, progress: Progress) -> Outcome[Downloaded]:
    addresses = _Addresses(lambda: change(rest.get_external_weights_urls(export), lambda found: found.urls))
    names = then(addresses.known(), lambda urls: Success(tuple(urls)) if urls else Failure(_empty(export)))
    if isinstance(names, Failure):
        return names
    origin, notes = _beside(folder) / _EXPORT, _beside(folder) / _NOTES / _EXPORT
    files: list[Path] = []
    for name in names.unwrap():
        place = change(within(notes, name), lambda note: Arriving(origin / note.relative_to(notes), note))
        if isinstance(place, Failure):
            return place
        file = place.unwrap()
        came = _fetched(rest, file, addresses, name, progress)
        if isinstance(came, Failure):
            return came
        files.append(file.file)
    return then(gather(files, origin, _beside(folder) / _FILES), partial(_settled, path, folder))


def _fetched(rest: RestClient, file: Arriving, addresses: _Addresses, name: str, progress: Progress) -> Outcome[None]:
    """All of a file, from where it was broken off; what is here already is begun anew once at most."""
    anew, unsaid = False, 0
    while not file.whole:
        came = _next(rest, file, addresses, name)
        if isinstance(came, Failure):
            return came
        unsaid += came.unwrap().total is None
        if unsaid > _UNSAID:
            return Failure(_endless(file.file))
        if came.unwrap().again and (anew or file.size == 0):
            return Failure(_withheld(file.file))
        anew = anew or came.unwrap().again
        kept = file.take(came.unwrap())
        if isinstance(kept, Failure):
            return kept
        told = _told(progress, file.file.name, file.size, came.unwrap().total)
        if isinstance(told, Failure):
            return told
    return Success(None)


def _next(rest: RestClient, file: Arriving, addresses: _Addresses, name: str) -> Outcome[Piece]:
    """The next piece of a file; an address that is refused may have ended, and another is asked for once."""

    def asked(url: str) -> Outcome[Piece]:
        return rest.execute(piece("download", Address(url), file.size, file.source))

    came = then(addresses.of(name), asked)
    if isinstance(came, Failure) and isinstance(came.failure(), _REFUSALS):
        addresses.forget()
        return then(addresses.of(name), asked)
    return came


def _told(progress: Progress, name: str, done: int, total: int | None) -> Outcome[None, CallbackFailed]:
    """Tell the caller's function; what ends a program, such as Ctrl-C, is not kept from it."""
    try:
        progress(name, done, total)
    except Exception as error:  # noqa: BLE001 - it is the caller's, and may raise anything
        reason = in_words(error)
        message = f"progress failed with {reason}; what has come is kept for the next time"
        return Failure(CallbackFailed(message=message, callback="progress", reason=reason))
    return Success(None)


def _withheld(file: Path) -> FileFailed:
    message = (
        f"the server gives no bytes of {file.name} that go on from those before, and doesn't end it either; "
        "try again later, or tell its operators"
    )
    return FileFailed(message=message, path=str(file))


def _endless(file: Path) -> FileFailed:
    message = f"the server gave {_UNSAID} pieces of {file.name}, but neither its size nor its end; tell its operators"
    return FileFailed(message=message, path=str(file))


def _empty(export: str) -> FileFailed:
    return FileFailed(
        message=f"the server names no files of {export}; export it anew, or tell its operators", path=export
    )


def _settled(path: TinkerPath, folder: Path, files: tuple[Path, ...]) -> Outcome[Downloaded]:
    whole = _beside(folder) / _FILES
    settled = settle(whole, folder)
    if isinstance(settled, Failure):
        return settled
    _ = discard(_beside(folder))
    there = tuple(folder / file.relative_to(whole) for file in files)
    return Success(Downloaded(tinker_path=str(path), folder=folder, files=there))


def _beside(folder: Path) -> Path:
    """Where the files of a folder are until all have come."""
    return folder.with_name(folder.name + UNFINISHED)


def _is_directory(value: Any) -> bool:
    """Whether a folder can be called so: the path is a text, and one that the system can be given."""
    try:
        return b"\0" not in fsencode(Path(value))
    except (TypeError, ValueError):
        return False


def _name(path: TinkerPath) -> str:
    """Names that differ stay different, save that `_` parts them: what can't stand in one is percent-encoded."""
    kept = "_".join(map(_encoded, (path.training_run_id.replace(":", "_"), path.kind, path.name)))
    return f"%2E{kept[1:]}" if kept.startswith(".") else kept


def _encoded(part: str) -> str:
    return "".join(each if each.isalnum() or each in "-._" else _bytes(each) for each in part)


def _bytes(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


_DIRECTORY = (Rule("directory", _is_directory, "give the path of a folder, as a text or a Path"),)
_NO_SAMPLER = "weights to sample from can't be downloaded from this server: save the model with save_state instead"
