"""What docs/settings.md says of the three clients' defaults: data, and the page made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tinkex_py.config import Config
from tinkex_py.config.environment import VARIABLES
from tinkex_py.config.profiles import PROFILES
from tinkex_py.plans.dispatch import Dispatch
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.telemetry import BATCH, INTERVAL
from tinkex_py.request import TRANSIENT, UNLESS_CONFLICT, Repeat
from tinkex_py.runtime.thread import CLOSING
from tinkex_py.types.retries import RetryConfig
from tinkex_py.types.service import ClientConfigResponse


def _statuses(repeat: Repeat) -> str:
    return ", ".join([*map(str, sorted(repeat.statuses)), "5xx but 501"])


class Default(NamedTuple):
    """One row: what it is, the setting of `Config` (or of the retries' `Policy`), and the other clients' values."""

    meaning: str
    setting: str
    python: str
    elixir: str


DEFAULTS: tuple[Default, ...] = (
    Default("address of the server", "base_url", "the same", "the same"),
    Default("credential", "api_key", "argument, then TINKER_API_KEY", "argument, then TINKER_API_KEY"),
    Default("command that prints the credential", "credential_cmd", "TINKER_CREDENTIAL_CMD", "-"),
    Default("file of stored keys (None: `~/.tinker/credentials.json`)", "credentials_file", "the same", "-"),
    Default("`Authorization: Bearer` besides `X-API-Key`", "bearer", "never", "never"),
    Default("Cloudflare Access id", "cloudflare_access_client_id", "from the environment", "from the environment"),
    Default(
        "Cloudflare Access secret", "cloudflare_access_client_secret", "from the environment", "from the environment"
    ),
    Default("project", "project_id", "TINKER_PROJECT_ID", "application configuration"),
    Default("tags of the session", "tags", "TINKER_TAGS", "`tinkex-elixir`"),
    Default("metadata of the session", "user_metadata", "argument", "argument"),
    Default("name of the session", "display_name", "argument", "-"),
    Default("further headers", "default_headers", "`default_headers_overrides`", "`default_headers`"),
    Default("further query", "default_query", "-", "`default_query`"),
    Default("release of the protocol that is spoken", "sdk_version", "its own", "0.15.0"),
    Default("encoding of batches (None: found out)", "dialect", "protobuf", "JSON"),
    Default("whose HTTP numbers", "parity", "-", "`:python`, which is that of release 0.7"),
    Default("transport", "transport", "pyqwest; httpx by a server's flag", "Finch"),
    Default("proxy", "proxy", "from the environment only", "accepted, without effect"),
    Default("headers for the proxy", "proxy_headers", "-", "accepted, without effect"),
    Default("REST calls: in all", "timeout", "300 s, renewed by its HTTP layer", "none"),
    Default("making a client, its model included (None: as `timeout`)", "call_timeout", "none", "5 s"),
    Default("loading a checkpoint into a new client (None: as `timeout`)", "load_timeout", "none", "none"),
    Default("queued work without progress", "progress_timeout", "7200 s, for samples", "7200 s, for samples"),
    Default("queued work in all", "promise_timeout", "none", "none"),
    Default("connecting", "connect_timeout", "5 s; 30 s with pyqwest", "Finch's"),
    Default("one answer", "read_timeout", "60 s; 120 s in effect with pyqwest", "60 s; 120 s with `:beam`"),
    Default("one question for a promise", "poll_timeout", "45 s; 90 s in effect with pyqwest", "45 s"),
    Default("sign of life of a session", "heartbeat_interval", "10 s", "10 s"),
    Default("attempts of one request", "max_attempts", "11, times an outer layer's for 300 s", "11; 3 with `:beam`"),
    Default("first delay before a repetition", "first", "0.5 s", "0.5 s"),
    Default("longest delay", "longest", "10 s; 30 s in the outer layer", "10 s"),
    Default("share of a delay that is left to chance", "jitter", "0.25; none in the outer layer", "0.25"),
    Default("connections of each purpose", "max_connections", "50 of each HTTP client; 1000 in 0.7", "5 to 1000"),
    Default("connections kept open", "max_keepalive_connections", "20 in 0.7", "as many as there are"),
    Default("connections of single purposes", "pool_sizes", "-", "by environment and application configuration"),
    Default("largest answer, in bytes", "max_response_bytes", "none", "none"),
    Default("largest headers of an answer, in bytes", "max_header_bytes", "none", "none"),
    Default("level of the log", "log", "TINKER_LOG", "TINKER_LOG"),
    Default("telemetry to the server", "telemetry", "on", "on"),
    Default("ask what the server can do first", "check_capabilities", "never", "never"),
    Default("failures that open the circuit breaker", "circuit_failures", "-", "5, not wired in"),
    Default("how long it stays open", "circuit_reset", "-", "30 s, not wired in"),
    Default("send the current OpenTelemetry span along", "otel_propagate", "never", "off"),
)


class Figure(NamedTuple):
    """One row about a number that no setting has, or that only a call or a server's flag sets."""

    meaning: str
    ours: str
    python: str
    elixir: str


FLAGS, DISPATCH, WISHES = ClientConfigResponse(), Dispatch(), RetryConfig()
FIGURES: tuple[Figure, ...] = (
    Figure("retried statuses", _statuses(TRANSIENT), "408, 409, 429, 5xx", "408, 409, 429, 5xx"),
    Figure("retried where a 409 has a meaning", _statuses(UNLESS_CONFLICT), "as above", "as above"),
    Figure(
        "Retry-After heeded",
        "any that fits the time left, on every status",
        "up to 60 s; not by polls and samples",
        "on 429 only",
    ),
    Figure("`x-should-retry`", "heeded, but `false` after a step's fault", "heeded by the inner layer", "heeded"),
    Figure("a step's submission, in all", "`progress_timeout`", "300 s", "none"),
    Figure(
        "pause after a 402, and for how long",
        f"5 s, {FLAGS.billing_exception_max_pause_duration_sec} s",
        "5 s, 3600 s",
        "none: an error",
    ),
    Figure(
        "polling after a fault or a broken connection",
        "1 s doubled to 30 s, with jitter",
        "at once after 5xx; 1 s doubled to 30 s",
        "at once; 1 s doubled to 30 s",
    ),
    Figure("404 after creation", "30 s", "an error", "an error"),
    Figure("samples submitted at once", f"{DISPATCH.places.capacity:g}", "400", "400, polling included"),
    Figure(
        "samples submitted at once after a 429",
        f"{DISPATCH.careful.capacity:g}, for 10 s",
        "10, for 10 s",
        "10, for 10 s",
    ),
    Figure("bytes of samples submitted at once", f"{DISPATCH.room.capacity:.0f}", "10485760", "5242880"),
    Figure(
        "pause after a 429",
        "Retry-After, else 1 s, 5 s after a large prompt",
        "1 s or 5 s",
        "1 s or 5 s, plus Retry-After",
    ),
    Figure(
        "samples under way at once",
        f"the server's flag ({FLAGS.sample_max_concurrent_requests}); with a `RetryConfig` its `max_connections` "
        f"({WISHES.max_connections}) where that is less",
        "1000, or the server's flag (2000)",
        "1000",
    ),
    Figure(
        "delay before a lost sample is asked for anew",
        f"{WISHES.retry_delay_base} s doubled to {WISHES.retry_delay_max} s, ±{WISHES.jitter_factor:.0%}",
        "0.5 s doubled to 10 s, ±25%",
        "0.5 s doubled to 10 s, ±25%",
    ),
    Figure(
        "data and bytes of a chunk",
        f"{FLAGS.fwdbwd_max_chunk_len}, {FLAGS.fwdbwd_max_chunk_bytes_count}",
        "1024, 5000000",
        "1024, 5000000",
    ),
    Figure(
        "bytes of batches under way, and encoded ahead",
        f"{FLAGS.fwdbwd_dispatch_bytes_semaphore_size} each",
        "50000000 under way",
        "none",
    ),
    Figure(
        "bytes of large answers fetched at once",
        f"{FLAGS.inflight_response_bytes_semaphore_size}",
        "52428800",
        "5242880",
    ),
    Figure(
        "a heartbeat's own time, and a word about silence",
        "10 s, after 120 s",
        "20 s, after 120 s",
        "10 s, after 120 s",
    ),
    Figure("events of telemetry in a batch, and how often", f"{BATCH}, {INTERVAL:g} s", "100, 10 s", "100, 10 s"),
    Figure("a batch of telemetry that fails", "dropped", "dropped", "3 repetitions"),
    Figure("closing", f"{CLOSING:g} s", "30 s, for its telemetry", "30 s, for its telemetry"),
)

INTRODUCTION = """\
# Settings

`Config` is one frozen value; `Config.from_env(os.environ)` reads it from the environment, and a client made without
one does that itself. Arguments of a client win over both. Nothing secret shows in its repr.

```python
from tinkex_py import Config, Success

assert Config.from_env({"TINKEX_PARITY": "elixir"}) == Success(Config(max_attempts=3, parity="elixir"))
assert "0123456789ab" not in repr(Config(api_key="tml-0123456789abcdef"))
```
"""
CREDENTIALS = """\
## Credentials

A key begins with `tml-`, a JWT with `eyJ`; anything else that is given as the key is refused before a request is sent.
What a command prints is sent as it is, and the server judges it. The key that was given (argument, then TINKER_API_KEY)
is taken, else the output of the command, else the default key of the file. A key with another beginning is passed over
when there is a command. Where the server exchanges credentials and wants a command's (`credential_default_source`), the
command is taken before a `tml-` key that was given, and such a key alone is refused. The file belongs to its owner only
(mode 0600, in a folder of mode 0700); one that others can reach is refused, and the failure names the command that
mends it.

Where the server asks for it (`pjwt_auth_enabled`), the credential is exchanged for a short-lived token, which then goes
with everything else. It is renewed at about half its life, and replaced when the server no longer takes it.

The command runs for 30 s at most, and what it prints is shown nowhere. It runs before the client's first request, each
exchange for a token and each question about the key itself. Where no token is exchanged, what it printed goes with all
requests until the server answers 401: then it runs again, and if it prints something else, the request is sent once
more with that. All requests that wait for it share one run. A command that fails then, having worked before, runs again
after 1, 5 and 15 s before anything fails. `tinkex_py.auth.get_tinker_token` renews a token that is
about to end before it hands it out; where none is exchanged, it runs the command.
"""
LIMITS = """\
## Certificates, proxies and limits

Where an authority of your own makes the server's certificate, put that authority's certificate into a file (PEM), and
the file's name into the environment variable `SSL_CERT_FILE`; both transports read it. A certificate that is not
trusted is a ConnectionFailed that says so, at once.

A proxy is gone through that `proxy` names, else the one that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names for an address,
unless NO_PROXY names the server: a host or a domain, either with its port if need be, or a network such as 10.0.0.0/8.
The user and the password for it stand in its address, percent-encoded: `http://user:p%40ss@host:3128`. Where it wants
to know who asks (407), an operation ends at once, as repetitions could lock the user out. Results and
samples that are waited for are asked for again all the same, as it may do so in the middle of a run. To a server
without TLS, the proxy reads all that is sent, the credential too.

No answer costs more than its limit, whatever it claims to be: `max_response_bytes` counts its body as it comes and
unpacked, `max_header_bytes` its headers. What exceeds one is a ResponseTooLarge that names the setting. Compression in
more than three layers or in a zstd window of more than 128 MB is refused, and so are a fifth redirect in a row and one
to another origin.
"""


def settings_page() -> str:
    """The page: variables, parity, credentials, and the defaults side by side."""
    notice = "<!-- Written by docs/generate.py from the code: change the code, then run `make docs`. -->"
    sections = [notice, INTRODUCTION, _variables(), CREDENTIALS, LIMITS, _parity(), _defaults(), _figures()]
    return "\n".join(sections)


def shown(setting: str) -> str:
    """Our own default, as code."""
    value = (
        getattr(Config(), setting, None) if setting in Config.__struct_fields__ else getattr(Policy(seconds=1), setting)
    )
    return f"`{value!r}`"


def _variables() -> str:
    rows = (f"| `{each.name}` | `{each.setting}` | {each.form} |" for each in VARIABLES)
    return "\n".join(("## The environment\n", "| Variable | Setting | Form |", "| --- | --- | --- |", *rows, ""))


def _parity() -> str:
    rows = (f"| `{name}` | {_numbers(numbers)} |" for name, numbers in PROFILES.items())
    head = (
        "## Parity\n",
        "A profile sets the numbers of another client's HTTP layer. A setting that you give another value keeps yours.",
        "`parity=` that is given to a client replaces the profile of its `Config`, and the numbers of that profile.\n",
        "| `parity` | Numbers |",
        "| --- | --- |",
    )
    return "\n".join((*head, *rows, ""))


def _numbers(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"`{setting}={number!r}`" for setting, number in numbers.items()) or "the defaults"


def _figures() -> str:
    rows = (f"| {' | '.join(figure)} |" for figure in FIGURES)
    head = (
        "## Other numbers, side by side\n",
        "These numbers are not settings: a call may change them (`RetryConfig`, `Policy`), or the server's flags do.\n",
        "| What | tinkex_py | Official SDK 0.38.0 | Elixir tinkex 0.4.0 |",
        "| --- | --- | --- | --- |",
    )
    return "\n".join((*head, *rows, ""))


def _defaults() -> str:
    rows = (
        f"| {row.meaning} | `{row.setting}` | {shown(row.setting)} | {row.python} | {row.elixir} |" for row in DEFAULTS
    )
    head = (
        "## Every default, side by side\n",
        "Seconds and bytes unless something else is said. `first`, `longest` and `jitter` are those of `Policy`.\n",
        "| What | Setting | tinkex_py | Official SDK 0.38.0 | Elixir tinkex 0.4.0 |",
        "| --- | --- | --- | --- | --- |",
    )
    return "\n".join((*head, *rows, ""))
