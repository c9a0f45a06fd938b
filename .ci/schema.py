"""Write tinkex_py/wire/protobuf/schema.py and schema.pyi from schema.proto beside them; needs grpcio-tools."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

FOLDER = Path("tinkex_py/wire/protobuf")
PROTO = FOLDER / "schema.proto"
LINE = 100
BARE = re.compile(r"\b_Mapping\b(?=[\],])(?<!as _Mapping)")
"""The compiler writes `Mapping` without its types, which strict type checkers refuse."""
MODULE = '''\
"""The messages of schema.proto, in a pool of their own. Written by `make schema`: edit schema.proto instead."""

from google.protobuf import descriptor_pool, message_factory

_POOL = descriptor_pool.DescriptorPool()
DESCRIPTOR = _POOL.AddSerializedFile(
{literal}
)
{numbers}
{classes}
'''


def main() -> int:
    """Compile the schema: its descriptor goes into the module, its types into the stub."""
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "descriptor"
        status = protoc.main(["protoc", "-I.", f"--descriptor_set_out={described}", f"--pyi_out={folder}", str(PROTO)])
        if status:
            return status
        file = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes()).file[0]
        stub = next(Path(folder).rglob("*.pyi")).read_text(encoding="utf-8")
    (FOLDER / "schema.py").write_text(module(file), encoding="utf-8")
    (FOLDER / "schema.pyi").write_text(BARE.sub("_Mapping[str, object]", stub), encoding="utf-8")
    return 0


def module(file: descriptor_pb2.FileDescriptorProto) -> str:
    """A module whose classes are made when it is imported, so that it works with any release of protobuf."""
    data = file.SerializeToString(deterministic=True)
    lines = [f"    {data[start : start + LINE]!r}" for start in range(0, len(data), LINE)]
    classes = [
        f'{message.name} = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["{message.name}"])'
        for message in file.message_type
    ]
    numbers = [f"{value.name} = {value.number}" for enum in file.enum_type for value in enum.value]
    return MODULE.format(literal="\n".join(lines), numbers="\n".join(numbers), classes="\n".join(classes))


if __name__ == "__main__":
    sys.exit(main())
