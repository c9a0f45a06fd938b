"""The server on a loopback port, in a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from tests.local_server.driving import RANDOM, TEXT, Json
from tests.local_server.ports import serving
from tinkex_py.local.asgi import serve
from tinkex_py.local.incoming import LARGEST_BODY
from tinkex_py.local.signals import ending


def test_a_port_answers_as_the_server_does(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        body: Json = {"base_model": RANDOM, "prompt": TEXT, "sampling_params": {"max_tokens": 1}}
        promise = client.post("asample", json=body).json()
        output = client.post("retrieve_future", json={"request_id": promise["request_id"]}).json()
        assert len(output["sequences"]) == 1
        assert client.get("training_runs", params={"limit": 0}).status_code == 422
        assert client.get("samplers/a%2Fb").status_code == 404
        deleted = client.delete("training_runs/x/checkpoints/weights/a")
        assert deleted.json() == {"detail": "there is no checkpoint tinker://x/weights/a"}


LIMITED = """
import resource, sys
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
def refuse(*_):
    raise ValueError("not allowed")
if sys.argv[2] == "refuse":
    resource.setrlimit = refuse
from tinkex_py.local.asgi import serve
allowed = []
def announce(_address):
    allowed.extend(resource.getrlimit(resource.RLIMIT_NOFILE))
    raise KeyboardInterrupt
try:
    serve(directory=sys.argv[1], announce=announce)
except KeyboardInterrupt:
    print(allowed[0] > 64, allowed[1] == hard)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize(("system", "more"), [("allow", "True"), ("refuse", "False")])
def test_a_server_may_open_more_files_than_the_system_begins_with_if_that_lets_it(
    tmp_path: Path, system: str, more: str
) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path), system]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{more} True\n"


def test_a_port_may_demand_a_key(tmp_path: Path) -> None:
    with serving(tmp_path, "tml-secret") as (_, client):
        keys: tuple[dict[str, str], ...] = ({}, {"X-API-Key": "wrong"}, {"X-API-Key": "tml-secret"})
        assert [client.post("create_session", json={}, headers=key).status_code for key in keys] == [401, 401, 200]


def test_a_folder_has_one_server_until_that_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        session_id = client.post("create_session", json={}).json()["session_id"]
        assert "uses the folder" in serve(directory=str(tmp_path)).failure()
        assert client.post("session_heartbeat", json={"session_id": session_id}).status_code == 200
    with serving(tmp_path) as (_, client):
        assert client.get("healthz").status_code == 200


def test_a_body_that_is_too_large_is_413_also_for_who_listens_only_after_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        part = b" " * (1 << 20)
        count = LARGEST_BODY // len(part) + 1
        assert client.post("create_session", content=(part for _ in range(count))).status_code == 413
        plain = HTTPConnection("127.0.0.1", client.base_url.port, timeout=30)
        plain.request("POST", "/api/v1/create_session", body=bytes(count * len(part)))
        assert plain.getresponse().status == 413
        plain.close()


def test_a_body_that_is_too_large_is_not_sent_by_who_asks_before(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        head = f"POST /api/v1/asample HTTP/1.1\r\nhost: local\r\ncontent-length: {LARGEST_BODY + 1}\r\n"
        with socket.create_connection(("127.0.0.1", client.base_url.port), timeout=30) as connection:
            connection.sendall(f"{head}expect: 100-continue\r\n\r\n".encode())
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413")


def test_a_request_to_upgrade_is_answered_as_a_plain_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as (_, client):
        reply = client.get("healthz", headers={"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c"})
        assert (reply.status_code, capfd.readouterr().err) == (200, "")


def held_poll(client: httpx.Client, request_id: str) -> socket.socket:
    """A connection on which a question for a result has been sent, and that the server has read."""
    content = json.dumps({"request_id": request_id}).encode()
    connection = socket.create_connection(("127.0.0.1", client.base_url.port), timeout=30)
    head = f"POST /api/v1/retrieve_future HTTP/1.1\r\nhost: local\r\ncontent-length: {len(content)}\r\n\r\n"
    connection.sendall(head.encode() + content)
    for _ in range(2):
        assert client.get("healthz").status_code == 200
    return connection


@pytest.mark.parametrize("number", ending())
def test_a_signal_ends_it_although_a_poll_is_held(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as (process, client):
        session_id = client.post("create_session", json={}).json()["session_id"]
        model = client.post("create_model", json={"session_id": session_id, "base_model": RANDOM}).json()
        step: Json = {"model_id": model["model_id"], "seq_id": 2, "adam_params": {}}
        with held_poll(client, client.post("optim_step", json=step).json()["request_id"]) as connection:
            process.send_signal(number)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 408")
        rest, _ = process.communicate(timeout=30)
        assert (rest.strip(), process.returncode) == ("<Success: None>", 0)


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, client):
        port = client.base_url.port
        assert port is not None
        outcome = serve(port=port, directory=str(tmp_path))
        assert outcome.failure().startswith(f"can't serve on 127.0.0.1:{port}")


class Unannounced(Exception):  # noqa: N818 - what an announcement of a test ends in
    """The address could not be told."""


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_what_an_announcement_raises_ends_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, closed: bool
) -> None:
    def announce(_address: str) -> None:
        raise Unannounced

    if closed:
        monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(Unannounced):
        _ = serve(directory=str(tmp_path), announce=announce)
    assert capfd.readouterr() == ("", "")
    with serving(tmp_path) as (_, client):
        assert client.get("healthz").status_code == 200
