"""Downloaded files: on their way until they are whole, and archives that can't write outside their folder."""

from __future__ import annotations

import shutil
import stat
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import msgspec
from returns.result import Failure, Success

from tinkex_py.errors import FileFailed
from tinkex_py.outcome import Outcome, then
from tinkex_py.plans.downloads import UNKNOWN, Piece, Source
from tinkex_py.types.files import failed, reason

UNFINISHED = ".partial"
"""What the name of a folder ends with until it is whole."""
LARGEST = 1 << 40
"""Bytes that an archive may unpack to."""
_GROWTH, _HARMLESS = 100, 1 << 30
"""Weights hardly shrink: what unpacks to a hundred times its own bytes, and more than 1 GB, is no checkpoint."""

MOST_FILES = 10_000
"""Files and folders that an archive may have."""
_HEADERS = 1 << 20
"""Bytes of headers that a member may have: they may say more of it than its name, and are had in memory."""
_CHUNK = 1 << 20


class _Bounded:
    """A stream of which so many bytes may be read as are `left`."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.left = 0
        self.seek, self.tell, self.write, self.close = stream.seek, stream.tell, stream.write, stream.close

    def read(self, size: int) -> bytes:
        """The next bytes."""
        self.left -= size
        if self.left < 0:
            raise tarfile.ReadError(f"a member has more than {_HEADERS} bytes of headers")
        return self.stream.read(size)


class _Archive(tarfile.TarFile):
    """An archive, unpacked as it is read; headers that are too long for one are not read."""

    def __init__(self, name: Any, mode: Any, fileobj: BinaryIO, **options: Any) -> None:
        self.bounded = _Bounded(fileobj)
        super().__init__(name, mode, self.bounded, **options)

    def next(self) -> tarfile.TarInfo | None:
        """The next member, whose headers are read, and nothing else."""
        self.bounded.left = _HEADERS
        return super().next()


class Arriving:
    """A file on its way, and a note of which file it is, so that another process can go on where this one ends.

    Without a note what has come is begun anew: its server didn't say what tells the file from another, so that going
    on is safe in one download only. Whether the file is whole is not noted: its server says so.
    """

    def __init__(self, file: Path, note: Path) -> None:
        self.file = file
        self.source = _noted(note)
        self.size = file.stat().st_size if self.source.validator is not None and _is_file(file) else 0
        self.whole = False
        self._note = note

    def take(self, piece: Piece) -> Outcome[None, FileFailed]:
        """Keep a piece; the last one makes the file whole. A piece from the beginning begins anew."""
        try:
            if piece.offset == 0:
                self._begin()
            with self.file.open("r+b") as file:
                _ = file.seek(piece.offset)
                _ = file.truncate()
                _ = file.write(piece.content)
            if piece.offset == 0:
                self.source = piece.source
                _ = self._note.write_bytes(msgspec.json.encode(self.source))
        except OSError as error:
            return Failure(failed(self.file, f"can't be written: {reason(error)}"))
        self.size = piece.offset + len(piece.content)
        self.whole = piece.last
        return Success(None)

    def _begin(self) -> None:
        """An empty file without a note, which comes when its first bytes are there: one of another file never does."""
        self._note.unlink(missing_ok=True)
        for each in (self.file, self._note):
            each.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(b"")


def _noted(note: Path) -> Source:
    try:
        return msgspec.json.decode(note.read_bytes(), type=Source)
    except (OSError, msgspec.DecodeError, RecursionError):
        return UNKNOWN


def free(folder: Path, *, force: bool) -> Outcome[None, FileFailed]:
    """Whether a folder may get that name: nothing has it, or by `force` a folder that will be replaced."""
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return Success(None)
    except OSError as error:
        return Failure(failed(folder, f"can't be used: {reason(error)}; give another directory"))
    if not force:
        return Failure(failed(folder, "is there already: give another directory, or force the download"))
    if stat.S_ISDIR(mode):
        return Success(None)
    what = "a symbolic link" if stat.S_ISLNK(mode) else "no folder"
    return Failure(failed(folder, f"is {what}, which is not replaced: remove it by hand, or give another directory"))


def within(folder: Path, name: str) -> Outcome[Path, FileFailed]:
    """Where a file of that name goes below the folder; names that lead elsewhere are refused."""
    place = PurePosixPath(name)
    parts = place.parts
    odd = place.is_absolute() or not parts or set(parts) & {"..", "."} or "\\" in name or ":" in name
    if odd or not name.isprintable() or parts[-1].endswith(UNFINISHED):
        return Failure(
            failed(folder, f"would get a file {name!r}, which leads elsewhere or is no name; tell its owner")
        )
    return Success(folder.joinpath(*parts))


def unpack(archive: Path, folder: Path) -> Outcome[tuple[Path, ...], FileFailed]:
    """The files of an archive: regular ones only, none outside, none through a link, and none of a damaged one.

    They get a folder of their own: what had its name before goes, and it goes itself when they can't be had. So does an
    archive that is refused; one that the system can't unpack now, as on a full disk, stays for the next time.
    """
    try:
        files = then(discard(folder), lambda _: _unpacked(archive, folder))
    except OSError as error:
        _ = discard(folder)
        return Failure(failed(archive, f"can't be unpacked: {reason(error)}"))
    if isinstance(files, Failure):
        _, _ = discard(folder), discard(archive)
    return files


def gather(files: Sequence[Path], origin: Path, folder: Path) -> Outcome[tuple[Path, ...], FileFailed]:
    """Move files below `origin` to a folder of their own, so that nothing else is in it."""
    gathered = tuple(folder / file.relative_to(origin) for file in files)
    try:
        if isinstance(gone := discard(folder), Failure):
            return gone
        folder.mkdir(parents=True)
        for file, place in zip(files, gathered, strict=True):
            place.parent.mkdir(parents=True, exist_ok=True)
            _ = file.replace(place)
    except OSError as error:
        return Failure(failed(folder, f"can't be written: {reason(error)}"))
    return Success(gathered)


def discard(path: Path) -> Outcome[None, FileFailed]:
    """Remove a file, or a folder and all that is in it, if it is there."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        return Failure(failed(path, f"can't be removed: {reason(error)}; remove it by hand, and download it again"))
    return Success(None)


def settle(beside: Path, folder: Path) -> Outcome[None, FileFailed]:
    """Give a finished folder its name, in the place of what had it before, which stays whole until that is done."""
    before = beside.with_name("before")
    try:
        if folder.is_dir() and not folder.is_symlink():
            if isinstance(gone := discard(before), Failure):
                return gone
            _ = folder.rename(before)
        try:
            _ = beside.replace(folder)
        except OSError:
            with suppress(FileNotFoundError):
                _ = before.rename(folder)
            raise
    except OSError as error:
        return Failure(failed(folder, f"can't be written: {reason(error)}"))
    _ = discard(before)
    return Success(None)


def _unpacked(archive: Path, folder: Path) -> Outcome[tuple[Path, ...], FileFailed]:
    """It is read to its end, where compressed archives have their check; the system's own refusals are raised."""
    unpacked: list[Path] = []
    try:
        folder.mkdir(parents=True)
        with archive.open("rb") as packed, _Archive.open(fileobj=packed) as opened:
            most = min(LARGEST, max(_HARMLESS, _GROWTH * archive.stat().st_size))
            for place, member in _members(opened, folder, most):
                if isinstance(place, Failure):
                    return place
                source = opened.extractfile(member)
                if source is not None:
                    opened.bounded.left = member.size
                    with source, _begun(place.unwrap(), member.name) as file:
                        shutil.copyfileobj(source, file)
                unpacked.append(place.unwrap())
            whole = _ends(opened.bounded.stream, opened.offset, most)
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error) or type(error).__name__  # each compression has exceptions of its own, odd headers any
        return Failure(_damaged(archive, said.splitlines()[0].rstrip(":")))
    if not whole:
        return Failure(_damaged(archive, "it does not end as archives do"))
    if not unpacked:
        return Failure(failed(archive, "holds no files: save the checkpoint anew, or tell the server's operators"))
    return Success(tuple(dict.fromkeys(unpacked)))


def _members(
    opened: tarfile.TarFile, folder: Path, most: int
) -> Iterator[tuple[Outcome[Path, FileFailed], tarfile.TarInfo]]:
    """Where each member goes; folders are made as they are needed."""
    total = reached = 0
    for count, member in enumerate(opened, 1):
        if member.size < 0 or opened.offset <= reached:
            raise tarfile.ReadError(f"{member.name!r} ends before it begins")
        reached = opened.offset
        total += member.size
        if count > MOST_FILES or max(total, reached) > most:
            size = f"{MOST_FILES} files" if count > MOST_FILES else f"{most} bytes"
            yield Failure(failed(folder, f"would get more than {size} from this archive; tell its owner")), member
        elif member.isreg():
            yield within(folder, member.name.removeprefix("./")), member
        elif not member.isdir():
            what = f"would get {member.name!r}, which is no file but a link or a device"
            yield Failure(failed(folder, what)), member


def _begun(file: Path, name: str) -> BinaryIO:
    """The file of a member, in the place of an earlier one of that name; it can't be where a folder has to be."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("wb")
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise tarfile.ReadError(f"{name!r} needs the place of another file") from error


def _ends(stream: BinaryIO, end: int, most: int) -> bool:
    """Whether an archive ends after the last of its files: by zeros, at least a block of them and nothing else."""
    _ = stream.seek(end)
    zeros = 0
    while (read := stream.read(_CHUNK)) and not read.strip(b"\0") and zeros <= most:
        zeros += len(read)
    return not read and zeros >= tarfile.BLOCKSIZE


def _damaged(archive: Path, why: str) -> FileFailed:
    return failed(archive, f"can't be unpacked, as it is damaged or no archive ({why}): download it again")


def _is_file(path: Path) -> bool:
    """Whether it is a file. What can't be looked at counts as none: writing it will say why."""
    try:
        return path.is_file()
    except OSError:
        return False
