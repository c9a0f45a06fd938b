"""What is said of a file that can't be read or written. Pure."""

from __future__ import annotations

from os import PathLike

from tinkex_py.errors import FileFailed


def failed(file: PathLike[str] | str, what: str, line: int | None = None) -> FileFailed:
    """A file, and what is wrong with it.

    >>> failed("loss.jsonl", "is empty").message
    'loss.jsonl is empty'
    """
    return FileFailed(message=f"{file} {what}", path=str(file), line=line)


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file can't be read or written: in the system's words, or in those of who raised it."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    said = error.args[0] if error.args else ""
    return error.strerror or str(said) or type(error).__name__
