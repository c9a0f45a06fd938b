"""How values look to people: harmless texts, sizes, times. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from tinkex_py.types.kinds import is_mapping

_UNITS = ("B", "kB", "MB", "GB", "TB")
NOTHING = "-"


def harmless(text: str) -> str:
    r"""The text with whatever could steer a terminal, or turn the order of letters, written out as an escape.

    >>> harmless("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def harmless_text(text: str) -> str:
    """As `harmless`, but lines end and tabs stand as they do."""
    return "".join(char if char in "\n\t" else harmless(char) for char in text)


def harmless_json(text: str) -> str:
    """JSON that says the same with no character that could steer a terminal; line breaks stay."""
    return "".join(char if char.isprintable() or char == "\n" else _unicode_escape(char) for char in text)


def size(count: int | None) -> str | None:
    """Bytes in the unit that suits them.

    >>> size(1_234_567)
    '1.2 MB'
    """
    if count is None:
        return None
    number, power = float(count), 0
    while number >= 999.95 and power < len(_UNITS) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.0f} B" if power == 0 else f"{number:.1f} {_UNITS[power]}"


def counted(count: int, what: str) -> str:
    """So many of them.

    >>> counted(1, "step"), counted(2, "step")
    ('1 step', '2 steps')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def shown(value: object) -> str:
    """Any value in a cell: times are in UTC, what isn't there is a dash."""
    if is_mapping(value):
        return ", ".join(f"{shown(name)}={shown(each)}" for name, each in value.items()) or NOTHING
    match value:
        case None | "":
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
        case _:
            return harmless(str(value))


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _unicode_escape(char: str) -> str:
    """As JSON writes it, in UTF-16 units."""
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
