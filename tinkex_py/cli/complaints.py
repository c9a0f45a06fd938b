"""What to do about each error, in one line, and what there is to know besides. Data and pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from tinkex_py import errors
from tinkex_py.errors import RequestCause, TinkerError

REMEDIES: Mapping[type[TinkerError], str] = {
    errors.BadRequest: "check the arguments against --help, then run the command again",
    errors.Unauthorized: "check TINKER_API_KEY, or run tinkex auth login; tinkex doctor says which credential is used",
    errors.PaymentRequired: "settle the account, then run the command again",
    errors.Forbidden: "ask the owner for access, or use another key",
    errors.NotFound: "look up what there is: tinkex run list, checkpoint list, session list, model list",
    errors.RequestTimedOut: "run the command again",
    errors.Conflict: "nothing, if that is what was wanted; else choose another name",
    errors.PromiseExpired: "run the command again",
    errors.PayloadTooLarge: "send less at once",
    errors.UnsupportedEncoding: "run tinkex doctor to see what this server speaks",
    errors.Unprocessable: "correct that value, then run the command again",
    errors.RateLimited: "wait a little, then run the command again",
    errors.ServerFault: "try again later; tell the server's operators if it goes on",
    errors.UnexpectedStatus: "check the address with tinkex doctor",
    errors.ConnectionFailed: "check --base-url or TINKER_BASE_URL and the network; tinkex doctor looks closer",
    errors.RedirectRefused: "give the address that it redirects to as --base-url, if you trust it",
    errors.ResponseTooLarge: "ask for less at once",
    errors.Undecodable: "check that the address is a Tinker server: tinkex doctor",
    errors.DeadlineExceeded: "allow more with --timeout SECONDS",
    errors.Cancelled: "run the command again",
    errors.RequestFailed: "correct what it says, then run the command again",
    errors.OutOfSequence: "go on from the last checkpoint: tinkex train --resume PATH",
    errors.SessionEnded: "run the command again",
    errors.ClientClosed: "run the command again",
    errors.CapabilityMissing: "choose something that the server can do: tinkex model list",
    errors.CircuitOpen: "wait a little, then run the command again",
    errors.InvalidInput: "correct that value, then run the command again",
    errors.CallbackFailed: "mend what failed, then run the command again",
    errors.MissingCredentials: "set TINKER_API_KEY or run tinkex auth login; --base-url local: is the embedded engine",
    errors.InvalidConfig: "correct that setting, then run the command again",
    errors.ExtraMissing: "install the package, then run the command again",
    errors.FileFailed: "mend the file or give another path, then run the command again",
}


def remedy(error: TinkerError) -> str:
    """What a person does next."""
    return REMEDIES[type(error)]


def exit_status(error: TinkerError) -> int:
    """What the command ends with: 2 where it was given a value that can't be used, as for what the parser refuses."""
    return 2 if isinstance(error, (errors.InvalidInput, errors.InvalidConfig)) else 1


def details(error: TinkerError) -> str | None:
    """Which request it was, for those who look into it; None where there was none."""
    if not isinstance(error, RequestCause):
        return None
    facts = (
        error.endpoint,
        None if error.request_id is None else f"request id {error.request_id}",
        f"{error.attempts} attempt{'' if error.attempts == 1 else 's'} in {error.elapsed:.1f} s",
    )
    return ", ".join(fact for fact in facts if fact is not None)
