"""Tensors in files: `.npy` and CSV. What a file claims is checked before memory is set aside."""

import io
import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dojo_tools.diagnostics import InputError, Source, Span, fail, read_source
from dojo_tools.formats import value_text
from dojo_tools.objects import write_atomically
from dojo_tools.runs.convert import describe

Shape = tuple[int, ...]

SUFFIXES = (".npy", ".csv")

_HEADER_BYTES_MAX = 1 << 14
_CELL_BYTES_MAX = 64
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE
)


def read_tensor_file(path: Path, shape: Shape, purpose: str, span: Span | None) -> NDArray[Any]:
    """Return the numbers of a file, which must have this shape; `OSError` is left to the caller.

    `purpose` says what needs the shape: "symbol `x` is bf16 (4, 4)". In CSV a row is a line, a
    vector may be a line or a column, and the leading dimensions of larger tensors run together.
    Raises `InputError` for a file that is damaged or holds something else.
    """
    if path.suffix.lower() == ".csv":
        return _read_csv(path, shape, purpose, span)
    with path.open("rb") as file:
        start = io.BytesIO(file.read(_HEADER_BYTES_MAX))
        found, is_column_major, dtype = _read_header(start, path, span)
        if dtype.kind not in "biuf" or found != shape:
            raise fail(f"{path.name} holds {describe(dtype, found)}; {purpose}", span)
        size = math.prod(found) * dtype.itemsize
        file.seek(start.tell())
        contents = file.read(size)
    if len(contents) < size:
        raise fail(f"{path.name} is cut off: {len(contents)} of {size} bytes of numbers", span)
    return np.frombuffer(contents, dtype).reshape(found, order="F" if is_column_major else "C")


def _read_header(
    file: BinaryIO, path: Path, span: Span | None
) -> tuple[Shape, bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, is_column_major, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, is_column_major, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise fail(f"{path.name} is .npy version {version[0]}.{version[1]}", span)
    except (ValueError, TypeError, SyntaxError, EOFError, RecursionError, MemoryError):
        raise fail(f"{path.name} is not a .npy file with a valid header", span) from None
    except struct.error:
        raise fail(f"{path.name} ends within its header", span) from None
    if any(extent < 0 for extent in shape):
        raise fail(f"{path.name} has the impossible shape {shape}", span)
    return tuple(int(extent) for extent in shape), is_column_major, dtype


def _read_csv(path: Path, shape: Shape, purpose: str, span: Span | None) -> NDArray[Any]:
    count = math.prod(shape)
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
    if size > _CELL_BYTES_MAX * (count + 1):
        raise fail(f"{path.name} has {size} bytes, more than {count} numbers take; {purpose}", span)
    rows = list(_csv_rows(read_source(path, is_limited=False)))
    width = len(rows[0]) if rows else 0
    found = (len(rows), width)
    wanted = {(math.prod(shape[:-1]), shape[-1] if shape else 1)}
    if len(shape) <= 1:
        wanted.add((count, 1))
    if found not in wanted:
        raise fail(f"{path.name} holds {found[0]} rows of {found[1]} numbers; {purpose}", span)
    cells = [cell for row in rows for cell in row]
    if all(isinstance(cell, int) for cell in cells):
        signed = all(-(1 << 63) <= cell < 1 << 63 for cell in cells)
        return np.array(cells, np.int64 if signed else np.uint64).reshape(shape)
    return np.array([float(cell) for cell in cells], np.float64).reshape(shape)


def _csv_rows(source: Source) -> Iterator[list[int | float]]:
    """Yield the numbers of each line that is not blank."""
    width = 0
    offset = 0
    for line in source.text.split("\n"):
        if line.strip():
            row: list[int | float] = []
            start = offset
            for cell in line.split(","):
                row.append(_csv_cell(cell, source, start))
                start += len(cell) + 1
            width = width or len(row)
            if len(row) != width:
                where = Span(source, offset, offset + len(line))
                raise fail(f"{len(row)} numbers in this row, {width} in the first", where)
            yield row
        offset += len(line) + 1


def _csv_cell(cell: str, source: Source, start: int) -> int | float:
    text = cell.strip()
    if _INTEGER.fullmatch(text) and -(1 << 63) <= int(text) < 1 << 64:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    start += len(cell) - len(cell.lstrip())
    raise fail(f"`{text}` is not a number", Span(source, start, start + len(text)))


def check_suffix(path: Path, span: Span | None) -> InputError | None:
    """Return what is wrong with the name of a tensor file, or None."""
    if path.suffix.lower() in SUFFIXES:
        return None
    return fail(f"`{path.name}` ends in neither {' nor '.join(SUFFIXES)}", span)


def save_tensor_file(path: Path, values: NDArray[Any], element: str) -> None:
    """Write values of an element type, floats as float32; `OSError` is left to the caller."""
    if path.suffix.lower() == ".csv":
        write_atomically(path, _csv_text(values, element).encode())
        return
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
    write_atomically(path, buffer.getvalue())


def _csv_text(values: NDArray[Any], element: str) -> str:
    rows = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(-1, 1)
    # Other programs read the text as float32 or float64: there too it is to be the exact value.
    written = "f32" if element == "bf16" else element
    return "".join(",".join(value_text(cell, written) for cell in row) + "\n" for row in rows)
