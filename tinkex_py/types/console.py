"""Where a person sees things in the web console. Pure."""

from __future__ import annotations

from urllib.parse import quote

CONSOLE = "https://tinker.thinkingmachines.ai"


def session_url(session_id: str | None = None) -> str:
    """The page of a session, or of all of them.

    >>> session_url(), session_url("s-1")
    ('https://tinker.thinkingmachines.ai/sessions', 'https://tinker.thinkingmachines.ai/sessions/s-1')
    """
    return f"{CONSOLE}/sessions" if session_id is None else f"{CONSOLE}/sessions/{_part(session_id)}"


def training_run_url(training_run_id: str) -> str:
    """The page of a training run."""
    return f"{CONSOLE}/training_runs/{_part(training_run_id)}"


def checkpoint_url(training_run_id: str, checkpoint_id: str) -> str:
    """The page of a checkpoint, such as `weights/step-10` of a run."""
    return f"{CONSOLE}/checkpoints/{_whole(training_run_id)}/{_whole(checkpoint_id)}"


def playground_url(tinker_path: str) -> str:
    """The page where a person samples from a checkpoint."""
    return f"{CONSOLE}/playground?mode=checkpoint&checkpoint={_whole(tinker_path)}"


def _whole(text: str) -> str:
    return quote(text, safe="")


def _part(name: str) -> str:
    return quote(name, safe=":")
