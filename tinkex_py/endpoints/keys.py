"""The API key that is presented. Pure."""

from __future__ import annotations

from tinkex_py.endpoints.verbs import command, get
from tinkex_py.request import Request
from tinkex_py.types.keys import ApiKeyResponse


def get_api_key() -> Request[ApiKeyResponse]:
    """GET /api/v1/auth/apikey/me"""
    return get("get_api_key", "auth", "apikey", "me", returns=ApiKeyResponse)


def delete_api_key() -> Request[None]:
    """DELETE /api/v1/auth/apikey/me"""
    return command("DELETE", "delete_api_key", "auth", "apikey", "me")
