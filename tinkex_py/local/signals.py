"""Signals that ask a program to end."""

from __future__ import annotations

import signal

_HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""What comes of a closed terminal, where the platform has it."""


def ending() -> tuple[signal.Signals, ...]:
    """Those that are to be heard: a hangup that is ignored stays so, as `nohup` wants it."""
    if _HANGUP is None or signal.getsignal(_HANGUP) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, _HANGUP
