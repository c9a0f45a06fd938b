"""A credential is exchanged where the server wants it, renewed in time, and shown to nobody."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest
from msgspec import structs
from returns.result import Failure, Success
from rich.pretty import pretty_repr

from tests.plans.routed import KEY, Routes, a_second_later
from tests.plans.scripted import BROKEN, Line, reply
from tests.plans.test_steps import new_run, steps_of
from tinkex_py import errors
from tinkex_py.endpoints.keys import get_api_key
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.endpoints.steps import load_weights
from tinkex_py.outcome import Outcome
from tinkex_py.plans.authentication import Authentication
from tinkex_py.plans.effects import Plan, Unready, attempt, sleep, together
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.startup import presented as shown
from tinkex_py.request import Address, Encoded, Secret
from tinkex_py.types.credentials import AuthToken, Claims, Token, claims, expired, origin, received, well_formed
from tinkex_py.types.keys import KeyDetails
from tinkex_py.types.service import GetServerCapabilitiesResponse
from tinkex_py.types.stored import GeneratedKey, ManualKey

EXCHANGE = reply(200, {"pjwt_auth_enabled": True})
INVALID = reply(401, {"detail": "no"}, www_authenticate='Bearer error="invalid_token"')
REFUSED = reply(401, {"detail": "no"})
ANSWERED = reply(200, {})
GONE = errors.MissingCredentials(message="gone")
LIFE = 1000.0


def jwt(name: str, **said: object) -> str:
    encoded = urlsafe_b64encode(json.dumps({"sub": name, **said}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{encoded}.signature"


def token(name: str) -> Line:
    return reply(200, {"jwt": jwt(name, iat=0, exp=LIFE)})


def routes(*tokens: Line, answers: tuple[Line, ...] = (ANSWERED,)) -> Routes:
    return Routes(client_config=EXCHANGE, auth_token=tokens, get_server_capabilities=answers)


def ask() -> Plan[GetServerCapabilitiesResponse]:
    return call(get_server_capabilities(), Policy(seconds=300))


def at(*times: float) -> Plan[list[Outcome[GetServerCapabilitiesResponse]]]:
    found: list[Outcome[GetServerCapabilitiesResponse]] = []
    for earlier, later in zip((0.0, *times), times, strict=False):
        yield from sleep(later - earlier)
        found.append((yield from attempt(ask())))
    return found


def presented(server: Routes, operation: str = "get_server_capabilities") -> list[str | None]:
    sent = [credential for name, credential in server.sent if name == operation]
    return [said.sub if credential and (said := claims(credential)) else credential for credential in sent]


def test_the_key_is_exchanged_and_goes_nowhere_else() -> None:
    server = routes(token("a"))
    assert isinstance(server.run(ask()), Success)
    assert server.operations == ["client_config", "auth_token", "client_dynamic_config", "get_server_capabilities"]
    shown = [presented(server, name)[0] for name in server.operations]
    assert shown == [KEY, KEY, "a", "a"]


def test_a_token_is_renewed_behind_the_scenes_at_half_its_life() -> None:
    server = routes(token("a"), token("b"))
    server.run(at(0.0, 449.0, 451.0, 452.0))
    assert presented(server) == ["a", "a", "a", "b"]


def test_a_failed_renewal_rests_for_a_minute_while_the_old_token_serves() -> None:
    server = routes(token("a"), BROKEN, token("b"))
    server.run(at(0.0, 460.0, 500.0, 521.0, 522.0))
    assert presented(server) == ["a", "a", "a", "a", "b"]
    assert server.operations.count("auth_token") == 3


def test_a_token_with_a_minute_left_is_renewed_before_it_is_used() -> None:
    server = routes(token("a"), token("b"))
    server.run(at(0.0, 941.0))
    assert presented(server) == ["a", "b"]


def test_a_living_token_serves_when_it_cannot_be_renewed_and_a_dead_one_does_not() -> None:
    server = routes(token("a"), BROKEN)
    outcomes = server.run(at(0.0, 950.0, 1000.0)).unwrap()
    assert [type(each) for each in outcomes] == [Success, Success, Failure]
    assert isinstance(outcomes[-1].failure(), errors.ConnectionFailed)
    assert presented(server) == ["a", "a"]


def test_a_refused_credential_is_told_at_once() -> None:
    server = routes(token("a"), reply(401, {"detail": "revoked"}))
    first, second = server.run(at(0.0, 950.0)).unwrap()
    assert isinstance(first, Success)
    assert isinstance(second.failure(), errors.Unauthorized)
    assert "revoked" in second.failure().message
    assert server.operations.count("auth_token") == 2


def test_a_token_that_is_not_taken_is_replaced_once_and_the_request_sent_again() -> None:
    server = routes(token("a"), token("b"), answers=(INVALID, ANSWERED))
    assert isinstance(server.run(ask()), Success)
    assert presented(server) == ["a", "b"]


def test_a_second_refusal_is_the_answer() -> None:
    server = routes(token("a"), token("b"), answers=(INVALID,))
    assert isinstance(server.run(ask()).failure(), errors.Unauthorized)
    assert (presented(server), server.operations.count("auth_token")) == (["a", "b"], 2)


def handed_out(server: Routes, *times: float) -> list[Outcome[str | None]]:
    def plan() -> Plan[list[Outcome[str | None]]]:
        found: list[Outcome[str | None]] = []
        for earlier, later in zip((0.0, *times), times, strict=False):
            yield from sleep(later - earlier)
            found.append((yield from attempt(shown(server.startup))))
        return found

    return server.run(plan()).unwrap()


def test_a_token_is_handed_out_with_life_in_it_or_not_at_all() -> None:
    server = routes(token("a"), token("b"), BROKEN)
    *living, dead = handed_out(server, 0.0, 941.0, 942.0, 2000.0)
    first, second = (jwt(name, iat=0, exp=LIFE) for name in "ab")
    assert living == [Success(first), Success(second), Success(second)]
    assert isinstance(dead.failure(), errors.ConnectionFailed)


def test_a_credential_is_handed_out_as_the_source_has_it_then() -> None:
    server, printed = printing("tml-1", "tml-2")
    assert handed_out(server, 0.0, 1.0) == [Success("tml-1"), Success("tml-2")]
    assert printed == ["tml-1", "tml-2"]


def test_a_credential_that_cannot_be_had_any_more_is_not_handed_out() -> None:
    server, _ = answering(Success(KEY), Failure(GONE))
    assert handed_out(server, 0.0, 1.0) == [Success(KEY), Failure(GONE)]


def test_a_token_that_comes_again_counts_as_another() -> None:
    server = routes(token("a"), answers=(INVALID, ANSWERED))
    assert isinstance(server.run(ask()), Success)
    assert presented(server) == ["a", "a"]


def test_the_life_of_a_token_that_does_not_say_when_it_was_issued_is_counted_on_the_clock_of_its_server() -> None:
    answer = structs.replace(reply(200, {"jwt": jwt("a", exp=LIFE)}, date="Thu, 01 Jan 1970 00:00:00 GMT"), at=1e9)
    server = routes(answer, token("b"))
    server.run(at(0.0, 449.0, 451.0, 452.0))
    assert presented(server) == ["a", "a", "a", "b"]


def test_another_401_is_final() -> None:
    server = routes(token("a"), answers=(reply(401),))
    assert isinstance(server.run(ask()).failure(), errors.Unauthorized)
    assert presented(server) == ["a"]


def test_a_replacement_that_is_refused_is_the_answer() -> None:
    server = routes(token("a"), reply(401, {"detail": "revoked"}), answers=(INVALID,))
    assert "revoked" in server.run(ask()).failure().message


def test_concurrent_refusals_share_one_exchange() -> None:
    server = routes(token("a"), token("b"), answers=(INVALID, INVALID, INVALID, ANSWERED))
    outcomes = server.run(together([ask(), ask(), ask()])).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 3
    assert server.operations.count("auth_token") == 2


def test_a_refusal_of_a_token_that_was_replaced_meanwhile_needs_no_exchange() -> None:
    server = routes(token("a"), token("b"), token("c"), answers=(INVALID, 5.0, ANSWERED, INVALID, ANSWERED))
    outcomes = server.run(together([ask(), ask()])).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 2
    assert presented(server) == ["a", "a", "b", "b"]
    assert server.operations.count("auth_token") == 2


def test_an_exchange_that_cannot_be_read_keeps_what_it_holds_to_itself() -> None:
    server = routes(reply(200, {"token": jwt("a")}))
    error = server.run(ask()).failure()
    assert isinstance(error, errors.Undecodable)
    assert (error.excerpt, "eyJ" in repr(error)) == ("", False)


def from_source(answer: Callable[[str], Outcome[str]], *tokens: Line) -> Routes:
    server = routes(*tokens)
    server.startup.authentication = Authentication(source=answer)
    return server


def test_the_credential_is_asked_for_anew_for_each_exchange() -> None:
    asked: list[str] = []

    def source(preferred: str) -> Outcome[str]:
        asked.append(preferred)
        return Success(f"tml-{len(asked)}")

    preferring = reply(200, {"pjwt_auth_enabled": True, "credential_default_source": "credential_cmd"})
    server = from_source(source, token("a"))
    server.lines["client_config"] = [preferring]
    server.run(ask())
    assert asked == ["api_key", "credential_cmd"]
    assert [presented(server, name) for name in ("client_config", "auth_token")] == [["tml-1"], ["tml-2"]]


def printing(*credentials: str, **lines: Line | tuple[Line, ...]) -> tuple[Routes, list[str]]:
    """A client whose command prints these, the last one again and again, where none is exchanged; and what it did."""
    server, printed = Routes(**lines), list[str]()

    def source(_: str) -> Outcome[str]:
        printed.append(credentials[min(len(printed), len(credentials) - 1)])
        return Success(printed[-1])

    server.startup.authentication.source = source
    return server, printed


def answering(*answers: Outcome[str], **lines: Line | tuple[Line, ...]) -> tuple[Routes, list[float]]:
    """A client whose source answers with these, the last one again and again; and when it was asked."""
    server, asked = Routes(**lines), list[float]()

    def source(_: str) -> Outcome[str]:
        asked.append(asyncio.get_running_loop().time())
        return answers[min(len(asked), len(answers)) - 1]

    server.startup.authentication = Authentication(source=source)
    return server, asked


def test_a_credential_serves_until_it_is_refused_and_the_request_is_sent_again_with_another() -> None:
    answers = (ANSWERED, ANSWERED, REFUSED, ANSWERED)
    server, printed = printing("tml-1", "tml-2", get_server_capabilities=answers)
    outcomes = server.run(at(0.0, 1000.0, 2000.0, 3000.0)).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 4
    assert presented(server) == ["tml-1", "tml-1", "tml-1", "tml-2", "tml-2"]
    assert printed == ["tml-1", "tml-2"]


def test_a_credential_that_is_refused_at_the_first_request_is_asked_for_again() -> None:
    server, _ = printing("tml-1", "tml-2", get_server_capabilities=(REFUSED, ANSWERED))
    assert isinstance(server.run(ask()), Success)
    assert presented(server) == ["tml-1", "tml-2"]


def test_a_refused_credential_is_not_presented_again() -> None:
    server, printed = printing("tml-1", get_server_capabilities=REFUSED)
    assert isinstance(server.run(ask()).failure(), errors.Unauthorized)
    assert (presented(server), len(printed)) == (["tml-1"], 2)


def test_a_credential_is_replaced_once_for_a_request() -> None:
    server, printed = printing("tml-1", "tml-2", "tml-3", get_server_capabilities=REFUSED)
    assert isinstance(server.run(ask()).failure(), errors.Unauthorized)
    assert (presented(server), len(printed)) == (["tml-1", "tml-2"], 2)


def test_a_source_that_has_no_other_credential_says_why() -> None:
    server, asked = answering(Success("tml-1"), Failure(GONE), get_server_capabilities=REFUSED)
    assert server.run(ask()) == Failure(GONE)
    assert (presented(server), asked) == (["tml-1"], [0.0, 0.0, 1.0, 6.0, 21.0])


def test_a_source_that_fails_for_a_moment_costs_nothing_that_is_under_way() -> None:
    answers = Success("tml-1"), Failure(GONE), Failure(GONE), Success("tml-2")
    taken = tuple(reply(200, {"request_id": each}) for each in ("r", "s"))
    server, asked = answering(*answers, optim_step=taken, retrieve_future=(REFUSED, reply(200, {"metrics": None})))
    outcomes = server.run(steps_of(new_run(), 2)).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 2
    assert presented(server, "optim_step") == ["tml-1", "tml-2"]
    assert asked == [0.0, 0.0, 1.0, 6.0]


def test_a_step_whose_result_no_credential_may_ask_for_is_said_to_be_taken() -> None:
    taken = tuple(reply(200, {"request_id": each}) for each in ("r", "s"))
    questions = (REFUSED, reply(200, {"metrics": None}))
    refused = Routes(optim_step=taken, retrieve_future=questions)
    lost, _ = answering(Success("tml-1"), *[Failure(GONE)] * 4, optim_step=taken, retrieve_future=questions)
    for server, kind in ((refused, errors.Unauthorized), (lost, errors.MissingCredentials)):
        failed, following = server.run(steps_of(new_run(), 2)).unwrap()
        error = failed.failure()
        assert isinstance(error, kind)
        assert error.message.endswith(
            "Step 1 was taken all the same, only its result can't be asked for: don't submit it again"
        )
        assert isinstance(following, Success)


def test_a_source_that_never_answered_is_not_asked_again() -> None:
    server, asked = answering(Failure(GONE))
    assert (server.run(ask()), asked) == (Failure(GONE), [0.0])


def test_all_who_wait_for_another_credential_share_one_run_of_the_command() -> None:
    answers = (REFUSED, 0.5, REFUSED, REFUSED, ANSWERED)
    server, printed = printing("tml-1", "tml-2", get_server_capabilities=answers)
    server.call = a_second_later
    outcomes = server.run(together([ask(), ask(), ask()])).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 3
    assert sorted(filter(None, presented(server))) == ["tml-1"] * 3 + ["tml-2"] * 3
    assert printed == ["tml-1", "tml-2"]


def test_a_refusal_of_a_credential_that_was_replaced_meanwhile_needs_no_run() -> None:
    answers = (REFUSED, 5.0, ANSWERED, REFUSED, ANSWERED)
    server, printed = printing("tml-1", "tml-2", get_server_capabilities=answers)
    outcomes = server.run(together([ask(), ask()])).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 2
    assert (presented(server), printed) == (["tml-1", "tml-1", "tml-2", "tml-2"], ["tml-1", "tml-2"])


def test_a_step_that_is_sent_again_with_another_credential_has_its_number_and_key() -> None:
    accepted, done = (reply(200, {"request_id": each}) for each in ("r", "s")), reply(200, {"metrics": None})
    server, _ = printing("tml-1", "tml-2", optim_step=(REFUSED, *accepted), retrieve_future=done)
    outcomes = server.run(steps_of(new_run(), 2)).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 2
    assert presented(server, "optim_step") == ["tml-1", "tml-2", "tml-2"]
    sent = [(each.body, headers) for each, headers in server.asked if each.operation == "optim_step"]
    assert sent[0] == sent[1]
    assert [b'"seq_id":2' in body.content for body, _ in sent if isinstance(body, Encoded)] == [False, False, True]


def test_a_source_that_takes_no_time_is_asked_where_the_plan_runs() -> None:
    server = from_source(lambda _: Success("tml-own"), token("a"))
    server.startup.authentication.slow = False
    assert isinstance(server.run(ask()), Success)
    assert presented(server, "auth_token") == ["tml-own"]


def test_without_a_credential_nothing_is_sent() -> None:
    missing = errors.MissingCredentials(message="none")
    server = from_source(lambda _: Failure(missing))
    assert (server.run(ask()), server.sent) == (Failure(missing), [])


def test_a_renewal_with_a_server_that_is_not_trusted_just_then_is_made_later() -> None:
    untrusted = Unready(errors.ConnectionFailed(message="the certificate is not trusted"))
    server = routes(token("a"), untrusted, token("b"))
    outcomes = server.run(at(0.0, 600.0, 610.0, 990.0)).unwrap()
    assert [type(each) for each in outcomes] == [Success] * 4
    assert presented(server)[-1] == "b"


def test_a_failed_exchange_is_tried_again_without_asking_for_the_flags() -> None:
    server = routes(BROKEN, token("a"))
    assert isinstance(server.run(ask()), Success)
    assert server.operations[:3] == ["client_config", "auth_token", "auth_token"]


def test_questions_about_the_key_carry_the_key_and_need_nothing_before() -> None:
    server = from_source(lambda _: Success(KEY))
    server.lines["get_api_key"] = [reply(200, {"key_id": 1, "name": "n", "note": "", "details": {}})]
    server.run(call(get_api_key(), Policy(seconds=1)))
    assert server.sent == [("get_api_key", KEY)]
    missing = errors.MissingCredentials(message="none")
    assert from_source(lambda _: Failure(missing)).run(call(get_api_key(), Policy(seconds=1))) == Failure(missing)


def test_a_credential_that_is_gone_by_the_time_of_the_exchange_is_told() -> None:
    server, _ = answering(Success(KEY), Failure(GONE), client_config=EXCHANGE)
    assert (server.run(ask()), server.operations) == (Failure(GONE), ["client_config"])


def test_a_source_that_raises_does_not_show_what_it_raised() -> None:
    def broken(_: str) -> Outcome[str]:
        raise RuntimeError(KEY)

    error = from_source(broken).run(ask()).failure()
    assert isinstance(error, errors.CallbackFailed)
    assert (error.reason, KEY in repr(error)) == ("RuntimeError", False)


def test_nothing_of_it_shows_a_credential() -> None:
    server = routes(token("a"))
    server.run(ask())
    shown = f"{server.startup!r} {server.startup.authentication} {AuthToken(jwt='eyJ-hush')} {server.events}"
    assert not [secret for secret in (KEY, "eyJ") if secret in shown]


HUSH = "hush-" * 30
ADDRESS = Address(f"https://files.example.test/archive?signature={HUSH}")


@pytest.mark.parametrize(
    "value",
    [
        Authentication(credential=HUSH, token=Token(jwt=HUSH, until=1.0)),
        AuthToken(jwt=HUSH),
        ManualKey(key=HUSH, name="a", note="mine"),
        GeneratedKey(key=HUSH, name="a", details=KeyDetails()),
        Secret(HUSH),
        ADDRESS,
        Encoded.of("application/json", HUSH.encode()),
        structs.replace(
            get_api_key(), address=ADDRESS, body=load_weights("tinker://a/weights/b", weights_access_token=HUSH).body
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_rich_shows_no_more_of_a_secret_than_its_owner_does(value: object) -> None:
    assert "hush" not in repr(value) + pretty_repr(value) + pretty_repr(value, max_string=50)


def test_claims_are_read_from_whatever_comes() -> None:
    assert claims(jwt("a", exp=7, other=[1])) == Claims(sub="a", exp=7)
    assert [claims(text) for text in ("", "a.b", "a.ü.c", "a.e30", jwt("a", exp="x"))] == [
        None,
        None,
        None,
        Claims(),
        None,
    ]


@pytest.mark.parametrize(
    ("credential", "answer"),
    [(jwt("a", exp=5), True), (jwt("a", exp=6), False), (jwt("a"), False), ("eyJ?", False), (KEY, False)],
)
def test_a_jwt_that_has_expired_says_so(credential: str, *, answer: bool) -> None:
    assert expired(credential, 5.0) is answer


def test_a_credential_begins_like_one() -> None:
    assert [well_formed(text) for text in (KEY, "eyJx", "sk-1", "")] == [True, True, False, False]


def test_the_life_of_a_token_is_counted_on_our_own_clock() -> None:
    aged = received(jwt("a", iat=5000, exp=5100), now=7.0, unix_time=1.0, share=0.5)
    assert structs.astuple(aged)[1:] == (107.0, 57.0)
    undated = received(jwt("a", exp=101), now=7.0, unix_time=1.0, share=0.5)
    assert structs.astuple(undated)[1:] == (107.0, 57.0)
    endless = received("eyJ?", now=7.0, unix_time=1.0, share=0.5)
    assert (endless, endless.due(9e9), endless.dying(9e9), endless.dead(9e9)) == (
        Token(jwt="eyJ?"),
        False,
        False,
        False,
    )


ORIGINS: dict[str, tuple[str | None, bool, bool, str, str]] = {
    "a key": (KEY, True, True, "api_key", "key"),
    "a key, but a command is wanted": (KEY, True, True, "credential_cmd", "command"),
    "a key, and no command to be had": (KEY, False, True, "credential_cmd", "command wanted"),
    "a token counts more": (jwt("a"), True, True, "credential_cmd", "key"),
    "a stored key, but a command is wanted": (None, True, True, "credential_cmd", "command"),
    "a stored key, and no command to be had": (None, False, True, "credential_cmd", "stored"),
    "a bad key and a command": ("sk", True, True, "api_key", "command"),
    "a bad key": ("sk", False, True, "api_key", "malformed"),
    "a command": (None, True, True, "api_key", "command"),
    "a stored key": (None, False, True, "api_key", "stored"),
    "nothing": (None, False, False, "api_key", "none"),
}


@pytest.mark.parametrize(("key", "command", "stored", "preferred", "where"), ORIGINS.values(), ids=ORIGINS)
def test_the_first_source_that_counts_is_taken(
    key: str | None, preferred: str, where: str, *, command: bool, stored: bool
) -> None:
    assert origin(key, command=command, stored=stored, preferred=preferred) == where
