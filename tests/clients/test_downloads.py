"""Checkpoints brought to this machine from servers that answer oddly."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import httpx
import pytest
from returns.result import Failure, Success
from typing_extensions import override

from tests.clients.fronts import error_of
from tests.clients.test_losses import Speechless
from tinkex_py import ServiceClient, or_raise
from tinkex_py.clients.downloads import Downloaded, Progress, download_checkpoint
from tinkex_py.errors import CallbackFailed, CapabilityMissing, FileFailed, Forbidden, InvalidInput, NotFound
from tinkex_py.outcome import Outcome
from tinkex_py.plans.downloads import Piece
from tinkex_py.runtime.files import Arriving

TAG = '"one"'
PATH = "tinker://run/weights/a"
NAME = "run_weights_a"
_PATIENCE = 9
"""Questions after which the server has had enough."""


class Archives:
    """A server with one archive: its answers to questions for bytes, over and over; keeps where these begin.

    `instead` is its answer to a question for the archive's address, of which `addresses` are counted.
    """

    def __init__(self, *answers: httpx.Response, expires: str = "2100-01-01T00:00:00Z") -> None:
        self.asked: list[str] = []
        self.addresses = 0
        self.patience = _PATIENCE
        self.instead: httpx.Response | None = None
        self._answers = answers
        self._expires = expires

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/archive"):
            if self.instead is not None:
                return httpx.Response(self.instead.status_code, content=self.instead.content)
            self.addresses += 1
            return httpx.Response(200, json={"url": f"http://files.test/{self.addresses}", "expires": self._expires})
        if request.url.path.endswith("/external_weights_urls"):
            return httpx.Response(200, json={"urls": {}})
        if request.url.host != "files.test":
            return httpx.Response(404)
        self.asked.append(request.headers["range"].removeprefix("bytes=").partition("-")[0])
        if len(self.asked) > self.patience:
            return httpx.Response(404)
        given = self._answers[(len(self.asked) - 1) % len(self._answers)]
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    def download(
        self,
        directory: Any,
        progress: Progress = lambda _name, _came, _total: None,
        path: str = PATH,
        *,
        force: bool = False,
    ) -> Outcome[Downloaded]:
        transport = httpx.MockTransport(self)
        with ServiceClient(base_url="http://server.test", api_key="tml-key", transport=transport) as service:
            return download_checkpoint(service, path, directory, force=force, progress=progress)


class Endless(Archives):
    """A server with a file that has always one more byte."""

    @override
    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "files.test":
            return super().__call__(request)
        start = request.headers["range"].removeprefix("bytes=").partition("-")[0]
        self.asked.append(start)
        return httpx.Response(206, headers={"content-range": f"bytes {start}-{start}/*"}, content=b"a")


@pytest.mark.parametrize("kind", ["weights", "sampler_weights"])
def test_a_checkpoint_that_is_not_there_is_not_taken_for_something_that_the_server_can_not_do(
    tmp_path: Path, kind: str
) -> None:
    server = Archives()
    server.instead = httpx.Response(404, json={"detail": f"there is no checkpoint tinker://run/{kind}/a"})
    error = error_of(NotFound, server.download(tmp_path, path=f"tinker://run/{kind}/a"))
    assert error.detail == f"there is no checkpoint tinker://run/{kind}/a"


PAGES = {
    "none": httpx.Response(404),
    "a framework's": httpx.Response(404, json={"detail": "Not Found"}),
    "a proxy's": httpx.Response(404, text="<html><body><h1>404 Not Found</h1><hr>nginx/1.27</body></html>"),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_weights_to_sample_from_can_not_be_had_of_a_server_without_archives(
    tmp_path: Path, page: httpx.Response
) -> None:
    server = Archives()
    server.instead = page
    error = error_of(CapabilityMissing, server.download(tmp_path, path="tinker://run/sampler_weights/a"))
    assert error.message.endswith("save the model with save_state instead")


def nothing(said: str | None) -> httpx.Response:
    return httpx.Response(416, headers={} if said is None else {"content-range": said})


def archive(*, link: bool = False, **files: bytes) -> httpx.Response:
    """An archive of these files, and of a link if there is to be one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            packed.addfile(member)
    return httpx.Response(200, content=buffer.getvalue())


def some(start: int) -> httpx.Response:
    return httpx.Response(206, headers={"content-range": f"bytes {start}-{start + 1}/100"}, content=b"ab")


def begun(directory: Path, came: bytes, validator: str | None = TAG) -> None:
    """A download that another process began."""
    beside = directory / f"{NAME}.partial"
    or_raise(Arriving(beside / "archive.tar", beside / "notes" / "archive.tar").take(Piece(0, came, None, validator)))


WITHHELD = {
    "from the beginning": ((nothing("bytes */100"),), 0, ["0"]),
    "unsaid": ((nothing(None),), 0, ["0"]),
    "again": ((nothing("bytes */100"),), 7, ["7", "0"]),
    "again and again": ((some(0), nothing("bytes */100")), 0, ["0", "2", "0", "2"]),
}


@pytest.mark.parametrize(("answers", "came", "asked"), WITHHELD.values(), ids=WITHHELD)
def test_a_server_that_withholds_a_file_is_not_asked_for_ever(
    tmp_path: Path, answers: tuple[httpx.Response, ...], came: int, asked: list[str]
) -> None:
    begun(tmp_path, bytes(came))
    server = Archives(*answers)
    error = error_of(FileFailed, server.download(tmp_path))
    assert "gives no bytes of archive.tar" in error.message
    assert server.asked == asked


def test_an_archive_that_has_come_is_not_asked_for_again(tmp_path: Path) -> None:
    whole = archive(weights=b"2").content
    begun(tmp_path, whole)
    server = Archives(nothing(f"bytes */{len(whole)}"))
    found = or_raise(server.download(tmp_path))
    assert (server.asked, found.files[0].read_bytes()) == ([str(len(whole))], b"2")


def test_an_archive_that_there_is_no_room_to_unpack_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive(weights=b"2").content
    headers = {"content-range": f"bytes 0-{len(whole) - 1}/{len(whole)}", "etag": TAG}
    server = Archives(httpx.Response(206, headers=headers, content=whole), nothing(f"bytes */{len(whole)}"))

    def full(_source: object, _target: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", full)
        assert os.strerror(errno.ENOSPC) in error_of(FileFailed, server.download(tmp_path)).message
    assert or_raise(server.download(tmp_path)).files[0].read_bytes() == b"2"
    assert server.asked == ["0", str(len(whole))]
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_an_archive_that_can_not_be_told_from_others_is_begun_anew_by_another_download(tmp_path: Path) -> None:
    whole = archive(weights=b"2").content
    begun(tmp_path, whole[:50], None)
    server = Archives(
        httpx.Response(206, headers={"content-range": f"bytes 0-49/{len(whole)}"}, content=whole[:50]),
        httpx.Response(206, headers={"content-range": f"bytes 50-{len(whole) - 1}/{len(whole)}"}, content=whole[50:]),
    )
    assert or_raise(server.download(tmp_path)).files[0].read_bytes() == b"2"
    assert server.asked == ["0", "50"]


def pieces(whole: bytes) -> tuple[httpx.Response, httpx.Response]:
    """An archive in two."""
    ends = ((0, 50), (50, len(whole)))
    first, second = (
        httpx.Response(206, headers={"content-range": f"bytes {a}-{z - 1}/{len(whole)}"}, content=whole[a:z])
        for a, z in ends
    )
    return first, second


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_address_that_has_ended_is_asked_for_anew_and_the_download_goes_on(tmp_path: Path, status: int) -> None:
    first, second = pieces(archive(weights=b"2").content)
    server = Archives(first, httpx.Response(status, text="Request has expired"), second)
    assert or_raise(server.download(tmp_path)).files[0].read_bytes() == b"2"
    assert (server.asked, server.addresses) == (["0", "50", "50"], 2)


def test_an_address_that_should_have_ended_is_used_while_it_works(tmp_path: Path) -> None:
    server = Archives(*pieces(archive(weights=b"2").content), expires="2020-01-01T00:00:00Z")
    assert or_raise(server.download(tmp_path)).files[0].read_bytes() == b"2"
    assert (server.asked, server.addresses) == (["0", "50"], 1)


def test_an_address_that_is_refused_at_once_is_asked_for_once_more(tmp_path: Path) -> None:
    server = Archives(httpx.Response(403, text="Access denied"))
    assert "Access denied" in error_of(Forbidden, server.download(tmp_path)).message
    assert (server.asked, server.addresses) == (["0", "0"], 2)


def test_a_file_whose_server_never_says_its_size_ends(tmp_path: Path) -> None:
    server = Endless()
    assert "neither its size nor its end" in error_of(FileFailed, server.download(tmp_path)).message
    assert len(server.asked) == 2049


def test_an_export_without_files_is_none(tmp_path: Path) -> None:
    error = error_of(FileFailed, Archives().download(tmp_path, path="tinker://run/external_weights/a"))
    assert "names no files" in error.message


def test_nothing_of_a_refused_archive_is_among_the_files_of_the_next(tmp_path: Path) -> None:
    server = Archives(archive(stray=b"1", link=True), archive(weights=b"2"))
    assert "which is no file" in error_of(FileFailed, server.download(tmp_path)).message
    assert list(tmp_path.iterdir()) == []
    found = or_raise(server.download(tmp_path))
    assert [each.name for each in tmp_path.iterdir()] == [NAME]
    assert list(found.folder.iterdir()) == list(found.files) == [tmp_path / NAME / "weights"]


@pytest.mark.parametrize("directory", [None, 5, b"here", "a\0b", "\ud800", ["here"]], ids=ascii)
def test_what_can_be_no_directory_is_refused_before_anything_is_asked(directory: object) -> None:
    server = Archives(archive(weights=b"2"))
    error = error_of(InvalidInput, server.download(directory))
    assert (error.path, server.asked) == ("directory", [])


@pytest.mark.parametrize("letters", [300, 240])
def test_a_checkpoint_with_a_name_that_no_folder_can_have_is_a_failure(tmp_path: Path, letters: int) -> None:
    path = f"tinker://{'r' * letters}/weights/a"
    error = error_of(FileFailed, Archives(archive(weights=b"2")).download(tmp_path, path=path))
    assert os.strerror(errno.ENAMETOOLONG) in error.message


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    server = Archives(archive(weights=b"2"))
    (tmp_path / "file").touch()
    assert "can't be used" in error_of(FileFailed, server.download(tmp_path / "file")).message


def test_a_progress_that_raises_is_a_failure_and_what_has_come_stays(tmp_path: Path) -> None:
    def progress(_name: str, _came: int, _total: int | None) -> None:
        raise ValueError("no screen")

    server = Archives(archive(weights=b"2"))
    error = error_of(CallbackFailed, server.download(tmp_path, progress))
    assert (error.callback, error.reason) == ("progress", "ValueError: no screen")
    assert [each.name for each in tmp_path.iterdir()] == [f"{NAME}.partial"]


def test_a_progress_that_cant_say_what_happened_is_a_failure_too(tmp_path: Path) -> None:
    def progress(_name: str, _came: int, _total: int | None) -> None:
        raise Speechless

    error = error_of(CallbackFailed, Archives(archive(weights=b"2")).download(tmp_path, progress))
    assert error.reason == "Speechless: it can't say what happened"


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_not_kept_from_it(tmp_path: Path, ending: type[BaseException]) -> None:
    def progress(_name: str, _came: int, _total: int | None) -> None:
        raise ending

    with pytest.raises(ending):
        _ = Archives(archive(weights=b"2")).download(tmp_path, progress)


def test_of_several_downloads_into_one_folder_one_wins_and_the_others_say_so(tmp_path: Path) -> None:
    server, begins, others = Archives(archive(weights=b"2")), Event(), Barrier(4)

    def progress(_name: str, _came: int, _total: int | None) -> None:
        begins.set()
        _ = others.wait(60)

    def other() -> Outcome[Downloaded]:
        outcome = server.download(tmp_path)
        _ = others.wait(60)
        return outcome

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(server.download, tmp_path, progress)
        assert begins.wait(60)
        refused = [threads.submit(other) for _ in range(3)]
        assert all("under way" in error_of(FileFailed, each.result()).message for each in refused)
        assert or_raise(first.result()).files[0].read_bytes() == b"2"
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_downloads_at_once_never_raise_and_leave_one_folder(tmp_path: Path) -> None:
    server = Archives(archive(weights=b"2"))
    server.patience = 1000

    def download(_number: int) -> Outcome[Downloaded]:
        return server.download(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(download, range(64)))
    assert len([each for each in outcomes if isinstance(each, Success)]) == 1
    refused = [error_of(FileFailed, each).message for each in outcomes if isinstance(each, Failure)]
    assert all("under way" in each or "is there already" in each for each in refused)
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_a_link_is_not_replaced_and_nothing_is_asked(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / NAME).symlink_to(tmp_path / "there")
    server = Archives(archive(weights=b"2"))
    error = error_of(FileFailed, server.download(tmp_path, force=True))
    assert "is a symbolic link, which is not replaced" in error.message
    assert server.asked == []


def test_checkpoints_of_different_names_get_different_folders(tmp_path: Path) -> None:
    names = ("a", "a?b#c", "a&b=c", "a_b_c", "a%3Fb%23c", "größe")
    server = Archives(archive(a=b"a"))
    found = [or_raise(server.download(tmp_path, path=f"tinker://run/weights/{name}")).folder.name for name in names]
    assert len(set(found)) == len(names)
    assert (found[0], found[1], found[3], found[5]) == (NAME, f"{NAME}%3Fb%23c", f"{NAME}_b_c", "run_weights_größe")
