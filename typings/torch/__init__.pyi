# What tinkex_py uses of torch: the package is optional, and too large to install for its types alone.
from typing import Any

from numpy.typing import NDArray

class Tensor:
    def numpy(self) -> NDArray[Any]: ...

def from_numpy(ndarray: NDArray[Any]) -> Tensor: ...
