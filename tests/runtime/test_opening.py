"""What settings ask for and isn't there, or can't be loaded, is the outcome of every operation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tinkex_py import Config, ServiceClient, TinkerError
from tinkex_py.errors import ExtraMissing, InvalidConfig


def traced_problem() -> TinkerError:
    config = Config(base_url="http://127.0.0.1:1", api_key="tml-0123456789abcdef", otel_propagate=True)
    with ServiceClient(config) as service:
        return service.get_server_capabilities().failure()


def test_without_opentelemetrys_api_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other packages live in its folder too, such as that of its messages."""
    (tmp_path / "opentelemetry" / "proto").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setitem(sys.modules, "opentelemetry.propagate", None)
    error = traced_problem()
    assert isinstance(error, ExtraMissing)
    assert (error.extra, "pip install 'tinkex-py[otel]'" in error.message) == ("otel", True)


def test_an_opentelemetry_that_cant_be_loaded_is_a_setting_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "opentelemetry"
    folder.mkdir()
    _ = (folder / "propagate.py").write_text("raise ValueError('Propagator b4 not found')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    error = traced_problem()
    assert isinstance(error, InvalidConfig)
    assert error.setting == "otel_propagate"
    assert ("Propagator b4 not found" in error.message, "OTEL_PROPAGATORS" in error.message) == (True, True)
