"""Cases as such: how their clients start, which can't be replayed, and which entry of a table is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from tests.replay.recorded import Recording

KEY = "tml-recorded-0123456789"


class Start(Struct, frozen=True):
    """What the client of a case is made with: settings by name, and what the session is told about its user."""

    settings: Mapping[str, Any] = {}
    environment: Mapping[str, str] = {}
    user_metadata: Mapping[str, str] = {}


STARTS: dict[str, Start] = {
    "0.38.0/startup_service_client_full": Start(
        {"project_id": "proj-1", "display_name": "nightly", "default_headers": {"X-Extra": "1"}},
        {
            "TINKER_TAGS": "tag-a",
            "CLOUDFLARE_ACCESS_CLIENT_ID": "cf-id",
            "CLOUDFLARE_ACCESS_CLIENT_SECRET": "cf-secret",
        },
        {"team": "x"},
    ),
    "*/startup": Start(user_metadata={"team": "x"}),
    "*/startup_env_tags_empty_project_env": Start({}, {"TINKER_TAGS": "", "TINKER_PROJECT_ID": "proj-env"}),
    "*/service_copy_weights": Start({"project_id": "proj-3"}),
    "*/auth_credential_cmd": Start({"api_key": None}, {"TINKER_CREDENTIAL_CMD": f"echo {KEY}"}),
}
NOT_APPLICABLE = {
    "cli_*": "commands of the official SDK's command line; each of their requests is recorded as a REST call as well",
    "sampler_handle_contents": "the inside of a handle, which only the release that wrote it reads",
}
"""Recordings of what only the official SDK has, and why."""


def found(table: Mapping[str, Any], recording: Recording) -> Any:
    """The entry of the first pattern that fits the recording's name, or its release and name."""
    names = (recording.case, recording.name)
    return next((entry for pattern, entry in table.items() if any(fnmatchcase(name, pattern) for name in names)), None)
