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


def _part(name: str) -> str:
    return quote(name, safe=":")
