"""Sessions, training runs and checkpoints on disk, and an index of them in memory.

    directory/sessions/<session>.json
    directory/<run>/run.json
    directory/<run>/<kind>/<number>-<name>/   what the engine saved, and record.json, written last

A folder without record.json is no checkpoint: one is saved, replaced and deleted in one step, by that file. What a
process that was killed leaves of others goes when the directory is opened again.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.local.records import KINDS, CheckpointId, CheckpointRecord, Kind, RunRecord, SessionRecord, label
from tinkex_py.local.temporary import temporary
from tinkex_py.outcome import Outcome

T = TypeVar("T")

SESSIONS, RUN_FILE, RECORD_FILE = "sessions", "run.json", "record.json"
_OURS = re.compile(r"\d{6,}-.*|\.\d{6,}-.*\.new")
"""Names that `new_folder` gives, and those of folders on their way to one."""


class Stored(Struct, frozen=True):
    """A checkpoint and the folder that holds it."""

    record: CheckpointRecord
    folder: Path


class Store:
    """What is below one directory; without one, below a temporary folder that `close` deletes."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory, self._end = temporary(self, "tinkex-") if directory is None else (directory, _nothing)
        self._sessions: dict[str, SessionRecord] = {}
        self._runs: dict[str, RunRecord] = {}
        self._checkpoints: dict[CheckpointId, Stored] = {}
        self._expired: list[Path] = []
        self._doomed: set[Path] = set()
        self._read()

    def close(self) -> None:
        """Delete what was still to be removed, and a temporary folder; nothing else is left to do."""
        while self._doomed:
            _delete(self._doomed.pop())
        _ = self._end()

    def sessions(self) -> tuple[SessionRecord, ...]:
        """All sessions, oldest first."""
        return tuple(sorted(self._sessions.values(), key=lambda session: session.created_at))

    def keep_session(self, session: SessionRecord) -> None:
        """Add or replace a session, on disk too."""
        folder = self.directory / SESSIONS
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / f"{label(session.session_id)}.json", session)
        self._sessions[session.session_id] = session

    def runs(self) -> tuple[RunRecord, ...]:
        """All training runs, the latest first."""
        return tuple(sorted(self._runs.values(), key=lambda run: run.created_at, reverse=True))

    def run(self, run_id: str) -> RunRecord | None:
        """A training run."""
        return self._runs.get(run_id)

    def keep_run(self, run: RunRecord) -> None:
        """Add or replace a run, on disk too."""
        folder = self._folder(run.run_id)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / RUN_FILE, run)
        self._runs[run.run_id] = run

    def touch_run(self, run_id: str, now: float) -> None:
        """Note that a run was asked for something; it reaches the disk with the run's next checkpoint."""
        run = self._runs.get(run_id)
        if run is not None:
            self._runs[run_id] = msgspec.structs.replace(run, last_request_at=now)

    def checkpoints(self, now: float, run_id: str | None = None) -> tuple[CheckpointRecord, ...]:
        """The checkpoints that have not expired, of one run or of all, oldest first."""
        kept = (self.find(checkpoint, now) for checkpoint in tuple(self._checkpoints))
        found = [stored.record for stored in kept if stored is not None and run_id in {None, stored.record.run_id}]
        return tuple(sorted(found, key=lambda record: record.created_at))

    def checkpoints_by_run(self, now: float) -> Mapping[str, tuple[CheckpointRecord, ...]]:
        """Those of each run that has some, oldest first: for lists of runs, as each checkpoint is looked at once."""
        found: dict[str, list[CheckpointRecord]] = {}
        for record in self.checkpoints(now):
            found.setdefault(record.run_id, []).append(record)
        return {run_id: tuple(records) for run_id, records in found.items()}

    def find(self, checkpoint: CheckpointId, now: float) -> Stored | None:
        """A checkpoint; one that has expired is forgotten, and its folder among those of `drain_expired`."""
        stored = self._checkpoints.get(checkpoint)
        if stored is not None and stored.record.expires_at is not None and stored.record.expires_at <= now:
            _ = self.delete(checkpoint)
            self._expired.append(stored.folder)
            return None
        return stored

    def drain_expired(self) -> list[Path]:
        """The folders of checkpoints that were found to have expired since the last call."""
        expired, self._expired = self._expired, []
        return expired

    def new_folder(self, run_id: str, kind: Kind, name: str) -> Path:
        """A path that nothing has been saved to, for a checkpoint of that name."""
        place = self._folder(run_id) / kind
        taken = [
            int(number) for number in (path.name.partition("-")[0] for path in _listed(place)) if number.isdecimal()
        ]
        return place / f"{max(taken, default=0) + 1:06d}-{label(name)}"

    def keep(self, record: CheckpointRecord, folder: Path) -> Path | None:
        """Make a saved folder the checkpoint of that name, or remove it; return the folder that it replaces."""
        with _whole(folder):
            _write(folder / RECORD_FILE, record)
        replaced = self._checkpoints.get(record.id)
        self._checkpoints[record.id] = Stored(record, folder)
        if replaced is None:
            return None
        (replaced.folder / RECORD_FILE).unlink(missing_ok=True)
        return replaced.folder

    def copy(self, stored: Stored, record: CheckpointRecord, run: RunRecord) -> None:
        """Make what a checkpoint's folder holds the checkpoint of another record, in a run of its own."""
        folder = self.new_folder(*record.id)
        with _whole(folder):
            _ = shutil.copytree(stored.folder, folder, ignore=shutil.ignore_patterns(f"*{RECORD_FILE}*"))
            self.keep_run(run)
        _ = self.keep(record, folder)

    def update(self, record: CheckpointRecord) -> None:
        """Change what is said of a checkpoint that there is."""
        folder = self._checkpoints[record.id].folder
        _write(folder / RECORD_FILE, record)
        self._checkpoints[record.id] = Stored(record, folder)

    def delete(self, checkpoint: CheckpointId) -> Path | None:
        """Forget a checkpoint; its folder, which is returned, may still be read until it is removed."""
        stored = self._checkpoints.get(checkpoint)
        if stored is None:
            return None
        (stored.folder / RECORD_FILE).unlink(missing_ok=True)
        del self._checkpoints[checkpoint]
        return stored.folder

    def doom(self, folder: Path) -> None:
        """Note a folder that is no checkpoint any more, and is to be removed before the end."""
        self._doomed.add(folder)

    def remove(self, folder: Path) -> None:
        """Remove a folder that is no checkpoint any more."""
        _delete(folder)
        self._doomed.discard(folder)

    def _folder(self, run_id: str) -> Path:
        return self.directory / label(run_id)

    def _read(self) -> None:
        for path in sorted((self.directory / SESSIONS).glob("[!.]*.json")):
            match _decoded(path, SessionRecord):
                case Success(session):
                    self._sessions[session.session_id] = session
                case Failure(_):
                    continue
        for folder in _listed(self.directory):
            match _decoded(folder / RUN_FILE, RunRecord):
                case Success(run):
                    self._runs[run.run_id] = run
                    self._index(path for kind in KINDS for path in _listed(folder / kind))
                case Failure(_):
                    continue

    def _index(self, folders: Iterable[Path]) -> None:
        """Of two folders with one name the earlier goes: it was being replaced when the process ended.

        So does one without a record: it was being saved or deleted then. A record counts only in the folder that was
        made for it, not in a copy of that.
        """
        for folder in folders:
            if _OURS.fullmatch(folder.name) and not os.path.lexists(folder / RECORD_FILE):
                self.remove(folder)
                continue
            match _decoded(folder / RECORD_FILE, CheckpointRecord):
                case Success(record) if self._is_of(folder, record):
                    replaced = self.delete(record.id)
                    if replaced is not None:
                        self.remove(replaced)
                    self._checkpoints[record.id] = Stored(record, folder)
                case _:
                    continue

    def _is_of(self, folder: Path, record: CheckpointRecord) -> bool:
        named = folder.name.partition("-")[2] == label(record.name)
        return named and folder.parent == self._folder(record.run_id) / record.kind


def _listed(folder: Path) -> Iterator[Path]:
    """The folders in a folder, in the order of their names."""
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def _decoded(path: Path, form: type[T]) -> Outcome[T, str]:
    try:
        return Success(msgspec.json.decode(path.read_bytes(), type=form))
    except (OSError, msgspec.DecodeError) as error:
        return Failure(str(error))


@contextmanager
def _whole(folder: Path) -> Generator[None]:
    """A folder that can't be finished is removed."""
    try:
        yield
    except OSError:
        _delete(folder)
        raise


def _write(path: Path, value: Struct) -> None:
    """Write beside the place, then move there: a reader finds the old text or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        _ = fresh.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2))
        os.replace(fresh, path)  # noqa: PTH105
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _nothing() -> None:
    """A folder that was given stays."""
