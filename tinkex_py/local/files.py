"""What clients download: checkpoints as archives, exported weights file by file, traces of sessions."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from email.utils import formatdate
from hashlib import sha256
from pathlib import Path

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.local.answers import answer, refusal
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.links import LIFETIME, expiry, link
from tinkex_py.local.records import KINDS, CheckpointId
from tinkex_py.local.sessions import trace
from tinkex_py.local.state import State
from tinkex_py.local.store import RECORD_FILE, Stored
from tinkex_py.request import Reply

_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


def archive(state: State, stored: Stored, request: Incoming) -> Reply:
    """GET /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/archive: where a tar.gz of it is

    As a redirect to those who name gzip (clients up to 0.15 do, beside the JSON that they name always), else as JSON.
    """
    checkpoint = stored.record.id
    state.usage.note("checkpoint_read", checkpoint.run_id, checkpoint.path)
    url = link(state, request, ("archive", *checkpoint, f"{checkpoint.name}.tar.gz"))
    accepted = " ".join(value for name, value in request.headers if name == "accept")
    if "gzip" not in accepted:
        return answer({"url": url, "expires": expiry(state)})
    return Reply(status=302, headers=(("location", url), ("expires", formatdate(state.now() + LIFETIME, usegmt=True))))


def external_weights_urls(state: State, stored: Stored, request: Incoming) -> Reply:
    """GET /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/external_weights_urls"""
    checkpoint = stored.record.id
    if checkpoint.kind != "external_weights":
        return refusal(400, f"{checkpoint.path} is no export: make one with save_weights_external")
    state.usage.note("checkpoint_read", checkpoint.run_id, checkpoint.path)
    names = [path.name for path in _files(stored.folder)]
    urls = {name: link(state, request, ("file", *checkpoint, name)) for name in names}
    return answer({"urls": urls, "expires": expiry(state)})


def download(state: State, token: str, request: Incoming) -> Reply:
    """GET /api/v1/files/{token}/{name}: what an address of this server leads to; 403 once it has expired

    A range of bytes is answered with 206. The ETag tells the content from any other: If-Match and If-Range hold to it.
    """
    return _asked_for(_whole(state, token), request)


def _whole(state: State, token: str) -> Reply:
    match state.signer.claims(token, state.now()):
        case Success({"aud": "file", "place": ["trace", session_id]}) if session_id in state.sessions:
            return answer(trace(state, state.sessions[session_id]))
        case Success({"aud": "file", "place": ["archive" | "file" as what, run_id, kind, name, file]}):
            return _of_checkpoint(state, CheckpointId(run_id, KINDS[kind], name), None if what == "archive" else file)
        case Success(_):
            return refusal(404, "what this address led to is gone")
        case Failure(reason):
            return refusal(403, f"this address is {reason}: ask for a new one")


def _of_checkpoint(state: State, checkpoint: CheckpointId, file: str | None) -> Reply:
    stored = state.store.find(checkpoint, state.now())
    if stored is None:
        return refusal(404, f"there is no checkpoint {checkpoint.path} any more")
    if file is None:
        return _bytes(_packed(stored.folder), "application/gzip")
    return _bytes((stored.folder / file).read_bytes(), "application/octet-stream")


def _bytes(content: bytes, content_type: str) -> Reply:
    return Reply(status=200, headers=(("content-type", content_type),), body=content)


def _asked_for(whole: Reply, request: Incoming) -> Reply:
    """What was asked for of an answer that holds all: nothing if another content was expected, or a range of its bytes.

    Several ranges, and odd ones, get it all, as does a range of another content.
    """
    if whole.status != 200:
        return whole
    tag = f'"{sha256(whole.body).hexdigest()}"'
    if request.header("if-match") not in {None, "*", tag}:
        return refusal(412, "what this address leads to is not what it was", {"etag": tag})
    tagged = structs.replace(whole, headers=(*whole.headers, ("etag", tag)))
    return _ranged(tagged, request.header("range") or "") if request.header("if-range") in {None, tag} else tagged


def _ranged(whole: Reply, asked: str) -> Reply:
    said = _RANGE.fullmatch(asked)
    if said is None or (said[2] and int(said[2]) < int(said[1])):
        return whole
    start, total = int(said[1]), len(whole.body)
    if start >= total:
        return Reply(status=416, headers=(("content-range", f"bytes */{total}"),))
    end = min(int(said[2]) if said[2] else total, total - 1)
    place = ("content-range", f"bytes {start}-{end}/{total}")
    return Reply(status=206, headers=(*whole.headers, place), body=whole.body[start : end + 1])


def _packed(folder: Path) -> bytes:
    """The same bytes each time, since they are asked for in pieces: without the time at which they are packed."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archived,
    ):
        for path in _files(folder):
            archived.add(path, arcname=path.name, recursive=False)
    return buffer.getvalue()


def _files(folder: Path) -> list[Path]:
    """What the engine saved: everything but the server's own record."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name != RECORD_FILE)
