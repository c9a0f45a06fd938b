"""`tinkex model`: the base models of a server."""

from __future__ import annotations

import click

from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Group
from tinkex_py.cli.tables import Column, Table, columns_option, show
from tinkex_py.clients.rest import RestClient
from tinkex_py.types.service import SupportedModel

MODELS: Table[SupportedModel] = Table(
    key="models",
    columns={
        "name": Column(lambda model: model.model_name, whole=True),
        "context": Column(lambda model: model.max_context_length, right=True),
        "trainable": Column(lambda model: model.trainable),
        "sampleable": Column(lambda model: model.sampleable),
    },
    usual=("name", "context", "trainable", "sampleable"),
)


@click.group(cls=Group)
def model() -> None:
    """Base models."""


@model.command("list")
@click.argument("substring", required=False)
@columns_option(MODELS)
@invoked
def list_models(invocation: Invocation, substring: str | None, columns: str | None) -> None:
    """The base models of the server; with SUBSTRING those whose name holds it, in whatever case."""
    with invocation.client(RestClient) as rest:
        found = invocation.or_exit(rest.get_server_capabilities()).supported_models
    wanted = (substring or "").lower()
    show(invocation, MODELS, [each for each in found if wanted in (each.model_name or "").lower()], columns)
