"""Credentials from the world outside: a command's output, and the file of stored keys. Neither is ever logged."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path
from stat import S_IMODE, S_ISVTX

import msgspec
from returns.result import Failure, Success

from tinkex_py.config import Config
from tinkex_py.errors import FileFailed, InvalidConfig, MissingCredentials, TinkerError
from tinkex_py.outcome import Outcome, then
from tinkex_py.types.credentials import Origin, expired, origin
from tinkex_py.types.files import failed, reason
from tinkex_py.types.kinds import fits_header
from tinkex_py.types.stored import NO_KEYS, VERSION, StoredKeys

DEFAULT_FILE = "~/.tinker/credentials.json"
PATIENCE = 30.0
"""Seconds that a credential command may take."""
LONGEST = 64 << 10
"""Bytes that a credential command may print, and characters that no credential exceeds."""
LARGEST = 1 << 20
"""Bytes that a file of stored keys may have."""

_MARK = 16
"""Bytes of the mark that ends what a command printed: so many, at random, are in no output."""
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_OTHERS, _OTHERS_WRITE = 0o077, 0o022
_POSIX = os.name == "posix"


def credentials_file(config: Config) -> Outcome[Path, InvalidConfig]:
    """Where the keys of these settings are stored."""
    place = config.credentials_file or DEFAULT_FILE
    try:
        file = Path(place).expanduser()
        _ = os.fsencode(file)
    except (RuntimeError, ValueError):  # nobody of that name has a home; a text that no path can be
        return Failure(_nowhere(place))
    return Failure(_nowhere(place)) if "\0" in place else Success(file)


def stored_keys(path: Path) -> Outcome[StoredKeys, FileFailed]:
    """The keys in that file, none when there is no file; refused when others may read or replace it."""
    try:
        if not path.exists():
            return Success(NO_KEYS)
        if not path.is_file():
            return Failure(failed(path, "is no file: set TINKEX_CREDENTIALS_FILE to the file that has the keys"))
        exposed = _exposed(path)
        content = b"" if exposed else path.read_bytes()[: LARGEST + 1]
    except OSError as error:
        return Failure(failed(path, f"can't be read ({reason(error)})"))
    return Failure(exposed) if exposed else _decoded(path, content)


def store_keys(path: Path, keys: StoredKeys) -> Outcome[None, FileFailed]:
    """Write the file, for its owner only, in one step: a reader sees the old one or the new one.

    Refused where it would be refused when it is read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
        exposed = _replaceable(path)
        if exposed is not None:
            return Failure(exposed)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")  # is made with 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                _ = file.write(msgspec.json.format(msgspec.json.encode(keys, enc_hook=dict), indent=2))
                file.flush()
                os.fsync(descriptor)
            _ = Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        return Failure(failed(path, f"can't be written ({reason(error)})"))
    return Success(None)


def command_output(command: str, *, patience: float = PATIENCE) -> Outcome[str, MissingCredentials]:
    """What the shell command prints until it ends, stripped; with all that it started, when it takes too long.

    Something that it left behind may keep the pipe open for ever, so the reading ends with a mark that is written
    there when the command has ended.
    """
    late, mark = threading.Event(), os.urandom(_MARK)
    source, sink = os.pipe()
    with (
        os.fdopen(source, "rb", 0) as printed,
        os.fdopen(sink, "wb", 0) as pipe,
        subprocess.Popen(  # noqa: S602 - the setting is a shell command
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            start_new_session=_POSIX,
        ) as process,
    ):
        waiter = threading.Thread(target=_wait, args=(process, patience, late, partial(pipe.write, mark)))
        waiter.start()
        try:
            output = _read(printed, mark)
            if len(output) > LONGEST and process.poll() is None:
                _end(process, threading.Event())
        finally:
            printed.close()  # a mark that the pipe had no room for fails then
            waiter.join()
        code = process.wait()
    return _judged(output, code, late=late.is_set())


class Credentials:
    """The credential of these settings, each time it is called for: a command runs anew, a file was read once."""

    def __init__(self, config: Config, stored: StoredKeys = NO_KEYS) -> None:
        self._config = config
        self._stored = stored.chosen

    def origin(self, preferred: str = "api_key") -> Origin:
        """Where it comes from."""
        command, stored = self._config.credential_cmd is not None, self._stored is not None
        return origin(self._config.api_key, command=command, stored=stored, preferred=preferred)

    def problem(self) -> TinkerError | None:
        """Why there can't be any."""
        return _PROBLEMS.get(self.origin())

    def __call__(self, preferred: str = "api_key") -> Outcome[str]:
        """The credential to present now, or why there is none; a JWT that has expired is none."""
        where = self.origin(preferred)
        return then(self._found(where), partial(_living, where))

    def _found(self, where: Origin) -> Outcome[str]:
        config, stored = self._config, self._stored
        if where == "command" and config.credential_cmd is not None:
            return command_output(config.credential_cmd)
        if where == "key" and config.api_key is not None:
            return Success(config.api_key)
        if where == "stored" and stored is not None:
            return Success(stored.key) if fits_header(stored.key) else Failure(_UNFIT)
        return Failure(_PROBLEMS[where])

    def __repr__(self) -> str:
        return f"Credentials({self.origin()!r})"


def credentials_of(config: Config) -> Outcome[Credentials]:
    """How these settings come to a credential; the file is read only when nothing else is given."""
    if config.api_key is not None or config.credential_cmd is not None:
        return _usable(Credentials(config))
    stored = then(credentials_file(config), stored_keys)
    return then(stored, lambda keys: _usable(Credentials(config, keys)))


def _usable(credentials: Credentials) -> Outcome[Credentials]:
    problem = credentials.problem()
    return Success(credentials) if problem is None else Failure(problem)


def _living(where: Origin, credential: str) -> Outcome[str]:
    if expired(credential, time.time()):
        what, setting = _TOKENS[where]
        message = f"{what} a token that has expired by the clock of this machine: get a new one, or set the clock"
        return Failure(InvalidConfig(message=message, setting=setting, value="***"))
    return Success(credential)


def _wait(
    process: subprocess.Popen[bytes], patience: float, late: threading.Event, write_mark: Callable[[], object]
) -> None:
    try:
        _ = process.wait(patience)
    except subprocess.TimeoutExpired:
        _end(process, late)
    with suppress(OSError):
        _ = write_mark()


def _read(printed: FileIO, mark: bytes) -> bytes:
    """What comes before the mark, or more than the longest."""
    output = b""
    while mark not in output and len(output) <= LONGEST + len(mark):
        output += printed.read(LONGEST)
    return output.partition(mark)[0]


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        if _POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _judged(output: bytes, code: int, *, late: bool) -> Outcome[str, MissingCredentials]:
    text = output.decode("utf-8", "replace").strip()
    if late:
        return Failure(_no_output("took too long"))
    if len(output) > LONGEST:
        return Failure(_no_output(f"printed more than {LONGEST} bytes"))
    if code != 0:
        return Failure(_no_output(f"ended with status {code}"))
    return Success(text) if fits_header(text) else Failure(_no_output("printed nothing that an HTTP header can carry"))


def _no_output(what: str) -> MissingCredentials:
    return MissingCredentials(
        message=f"the credential command {what}: run TINKER_CREDENTIAL_CMD in a shell to see why; "
        "it should print a key (tml-...) or a token"
    )


def _exposed(path: Path) -> FileFailed | None:
    """What lets others at the file, and the command that mends it."""
    mode = S_IMODE(path.stat().st_mode)
    if _POSIX and mode & _OTHERS:
        return failed(path, f"can be read or written by others (mode {mode:04o}): run chmod 600 '{path}'")
    return _replaceable(path)


def _replaceable(path: Path) -> FileFailed | None:
    """What lets others at its folder, and the command that mends it."""
    above = path.parent.stat()
    folder = S_IMODE(above.st_mode)
    if _POSIX and folder & _OTHERS_WRITE:
        shared = folder & S_ISVTX or above.st_uid != os.getuid()
        way = "move it to a folder of your own" if shared else f"run chmod 700 '{path.parent}'"
        return failed(path, f"can be replaced by others (mode {folder:04o}): {way}")
    return None


def _decoded(path: Path, content: bytes) -> Outcome[StoredKeys, FileFailed]:
    if len(content) > LARGEST:
        return Failure(failed(path, f"has more than {LARGEST} bytes"))
    try:
        keys = msgspec.json.decode(content, type=StoredKeys)
    except (msgspec.DecodeError, RecursionError) as error:
        return Failure(failed(path, f"can't be read ({error}): mend it, or remove it and log in again"))
    if keys.version != VERSION:
        return Failure(failed(path, f"has version {keys.version}, and this client knows version {VERSION}: update it"))
    return Success(keys)


def _nowhere(place: str) -> InvalidConfig:
    message = f"credentials_file is {place!r}, which leads nowhere: give the whole path of a file, without ~"
    return InvalidConfig(message=message, setting="credentials_file", value=place)


_UNFIT = InvalidConfig(
    message="the stored key is ***: it holds what no HTTP header can carry; store it anew (tinkex auth login)",
    setting="api_key",
    value="***",
)
_TOKENS: dict[str, tuple[str, str]] = {
    "key": ("api_key is", "api_key"),
    "command": ("the credential command printed", "credential_cmd"),
    "stored": ("the stored key is", "credentials_file"),
}
"""What an expired token is called, and the setting that it comes from."""
_PROBLEMS: dict[str, TinkerError] = {
    "none": MissingCredentials(
        message="there is no API key: set TINKER_API_KEY, or pass api_key=...; ServiceClient.local() needs none"
    ),
    "malformed": InvalidConfig(
        message="api_key is ***: keys begin with tml- and tokens with eyJ; copy it anew", setting="api_key", value="***"
    ),
    "command wanted": MissingCredentials(
        message="this server wants credentials from a command: set TINKER_CREDENTIAL_CMD, or pass a token as api_key"
    ),
}
