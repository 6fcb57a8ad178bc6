"""What a shared object says of itself: enough of an ELF reader for the tests of the build."""

from __future__ import annotations

import struct
from pathlib import Path

# Of the ELF specification and its GNU extensions.
GLOBAL_BINDINGS = {1, 2, 10}  # global, weak, unique
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PF_X = 1
SHT_DYNAMIC, SHT_DYNSYM = 6, 11
DT_SONAME, DT_FLAGS, DT_FLAGS_1 = 14, 30, 0x6FFFFFFB
DF_BIND_NOW, DF_1_NOW = 8, 1


class SharedObject:
    """The dynamic section, the dynamic symbols and the segments of a 64-bit little-endian file."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        assert self._data[:6] == b"\x7fELF\x02\x01", f"{path} is no 64-bit little-endian ELF file"
        segments, sections = struct.unpack_from("<QQ", self._data, 32)
        segment_size, segment_count, section_size, section_count = struct.unpack_from("<HHHH", self._data, 54)
        self._segments = {}
        for i in range(segment_count):
            kind, flags = struct.unpack_from("<II", self._data, segments + i * segment_size)
            self._segments[kind] = flags
        headers = [
            struct.unpack_from("<IIQQQQIIQQ", self._data, sections + i * section_size) for i in range(section_count)
        ]
        (dynamic,) = (h for h in headers if h[1] == SHT_DYNAMIC)
        (symbols,) = (h for h in headers if h[1] == SHT_DYNSYM)
        self._strings = headers[symbols[6]][4]
        self._tags = dict(struct.iter_unpack("<QQ", self._content(dynamic)))
        self.exported, self.imported = set(), set()
        for name, info, other, section, _, _ in struct.iter_unpack("<IBBHQQ", self._content(symbols)):
            if info >> 4 in GLOBAL_BINDINGS and other & 3 in (0, 3):  # default or protected visibility
                (self.exported if section else self.imported).add(self._string(name))

    def _content(self, header: tuple[int, ...]) -> bytes:
        return self._data[header[4] : header[4] + header[5]]

    def _string(self, offset: int) -> str:
        start = self._strings + offset
        return self._data[start : self._data.index(b"\0", start)].decode()

    @property
    def soname(self) -> str | None:
        """The name that programs load; None where there is none."""
        return self._string(self._tags[DT_SONAME]) if DT_SONAME in self._tags else None

    @property
    def is_bound_at_load(self) -> bool:
        """Every symbol is resolved at load."""
        return bool(self._tags.get(DT_FLAGS, 0) & DF_BIND_NOW or self._tags.get(DT_FLAGS_1, 0) & DF_1_NOW)

    @property
    def has_read_only_relocations(self) -> bool:
        """What the loader fills in cannot be written to afterwards; all of it if `is_bound_at_load`."""
        return PT_GNU_RELRO in self._segments

    @property
    def has_executable_stack(self) -> bool:
        """Also where nothing is said."""
        return bool(self._segments.get(PT_GNU_STACK, PF_X) & PF_X)
