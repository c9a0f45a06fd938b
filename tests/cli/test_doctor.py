"""What the doctor finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import KEY, Stock, tinkex
from tests.clients.servers import keeping
from tinkex_py import Config, ServiceClient
from tinkex_py.cli.probes import probe


def findings(said: str) -> dict[str, tuple[str, str]]:
    return {each["about"]: (each["state"], each["finding"]) for each in json.loads(said)["findings"]}


def test_a_server_that_is_well_is_told_of(stock: Stock) -> None:
    result = stock.tinkex("doctor", "--format", "json")
    found = findings(result.stdout)
    assert (result.exit_code, found["server"], found["clock"]) == (
        0,
        ("good", stock.address),
        ("good", "as the server's"),
    )
    assert found["credential"] == ("good", "tml-***cdef, in TINKER_API_KEY or --api-key-file")
    assert found["dialect"] == ("good", "batches are sent as protobuf")
    assert found["models"] == ("good", "2: tinkex/tiny-english, tinkex/tiny-random")
    assert found["vintage"][1].startswith("0.36 or later")
    _ = found.pop("latency")  # how long an answer takes is the machine's
    assert {state for state, _ in found.values()} == {"good"}


def test_what_an_old_server_lacks_is_noted() -> None:
    answers: dict[str, tuple[int, object]] = {
        "get_server_capabilities": (200, {"supported_models": [{"model_name": "a"}]}),
        "training_runs": (200, {}),
    }
    with keeping(answers) as server:
        at = ("--base-url", server.address)
        result = tinkex("doctor", "--format", "json", *at, TINKER_API_KEY=KEY, TINKEX_DIALECT="json")
    found = findings(result.stdout)
    assert result.exit_code == 0
    assert found["session search"] == ("note", "not there (known since 0.36)")
    assert found["vintage"][1].startswith("0.7 or later")
    assert "training runs" not in found


@pytest.mark.parametrize("held", ["get_server_capabilities", "training_runs", "healthz"])
def test_a_server_that_holds_questions_is_waited_for_once(held: str) -> None:
    with keeping({"get_server_capabilities": (200, {"supported_models": []})}) as server:
        server.held.add(held)
        with ServiceClient(Config(base_url=server.address, api_key=KEY, dialect="json")) as service:
            found = probe(service, 1.0)
    assert held != "healthz" or found.latency is None
    assert len(server.bodies(held)) == 1


def test_a_server_that_is_not_there_is_bad_and_says_what_to_do() -> None:
    result = tinkex("doctor", "--base-url", "http://127.0.0.1:9", TINKER_API_KEY=KEY)
    assert result.exit_code == 1
    assert "access\tbad\t" in result.stdout
    assert "look at --base-url or TINKER_BASE_URL" in result.stdout


@pytest.mark.parametrize("answer", [(404, "nginx"), (200, []), (405, "x"), (401, {"detail": "no"})], ids=str)
def test_whoever_asks_the_doctor_is_not_sent_to_the_doctor(answer: tuple[int, object]) -> None:
    with keeping({"get_server_capabilities": answer}) as server:
        result = tinkex("doctor", "--format", "json", "--base-url", server.address, TINKER_API_KEY=KEY)
    (access,) = (each for each in json.loads(result.stdout)["findings"] if each["about"] == "access")
    assert (result.exit_code, "tinkex doctor" in access["to_do"], "tinkex run list" in access["to_do"]) == (
        1,
        False,
        False,
    )


def test_a_missing_key_is_bad_and_says_what_to_do(stock: Stock) -> None:
    result = tinkex("doctor", "--base-url", stock.address)
    assert (result.exit_code, "run tinkex auth login" in result.stdout) == (1, True)


def test_the_key_is_never_shown(stock: Stock) -> None:
    assert KEY not in stock.tinkex("doctor", "-vv").output


def test_a_file_of_keys_that_can_be_nowhere_does_not_matter_where_a_key_is_given(stock: Stock) -> None:
    given = {"TINKER_API_KEY": KEY, "TINKEX_CREDENTIALS_FILE": "~nobody-of-this-name/credentials.json"}
    result = tinkex("doctor", "--format", "json", "--base-url", stock.address, **given)
    found = findings(result.stdout)
    assert found["credential"] == ("good", "tml-***cdef, in TINKER_API_KEY or --api-key-file")


def test_a_client_that_cannot_be_opened_is_told_of_with_the_settings_that_were_asked_for(tmp_path: Path) -> None:
    result = tinkex(
        "doctor", "--format", "json", "--base-url", "http://127.0.0.1:9", TINKEX_CREDENTIALS_FILE=str(tmp_path)
    )
    found, said = findings(result.stdout), f"{tmp_path} is no file"
    assert result.exit_code == 1
    assert found["server"] == ("good", "http://127.0.0.1:9")
    assert [(found[about][0], found[about][1].startswith(said)) for about in ("credential", "access")] == [
        ("bad", True),
        ("bad", True),
    ]
