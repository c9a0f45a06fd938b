"""Why each operation may be refused: the status, when it happens, and what to do. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Cause(NamedTuple):
    """A documented cause: `variant` is the error's name, `status` None where no status stands for it."""

    status: int | None
    variant: str
    when: str
    remedy: str


def remedy(operation: str, status: int) -> str | None:
    """What the operation's documents say to do about that status, if they do."""
    found = (cause for cause in CAUSES.get(operation, ()) if cause.status == status)
    return next((f"{cause.when}; {cause.remedy}" for cause in found), None)


def instead(operation: str) -> str:
    """What to do where a server doesn't offer the operation's endpoint."""
    return INSTEAD.get(operation, "leave it out, or use a server that offers it")


EVERYWHERE: Sequence[Cause] = (
    Cause(
        401,
        "Unauthorized",
        "the credential is missing, malformed, expired or revoked",
        "check it: tinkex doctor says where it is from",
    ),
    Cause(402, "PaymentRequired", "billing is paused", "settle the account, then go on"),
    Cause(403, "Forbidden", "the credential may not do that", "ask the owner, or use another key"),
    Cause(408, "RequestTimedOut", "the server gave up waiting, even after repeats", "try again later"),
    Cause(413, "PayloadTooLarge", "the request is larger than the server takes", "send less at once"),
    Cause(415, "UnsupportedEncoding", "the server doesn't read what was sent", "see Config.dialect"),
    Cause(429, "RateLimited", "there were too many requests, even after repeats", "ask less often"),
    Cause(500, "ServerFault", "the server failed, even after repeats", "try again later, and tell its operators"),
    Cause(None, "InvalidInput", "an argument can't be sent", "see `path`, and correct it; nothing was sent"),
    Cause(None, "ConnectionFailed", "the server can't be reached", "check TINKER_BASE_URL and the network"),
    Cause(None, "DeadlineExceeded", "the time allowed was over", "allow more with timeout="),
    Cause(None, "Undecodable", "the answer is not what the protocol says", "check that it is a Tinker server"),
    Cause(None, "UnexpectedStatus", "the status is none of the protocol's", "check that it is a Tinker server"),
    Cause(None, "RedirectRefused", "the server sends somewhere else", "check TINKER_BASE_URL"),
    Cause(None, "ResponseTooLarge", "the answer is longer than is read", "allow more with Config.max_response_bytes"),
    Cause(
        None,
        "Cancelled",
        "the promise was cancelled",
        "submit it again if it is still wanted; a step may have been taken",
    ),
    Cause(None, "ClientClosed", "the client was closed", "make a new one"),
    Cause(None, "CircuitOpen", "operations in a row failed, and Config.circuit_failures is set", "try again later"),
    Cause(None, "MissingCredentials", "there is no credential", "set TINKER_API_KEY, or pass api_key=..."),
    Cause(None, "InvalidConfig", "a setting of the client can't be used", "see `setting`, and correct it"),
    Cause(None, "ExtraMissing", "a setting of the client needs a package", "install the `extra`"),
    Cause(None, "FileFailed", "the file of the credentials, or the engine's folder, can't be used", "see `path`"),
)
"""What may happen to any operation; `interpret` gives a status that isn't documented a meaning all the same."""

_ID = "the checkpoint's id is malformed"
_ID_REMEDY = "give it as it was listed, such as weights/step-10"
_NOT_YOURS = "it isn't there, or the run is somebody else's"
_LIST_REMEDY = "look it up with list_checkpoints"
_TTL = "the time to live is out of range"
_TTL_REMEDY = "give 3600 s to ten years"
_MODEL = Cause(404, "NotFound", "the server doesn't know the model", "make a new training client from a checkpoint")
_GONE = Cause(
    410, "PromiseExpired", "the server no longer has the model", "make a new training client from a checkpoint"
)
_SEQUENCE = Cause(409, "Conflict", "another step was expected next", "make a new training client from a checkpoint")
_LOST = Cause(None, "OutOfSequence", "whether the step was taken is not known", "go on from the last checkpoint")
_FAILED = Cause(
    None, "RequestFailed", "the work failed on the server", "read its message; `category` says who is blamed"
)
_FIELD = Cause(422, "Unprocessable", "a field of the request is wrong", "see `fields`, and correct it")
_ENDED = Cause(410, "PromiseExpired", "the server has ended the session", "make a new client")
_OVER = Cause(
    None, "SessionEnded", "the server has ended the session", "make a new client, and go on from the last checkpoint"
)
_RUN = Cause(404, "NotFound", "the run isn't there, or it is somebody else's", "look it up with list_training_runs")
_SESSION = Cause(404, "NotFound", "the session isn't there, or it isn't accessible", "look it up with list_sessions")
_SAMPLER = Cause(404, "NotFound", "the sampling session isn't there", "make a new sampling client")
_PATH = Cause(404, "NotFound", "there is no such checkpoint", "give the path that saving returned")
_TIME = Cause(422, "Unprocessable", "a field is wrong, perhaps the time to live", f"see `fields`; {_TTL_REMEDY}")
_STEP = (_MODEL, _SEQUENCE, _GONE, _FIELD, _FAILED, _LOST, _OVER)
_CHECKPOINT = (
    Cause(400, "BadRequest", _ID, _ID_REMEDY),
    Cause(404, "NotFound", _NOT_YOURS, _LIST_REMEDY),
)
_SAVE = (
    Cause(400, "BadRequest", _TTL, _TTL_REMEDY),
    Cause(
        409, "Conflict", "the name is taken, or another step was expected next", "give another name or overwrite=True"
    ),
    _TIME,
    *(cause for cause in _STEP if cause not in {_SEQUENCE, _FIELD}),
)
_BILLING = Cause(403, "Forbidden", "the key may not view billing", "ask an administrator for the role")
_KEY = Cause(401, "Unauthorized", "the key is not one of this server's, or was revoked", "log in again")
_NONE_SUCH = Cause(404, "NotFound", "the server is older than this", "it has defaults that serve")

CAUSES: Mapping[str, Sequence[Cause]] = {
    "asample": (
        _SAMPLER,
        _FIELD,
        _FAILED,
        _OVER,
        Cause(429, "RateLimited", "the server asks for patience", "nothing: the sample is sent again after a pause"),
        Cause(None, "CapabilityMissing", "the answer lacks what was asked for", "ask without it, or a newer server"),
        Cause(
            None,
            "CapabilityMissing",
            "prompt and answer don't fit the model",
            "shorten the prompt, lower max_tokens, or choose another model",
        ),
    ),
    "assign_session_project": (
        Cause(400, "BadRequest", "no project was named", "give project_id"),
        Cause(403, "Forbidden", "the project isn't yours", "ask its owner for access"),
        _SESSION,
    ),
    "auth_token": (_KEY, Cause(404, "NotFound", "the server exchanges no tokens", "use the key itself")),
    "cancel_future": (
        Cause(404, "NotFound", "the promise is over, or can't be cancelled here", "wait for its result"),
    ),
    "client_config": (_NONE_SUCH,),
    "client_dynamic_config": (_NONE_SUCH,),
    "copy_weights": (
        Cause(
            None, "InvalidInput", "no project was given, nor is TINKER_PROJECT_ID set", "give destination_project_id"
        ),
        Cause(
            403, "Forbidden", "the project or the checkpoint isn't yours", "give weights_access_token, or ask its owner"
        ),
        _PATH,
    ),
    "create_custom_loss": (
        Cause(None, "ExtraMissing", "torch, which traces the loss, isn't installed", "install tinkex-py[torch]"),
        Cause(None, "InvalidInput", "the loss can't be traced, or was traced before", "see the message, and change it"),
        Cause(400, "BadRequest", "the server refuses an operation of the loss", "use forward_backward_custom with it"),
        Cause(
            404, "NotFound", "the server runs no losses but its own", "use forward_backward_custom with the function"
        ),
        _FIELD,
        _FAILED,
        _OVER,
    ),
    "create_model": (
        Cause(400, "BadRequest", "the server can't make such a model", "check lora_config and the optimizer"),
        Cause(404, "NotFound", "the server has no such base model", "choose one of get_server_capabilities()"),
        _FIELD,
        Cause(None, "CapabilityMissing", "the server says it can't train that model", "choose another base model"),
        _FAILED,
        _OVER,
    ),
    "create_sampling_session": (
        Cause(
            404, "NotFound", "there is no such model or checkpoint", "give a base model of the server, or a saved path"
        ),
        _FIELD,
        Cause(
            None,
            "InvalidInput",
            "neither base_model nor model_path was given",
            "give one of them, or both: the path is what is sampled from",
        ),
        Cause(
            None, "CapabilityMissing", "the server says it can't sample from that model", "choose another base model"
        ),
        _OVER,
    ),
    "create_session": (_FIELD, Cause(404, "NotFound", "there is no such project", "check TINKER_PROJECT_ID")),
    "delete_api_key": (_KEY,),
    "delete_checkpoint": _CHECKPOINT,
    "export_session_trace": (
        _SESSION,
        Cause(None, "RequestFailed", "the export failed", "ask again"),
        Cause(
            None, "DeadlineExceeded", "the trace was not ready in time", "ask again later, or allow more with timeout="
        ),
    ),
    "finish_session": (_SESSION,),
    "forward": _STEP,
    "forward_backward": (
        *_STEP,
        Cause(
            None, "CallbackFailed", "a loss of your own failed; nothing was trained", "correct it; the next step works"
        ),
    ),
    "get_api_key": (_KEY,),
    "get_audit_log": (
        Cause(403, "Forbidden", "the key may not read the audit log", "ask an administrator for the role"),
        Cause(None, "RedirectRefused", "the log is kept at no web address", "tell the server's operators"),
    ),
    "get_billing_usage": (
        Cause(400, "BadRequest", "the span is longer than 14 days or not on the hour", "ask for less at once"),
        _BILLING,
    ),
    "get_checkpoint_archive_url": (
        _CHECKPOINT[0],
        Cause(404, "NotFound", f"{_NOT_YOURS}, or the server has no archives", "use get_external_weights_urls"),
        Cause(503, "ServerFault", "the archive is still being made", "ask again in half a minute"),
    ),
    "get_current_checkpoint_storage_usage": (_BILLING,),
    "get_external_weights_urls": (
        *_CHECKPOINT,
        Cause(None, "InvalidInput", "the path isn't one of external weights", "save with save_weights_external first"),
    ),
    "get_info": (_MODEL,),
    "get_sampler": (_SAMPLER,),
    "get_server_capabilities": (),
    "get_session": (_SESSION,),
    "get_training_run": (_RUN,),
    "healthz": (),
    "join_sampling_session": (_SAMPLER,),
    "list_checkpoints": (_RUN,),
    "list_sessions": (_FIELD,),
    "list_training_runs": (_FIELD,),
    "list_user_checkpoints": (_FIELD,),
    "load_weights": (
        _PATH,
        Cause(403, "Forbidden", "the checkpoint is another account's", "give weights_access_token"),
        _FIELD,
        _FAILED,
        _LOST,
        _OVER,
    ),
    "optim_step": (
        *_STEP,
        Cause(None, "InvalidInput", "neither or both of optim_params and adam_params were given", "give optim_params"),
    ),
    "publish_checkpoint": (
        *_CHECKPOINT,
        Cause(409, "Conflict", "it is public already", "there is nothing to do"),
        Cause(500, "ServerFault", "publishing failed", "try again later"),
    ),
    "retrieve_future": (
        Cause(404, "NotFound", "the server doesn't know the promise", "submit the work again"),
        Cause(410, "PromiseExpired", "the server has lost the promise", "submit the work again"),
        _FAILED,
    ),
    "retrieve_futures": (_SAMPLER, Cause(410, "PromiseExpired", "the sampling session is over", "make a new client")),
    "save_weights": _SAVE,
    "save_weights_external": _SAVE,
    "save_weights_for_sampler": _SAVE,
    "search_sessions": (
        _FIELD,
        Cause(404, "NotFound", "the server is older than searching", "list instead"),
    ),
    "send_telemetry": (),
    "session_heartbeat": (_ENDED,),
    "set_checkpoint_ttl": (
        Cause(400, "BadRequest", f"{_ID}, or {_TTL}", f"{_ID_REMEDY}; {_TTL_REMEDY}"),
        Cause(404, "NotFound", _NOT_YOURS, _LIST_REMEDY),
        _TIME,
        Cause(500, "ServerFault", "setting it failed", "try again later"),
    ),
    "unload_model": (
        Cause(404, "NotFound", "there is no such model, or the server unloads by itself", "there is nothing to do"),
    ),
    "unpublish_checkpoint": (
        *_CHECKPOINT,
        Cause(409, "Conflict", "it is private already", "there is nothing to do"),
        Cause(500, "ServerFault", "unpublishing failed", "try again later"),
    ),
    "weights_info": (_PATH, _FIELD),
    "whoami": (
        Cause(None, "CapabilityMissing", "the key is opaque, and no tokens are given for it", "ask where it was made"),
    ),
}
"""What may happen to each operation besides."""

_KEEP = "keep what saving and creating returned"
_SHARE = "fetch the checkpoint, and hand its files on"

INSTEAD: Mapping[str, str] = {
    "assign_session_project": "give project_id when you make the client",
    "copy_weights": "load the checkpoint into a new model, and save that",
    "create_sampling_session": "sample from save_weights_and_get_sampling_client()",
    "delete_checkpoint": "save with ttl_seconds, so that it ends by itself",
    "finish_session": "nothing is lost: sessions end by themselves",
    "forward": "use compute_logprobs of a sampling client",
    "get_checkpoint_archive_url": "export with save_weights_external, or resume from the path on the server",
    "get_external_weights_urls": "use get_checkpoint_archive_url",
    "get_sampler": "keep the name of the base model",
    "get_session": _KEEP,
    "get_training_run": _KEEP,
    "list_checkpoints": _KEEP,
    "list_sessions": _KEEP,
    "list_training_runs": _KEEP,
    "list_user_checkpoints": "list the checkpoints of each run, or keep the paths that saving returned",
    "publish_checkpoint": _SHARE,
    "save_weights_external": "save with save_state, and use get_checkpoint_archive_url",
    "set_checkpoint_ttl": "give ttl_seconds when you save, or delete the checkpoint when it has served",
    "unload_model": "nothing is lost: models are unloaded by themselves",
    "unpublish_checkpoint": "delete the checkpoint",
    "weights_info": "use create_training_client_from_state(..., by_load=True)",
}
"""What serves instead of an endpoint that not every server offers."""
