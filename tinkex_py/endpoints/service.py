"""The server and the session. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tinkex_py.endpoints.verbs import PREFIX, get, post
from tinkex_py.request import NEVER, Request
from tinkex_py.types.credentials import AuthToken
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.promises import GivenId
from tinkex_py.types.service import (
    ClientConfigResponse,
    DynamicConfigResponse,
    GetServerCapabilitiesResponse,
    Health,
)
from tinkex_py.wire.replies import Nothing, Value


class CreateSession(Struct, frozen=True, kw_only=True, tag="create_session"):
    """Body of `create_session`."""

    tags: tuple[str, ...]
    user_metadata: Mapping[str, str]
    sdk_version: str
    project_id: str | None = None
    display_name: str | None = None


class Session(Struct, frozen=True, kw_only=True):
    """An open session, and what the server has to say to a person."""

    session_id: GivenId
    info_message: str | None = None
    warning_message: str | None = None
    error_message: str | None = None


class SdkVersion(Struct, frozen=True, kw_only=True):
    """Body of `client/config` and `client/dynamic_config`."""

    sdk_version: str


class Empty(Struct, frozen=True):
    """A body without fields: `{}`."""


class SessionHeartbeat(Struct, frozen=True, kw_only=True, tag="session_heartbeat"):
    """Body of `session_heartbeat`."""

    session_id: str


def healthz() -> Request[Health]:
    """GET /api/v1/healthz"""
    return get("healthz", "healthz", returns=Health)


def get_server_capabilities() -> Request[GetServerCapabilitiesResponse]:
    """GET /api/v1/get_server_capabilities"""
    return get("get_server_capabilities", "get_server_capabilities", returns=GetServerCapabilitiesResponse)


def client_config(sdk_version: str) -> Request[ClientConfigResponse]:
    """POST /api/v1/client/config"""
    return post(
        "client_config", "client", "config", body=SdkVersion(sdk_version=sdk_version), returns=ClientConfigResponse
    )


def client_dynamic_config(sdk_version: str) -> Request[DynamicConfigResponse]:
    """POST /api/v1/client/dynamic_config"""
    return Request(
        operation="client_dynamic_config",
        method="POST",
        path=(*PREFIX, "client", "dynamic_config"),
        returns=Value(DynamicConfigResponse),
        body=SdkVersion(sdk_version=sdk_version),
        repeat=NEVER,
        timeout=10.0,
    )


def auth_token() -> Request[AuthToken]:
    """POST /api/v1/auth/token"""
    return post("auth_token", "auth", "token", body=Empty(), returns=AuthToken)


def create_session(
    *,
    sdk_version: str,
    tags: tuple[str, ...] = (),
    user_metadata: Mapping[str, str] = FrozenMapping(),
    project_id: str | None = None,
    display_name: str | None = None,
) -> Request[Session]:
    """POST /api/v1/create_session"""
    body = CreateSession(
        tags=tags,
        user_metadata=FrozenMapping(user_metadata),
        sdk_version=sdk_version,
        project_id=project_id,
        display_name=display_name,
    )
    return post("create_session", "create_session", body=body, returns=Session)


def session_heartbeat(session_id: str) -> Request[None]:
    """POST /api/v1/session_heartbeat"""
    return Request(
        operation="session_heartbeat",
        method="POST",
        path=(*PREFIX, "session_heartbeat"),
        returns=Nothing(),
        body=SessionHeartbeat(session_id=session_id),
        repeat=NEVER,
        timeout=10.0,
    )
