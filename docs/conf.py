"""How Sphinx makes the site of these documents: `make site`, where a warning is an error."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from typing_extensions import TypeIs

import tinkex_py
from tinkex_py.clients.operation import Client, operation, submission
from tinkex_py.version import __version__

project = "tinkex_py"
author = "the tinkex_py developers"
copyright = "the tinkex_py developers"  # noqa: A001 - Sphinx asks for this name
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["examples"]
myst_heading_anchors = 3
nitpicky = False
default_role = "code"  # docstrings write `code` as Markdown does

smartquotes_action = "qe"  # two dashes begin an option

html_theme = "furo"
html_title = f"tinkex_py {__version__}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "exclude-members": "from_context, operating, submitting"}

CLIENTS = (tinkex_py.ServiceClient, tinkex_py.TrainingClient, tinkex_py.SamplingClient, tinkex_py.RestClient)


Decorated: TypeAlias = operation[..., Any] | submission[..., Any]


def is_decorated(member: object) -> TypeIs[Decorated]:
    """Whether it is a method of both worlds."""
    return isinstance(member, operation | submission)


def as_method(decorated: Decorated) -> Callable[..., object]:
    """The method as a blocking client has it: what the plan returns is an Outcome, or a Promise of one."""
    wrapper = "Outcome" if isinstance(decorated, operation) else "Promise"
    method = decorated.plan
    returned = method.__annotations__["return"].replace("Plan", wrapper, 1)
    for companion in ("Training", "Sampling"):
        returned = returned.replace(f"[{companion}T]", f"[{companion}Client]")
    method.__annotations__["return"] = returned
    return method


def show_methods(client: type[Client]) -> None:
    """Put functions in the place of the descriptors that autodoc would take for attributes."""
    for owner in inspect.getmro(client):
        for name, member in vars(owner).copy().items():
            if is_decorated(member):
                setattr(owner, name, as_method(member))


for each in (*CLIENTS, tinkex_py.AdminClient):
    show_methods(each)
