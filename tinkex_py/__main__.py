"""`python -m tinkex_py` is the command `tinkex`, where that is not on the path."""

from tinkex_py.cli import main

main()
