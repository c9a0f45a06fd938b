from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

def instrument_imports(include: Sequence[str] = ..., exclude: Sequence[str] = ...) -> AbstractContextManager[None]: ...
def Setup(argv: Sequence[str], target: Callable[[bytes], None]) -> Sequence[str]: ...  # noqa: N802
def Fuzz() -> None: ...  # noqa: N802
