"""Files on their way, and archives from strangers."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import io
import lzma
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest

from tests.clients.fronts import error_of
from tinkex_py import Failure, Success, or_raise
from tinkex_py.errors import FileFailed
from tinkex_py.plans.downloads import Piece, Source
from tinkex_py.runtime.files import MOST_FILES, Arriving, discard, free, gather, settle, unpack, within

Compression: TypeAlias = Literal["gz", "bz2", "xz", "tar"]
OPENERS: dict[Compression, Any] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open, "tar": open}
TAG = '"one"'
MEMBERS = {"one": hashlib.shake_256(b"").digest(300), "two": b"", "three": b"3" * 900}


def packed(file: Path, compression: Compression = "gz", /, **members: bytes | tarfile.TarInfo) -> Path:
    with OPENERS[compression](file, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for name, member in members.items():
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            described = tarfile.TarInfo(name.replace("__", "/"))
            described.size = len(member)
            archive.addfile(described, io.BytesIO(member))
    return file


def read(file: Path, content: bytes) -> dict[str, bytes] | None:
    """What is unpacked of an archive with these bytes; None if it is refused with what to do."""
    _ = file.write_bytes(content)
    match unpack(file, file.with_name("to")):
        case Success(files):
            return {each.name: each.read_bytes() for each in files}
        case Failure(error):
            assert error.message.endswith("download it again")
            return None


def linked(name: str, kind: bytes, to: str = "/etc/passwd") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


def arriving(folder: Path) -> Arriving:
    return Arriving(folder / "a" / "file", folder / "notes" / "file")


def test_a_file_is_whole_with_its_last_piece(tmp_path: Path) -> None:
    file = arriving(tmp_path)
    or_raise(file.take(Piece(0, b"ab", 4)))
    assert (file.whole, file.size) == (False, 2)
    or_raise(file.take(Piece(2, b"cd", 4)))
    assert (file.whole, file.size, file.file.read_bytes()) == (True, 4, b"abcd")


def test_a_piece_from_the_beginning_begins_anew(tmp_path: Path) -> None:
    file = arriving(tmp_path)
    or_raise(file.take(Piece(0, b"old and long", 40, TAG)))
    or_raise(file.take(Piece(0, b"new", 3, '"new"')))
    assert (file.file.read_bytes(), file.source) == (b"new", Source('"new"', 3))


def test_another_process_goes_on_with_a_file_that_can_be_told_from_others(tmp_path: Path) -> None:
    or_raise(arriving(tmp_path).take(Piece(0, b"ab", 4, TAG)))
    file = arriving(tmp_path)
    assert (file.size, file.source, file.whole) == (2, Source(TAG, 4), False)
    or_raise(file.take(Piece(2, b"cd", 4, TAG)))
    assert (arriving(tmp_path).size, arriving(tmp_path).whole) == (4, False)


NOTES = {
    "none": None,
    "of a file that can't be told from others": b'{"validator": null, "total": 4}',
    "broken": b'{"validator": "',
    "without end": b'{"more": ' + b"[" * 100_000,
    "that would end a header": b'{"validator": "\\"one\\"\\r\\n"}',
}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)
def test_another_process_begins_anew_without_a_note(tmp_path: Path, note: bytes | None) -> None:
    or_raise(arriving(tmp_path).take(Piece(0, b"ab", 4, TAG)))
    place = tmp_path / "notes" / "file"
    place.unlink() if note is None else place.write_bytes(note)
    assert (arriving(tmp_path).size, arriving(tmp_path).source.validator) == (0, None)


def test_files_are_gathered_in_a_folder_of_their_own(tmp_path: Path) -> None:
    origin, folder = tmp_path / "from", tmp_path / "to"
    for place in (origin / "stray", origin / "a" / "b", folder / "before"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    assert or_raise(gather([origin / "a" / "b"], origin, folder)) == (folder / "a" / "b",)
    assert [each.relative_to(folder).as_posix() for each in folder.rglob("*")] == ["a", "a/b"]
    assert isinstance(gather([origin / "a" / "b"], origin, folder), Failure)


ODD = ("/etc/passwd", "../up", "a/../../up", "", ".", "C:\\x", "a\\b", "a\x1bb", "file.partial")


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    assert isinstance(within(tmp_path, name), Failure)


def test_a_file_with_a_name_that_none_can_have_is_not_there_and_can_not_be_written(tmp_path: Path) -> None:
    file = Arriving(tmp_path / ("a" * 300), tmp_path / "note")
    assert (file.whole, file.size) == (False, 0)
    assert isinstance(file.take(Piece(0, b"a", 1)), Failure)


def test_a_name_is_free_or_taken_or_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert free(tmp_path / "free", force=False) == free(tmp_path, force=True) == Success(None)
    for name in ("", "file", "link"):
        assert "is there already" in error_of(FileFailed, free(tmp_path / name, force=False)).message
    for name in ("file/below", "a" * 300):
        assert "can't be used" in error_of(FileFailed, free(tmp_path / name, force=True)).message


@pytest.mark.parametrize("to", ["folder", "nowhere"])
def test_only_a_folder_is_replaced(tmp_path: Path, to: str) -> None:
    link, file, folder = tmp_path / "link", tmp_path / "file", tmp_path / "folder"
    folder.mkdir()
    file.touch()
    link.symlink_to(tmp_path / to)
    for place, what in ((link, "a symbolic link"), (file, "no folder")):
        assert f"{place} is {what}" in error_of(FileFailed, free(place, force=True)).message
        assert "None" not in error_of(FileFailed, settle(folder, place)).message
    assert link.is_symlink()


def test_an_archive_is_unpacked_with_its_folders(tmp_path: Path) -> None:
    files = or_raise(unpack(packed(tmp_path / "a.tar.gz", one=b"1", sub__two=b"2"), tmp_path / "to"))
    assert [(each.relative_to(tmp_path / "to").as_posix(), each.read_bytes()) for each in files] == [
        ("one", b"1"),
        ("sub/two", b"2"),
    ]


STRANGE = {
    "symbolic link": linked("link", tarfile.SYMTYPE),
    "hard link": linked("link", tarfile.LNKTYPE),
    "device": linked("device", tarfile.CHRTYPE),
    "upwards": linked("../up", tarfile.REGTYPE),
    "absolute": linked("/up", tarfile.REGTYPE),
}


@pytest.mark.parametrize("member", STRANGE.values(), ids=STRANGE)
def test_an_archive_can_not_write_elsewhere(tmp_path: Path, member: tarfile.TarInfo) -> None:
    assert isinstance(unpack(packed(tmp_path / "a.tar.gz", odd=member), tmp_path / "to"), Failure)
    assert {each.name for each in tmp_path.iterdir()} <= {"a.tar.gz", "to"}


def test_an_archive_can_not_fill_a_disk(tmp_path: Path) -> None:
    claims = tarfile.TarInfo("weights")
    claims.size = 2 << 30
    _ = (tmp_path / "a.tar.gz").write_bytes(gzip.compress(claims.tobuf() + bytes(1 << 20)))
    match unpack(tmp_path / "a.tar.gz", tmp_path / "to"):
        case Failure(error):
            assert "would get more than 1073741824 bytes" in error.message
        case _:
            pytest.fail("it was unpacked")
    assert not (tmp_path / "to").exists()


def described(kind: bytes) -> bytes:
    """The headers of a member that says of itself what it is called, in 2 MB, or where all of it is."""
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, 2 << 20
    if kind != tarfile.GNUTYPE_SPARSE:
        return header.tobuf(tarfile.USTAR_FORMAT) + b"a" * header.size
    header.size = 0
    first = bytearray(header.tobuf(tarfile.USTAR_FORMAT))
    first[482] = 1
    first[148:156] = b"%06o\0 " % (sum(first[:148]) + sum(first[156:]) + 8 * ord(" "))
    places = b"00000000001\0" * 42
    others = (places + b"\1").ljust(tarfile.BLOCKSIZE, b"\0") * 4096
    return bytes(first) + others + places.ljust(tarfile.BLOCKSIZE, b"\0")


LONG = {
    "name": tarfile.GNUTYPE_LONGNAME,
    "link": tarfile.GNUTYPE_LONGLINK,
    "extended": tarfile.XHDTYPE,
    "global": tarfile.XGLTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
}


@pytest.mark.parametrize("before", [b"", tarfile.TarInfo("one").tobuf()], ids=["first", "later"])
@pytest.mark.parametrize("kind", LONG.values(), ids=LONG)
def test_headers_that_would_fill_the_memory_are_not_read(tmp_path: Path, before: bytes, kind: bytes) -> None:
    archive = before + described(kind) + tarfile.TarInfo("two").tobuf() + bytes(2 * tarfile.BLOCKSIZE)
    assert read(tmp_path / "a", gzip.compress(archive)) is None


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE], ids=["files", "folders"])
def test_an_archive_can_not_fill_the_memory_with_members(tmp_path: Path, kind: bytes) -> None:
    _ = (tmp_path / "a").write_bytes(linked("one", kind, "").tobuf() * (MOST_FILES + 1) + bytes(2 * tarfile.BLOCKSIZE))
    assert f"more than {MOST_FILES} files" in error_of(FileFailed, unpack(tmp_path / "a", tmp_path / "to")).message
    assert not (tmp_path / "a").exists()


def test_an_archive_with_long_names_is_unpacked(tmp_path: Path) -> None:
    names = ["/".join(["n" * 200] * 3) + f"/{number}" for number in range(3)]
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = b"".join(tarfile.TarInfo(name).tobuf(form) for name in names) + bytes(2 * tarfile.BLOCKSIZE)
        assert read(tmp_path / "a", gzip.compress(archive)) == {"0": b"", "1": b"", "2": b""}


@pytest.mark.parametrize("members", [{}, {"sub": linked("sub", tarfile.DIRTYPE, "")}], ids=["nothing", "a folder"])
def test_an_archive_without_files_is_no_checkpoint(tmp_path: Path, members: dict[str, tarfile.TarInfo]) -> None:
    error = error_of(FileFailed, unpack(packed(tmp_path / "a", **members), tmp_path / "to"))
    assert "holds no files" in error.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE], ids=["a file", "a folder"])
@pytest.mark.parametrize("size", [-1, -512, -1024])
def test_a_member_that_ends_before_it_begins_is_damage(tmp_path: Path, kind: bytes, size: int) -> None:
    one, back = tarfile.TarInfo("one"), linked("two", kind, "")
    back.size = size
    archive = one.tobuf() + back.tobuf(tarfile.GNU_FORMAT) + bytes(2 * tarfile.BLOCKSIZE)
    assert read(tmp_path / "a", archive) is None


def test_of_two_members_of_one_name_the_later_one_is_a_file(tmp_path: Path) -> None:
    members = {"one": b"1", "./one": b"2", "sub//two": b"3"}
    files = or_raise(unpack(packed(tmp_path / "a", **members), tmp_path / "to"))
    assert [(each.relative_to(tmp_path / "to").as_posix(), each.read_bytes()) for each in files] == [
        ("one", b"2"),
        ("sub/two", b"3"),
    ]


@pytest.mark.parametrize("members", [("one", "one/two"), ("one/two", "one")], ids=["a file", "a folder"])
def test_a_member_in_the_place_of_another_is_damage(tmp_path: Path, members: tuple[str, str]) -> None:
    archive = packed(tmp_path / "a", **dict.fromkeys(members, b"1"))
    assert read(archive, archive.read_bytes()) is None
    assert not archive.exists()


def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path) -> None:
    _ = (tmp_path / "a").write_bytes(b"what?")
    match unpack(tmp_path / "a", tmp_path / "to"):
        case Failure(error):
            assert "can't be unpacked" in error.message
        case _:
            pytest.fail("it was unpacked")


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_compressed_archive_gives_no_other_bytes_whichever_of_its_own_is_another(
    tmp_path: Path, compression: Compression
) -> None:
    whole = packed(tmp_path / "a", compression, **MEMBERS).read_bytes()
    damaged = (bytes([*whole[:place], whole[place] ^ 0x55, *whole[place + 1 :]]) for place in range(len(whole)))
    found = [read(tmp_path / "a", each) for each in damaged]
    assert all(each in (None, MEMBERS) for each in found)
    assert found.count(None) > len(found) // 2


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz", "tar"])
def test_an_archive_that_is_cut_is_refused_wherever_that_is(tmp_path: Path, compression: Compression) -> None:
    whole = packed(tmp_path / "a", compression, **MEMBERS).read_bytes()
    end = len(whole.rstrip(b"\0")) if compression == "tar" else len(whole)
    lengths = range(0, end, 256 if compression == "tar" else 1)
    assert [read(tmp_path / "a", whole[:length]) for length in lengths] == [None] * len(lengths)


@pytest.mark.parametrize("header", [b"x", bytes(tarfile.BLOCKSIZE)], ids=["other bytes", "zeros"])
def test_an_archive_with_a_broken_header_is_refused_wherever_that_is(tmp_path: Path, header: bytes) -> None:
    whole = packed(tmp_path / "a", "tar", **MEMBERS).read_bytes()
    for name in MEMBERS:
        place = whole.index(name.encode())
        assert read(tmp_path / "a", whole[:place] + header + whole[place + len(header) :]) is None


def test_what_the_system_refuses_is_no_damage(tmp_path: Path) -> None:
    match unpack(packed(tmp_path / "a.tar.gz", **{"a" * 300: b"1"}), tmp_path / "to"):
        case Failure(error):
            assert error.message.endswith(os.strerror(errno.ENAMETOOLONG))
        case _:
            pytest.fail("it was unpacked")


def test_an_archive_gets_a_folder_of_its_own_which_goes_when_the_archive_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "to"
    folder.mkdir()
    _ = (folder / "before").write_bytes(b"old")
    _ = or_raise(unpack(packed(tmp_path / "a", one=b"1"), folder))
    assert [each.name for each in folder.iterdir()] == ["one"]
    refused = packed(tmp_path / "a", one=b"1", odd=linked("odd", tarfile.SYMTYPE))
    assert isinstance(unpack(refused, folder), Failure)
    assert not folder.exists()


def test_what_is_discarded_is_gone_or_the_reason_is_said(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    file.touch()
    assert isinstance(discard(file / "below"), Failure)
    assert [discard(each) for each in (file, folder, folder)] == [Success(None)] * 3
    assert list(tmp_path.iterdir()) == []


def test_a_finished_folder_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        _ = (tmp_path / name / name).write_bytes(b"")
    or_raise(settle(tmp_path / "new", tmp_path / "old"))
    assert [each.name for each in (tmp_path / "old").iterdir()] == ["new"]
    assert [each.name for each in tmp_path.iterdir()] == ["old"]


def test_a_folder_that_can_not_be_replaced_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        _ = (folder / folder.name).write_bytes(b"")

    def refused(*_paths: object, **_options: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    for owner, name in ((Path, "rename"), (Path, "replace"), (shutil, "rmtree")):
        (tmp_path / "before").mkdir()
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, refused)
            assert os.strerror(errno.EACCES) in error_of(FileFailed, settle(new, old)).message
        assert [each.name for each in old.iterdir()] == ["old"]
        assert [each.name for each in new.iterdir()] == ["new"]
        _ = discard(tmp_path / "before")
    or_raise(settle(new, old))
    assert [each.name for each in old.iterdir()] == ["new"]


def test_what_is_left_of_the_folder_before_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    (old / "read-only").mkdir()

    def refused(_path: Path) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refused)
        or_raise(settle(new, old))
    assert list(old.iterdir()) == []
