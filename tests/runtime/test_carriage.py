"""What a library's errors say of an exchange."""

from __future__ import annotations

import ssl

from tinkex_py.runtime.carriage import BrokenOff, Untrusted, broken_off


def caused(by: BaseException) -> OSError:
    error = OSError("no connection")
    error.__cause__ = by
    return error


def test_a_certificate_that_was_refused_is_found_behind_other_errors() -> None:
    refused = ssl.SSLCertVerificationError("certificate verify failed")
    assert type(broken_off(caused(caused(refused)), sent=True)) is Untrusted


def test_an_error_that_is_its_own_cause_in_the_end_is_read_once() -> None:
    first = OSError("reset")
    first.__context__ = caused(first)
    told = broken_off(first, sent=True)
    assert (type(told), told.reason, told.sent) == (BrokenOff, "reset", True)
