"""The numbers of DWARF 5 that images use, named as the standard names them, and its encodings."""

from dojo_tools.bits import extract

VERSION = 5
ADDRESS_SIZE = 8
UNIT_COMPILE = 0x01
LANGUAGE_ASSEMBLER = 0x8001
"""DW_LANG_Mips_Assembler, which GNU as writes for every machine."""

TAG_ARRAY_TYPE = 0x01
TAG_LABEL = 0x0A
TAG_COMPILE_UNIT = 0x11
TAG_INLINED_SUBROUTINE = 0x1D
TAG_SUBRANGE_TYPE = 0x21
TAG_BASE_TYPE = 0x24
TAG_SUBPROGRAM = 0x2E
TAG_VARIABLE = 0x34

AT_LOCATION = 0x02
AT_NAME = 0x03
AT_BYTE_SIZE = 0x0B
AT_STMT_LIST = 0x10
AT_LOW_PC = 0x11
AT_HIGH_PC = 0x12
AT_LANGUAGE = 0x13
AT_INLINE = 0x20
AT_PRODUCER = 0x25
AT_ABSTRACT_ORIGIN = 0x31
AT_COMP_DIR = 0x1B
AT_COUNT = 0x37
AT_ENCODING = 0x3E
AT_EXTERNAL = 0x3F
AT_TYPE = 0x49
AT_RANGES = 0x55
AT_CALL_COLUMN = 0x57
AT_CALL_FILE = 0x58
AT_CALL_LINE = 0x59

FORM_ADDRESS = 0x01
FORM_DATA2 = 0x05
FORM_DATA8 = 0x07
FORM_DATA1 = 0x0B
FORM_FLAG = 0x0C
FORM_STRING_OFFSET = 0x0E
FORM_UNSIGNED = 0x0F
FORM_REFERENCE4 = 0x13
FORM_SECTION_OFFSET = 0x17
FORM_EXPRESSION = 0x18
FORM_LINE_STRING = 0x1F

INLINED = 3
"""DW_INL_declared_inlined."""

ENCODING_FLOAT = 0x04
ENCODING_SIGNED = 0x05
ENCODING_UNSIGNED = 0x07

OPERATION_ADDRESS = 0x03

RANGE_END = 0x00
RANGE_START_LENGTH = 0x07

CONTENT_PATH = 1
CONTENT_DIRECTORY = 2

LINE_COPY = 1
LINE_ADVANCE_ADDRESS = 2
LINE_ADVANCE_LINE = 3
LINE_SET_FILE = 4
LINE_SET_COLUMN = 5
LINE_END_SEQUENCE = bytes([0, 1, 1])
LINE_SET_ADDRESS = bytes([0, 1 + ADDRESS_SIZE, 2])
LINE_OPERAND_COUNTS = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
"""How many operands each standard opcode has, from opcode 1 on."""


def unsigned(value: int) -> bytes:
    """Return a number, at least 0, as ULEB128."""
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(0x80 | extract(value, 6, 0))
        value //= 0x80
    encoded.append(value)
    return bytes(encoded)


def signed(value: int) -> bytes:
    """Return a number as SLEB128."""
    encoded = bytearray()
    while not -0x40 <= value < 0x40:
        encoded.append(0x80 | extract(value, 6, 0))
        value //= 0x80
    encoded.append(extract(value, 6, 0))
    return bytes(encoded)


class Strings:
    """A section of NUL-terminated strings, each stored once."""

    def __init__(self) -> None:
        self._offsets: dict[str, int] = {}
        self.contents = bytearray()

    def offset_of(self, string: str) -> int:
        """Return where a string starts, adding it if it is new."""
        offset = self._offsets.get(string)
        if offset is None:
            offset = self._offsets[string] = len(self.contents)
            self.contents += string.encode(errors="backslashreplace") + b"\0"
        return offset
