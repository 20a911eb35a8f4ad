"""Linking many objects with many symbols, and whether twice as many take twice as long.

GNU ld links ELF objects of x86-64 with as many symbols and references; read its figure as what a
mature linker does in C.
"""

import gc
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from bench_assembler import seconds
from dojo_tools.cli.common import GARBAGE_THRESHOLD
from dojo_tools.description import Description, load_description
from dojo_tools.linker import LinkOptions, link_files, read_input
from dojo_tools.objects import (
    Binding,
    Image,
    LineEntry,
    ObjectFile,
    Relocation,
    Section,
    Symbol,
    SymbolKind,
    encode_image,
    encode_object,
)
from figures import Figure, Unavailable

COUNTS = (50, 100, 200)
SYMBOLS_AN_OBJECT = 500
BYTES_A_SYMBOL = 8


def bench_link() -> list[Figure]:
    """Measure objects and symbols a second, from bytes of files to bytes of the image."""
    gc.set_threshold(GARBAGE_THRESHOLD)  # as the command does
    description = load_description()
    found: list[Figure] = []
    first = 0.0
    for count in COUNTS:
        files = [encode_object(an_object(index, count, description)) for index in range(count)]
        taken = seconds(partial(run, files, description))
        if count == COUNTS[0]:
            first = taken
            continue
        label = f"link {count} objects, {count * SYMBOLS_AN_OBJECT:,} symbols"
        linear = f"{COUNTS[0]} objects, scaled"
        found.append(Figure(label, taken, "s", linear, first * count / COUNTS[0]))
    found.append(Figure(found[-1].name, found[-1].value, "s", "GNU ld, x86-64", gnu_seconds()))
    return found


def an_object(index: int, count: int, description: Description) -> ObjectFile:
    """Return an object whose functions each call one of another object."""
    size = SYMBOLS_AN_OBJECT * BYTES_A_SYMBOL
    call = next(kind for kind in description.relocations.values() if kind.name == "target21")
    names = [f"function_{index}_{number}" for number in range(SYMBOLS_AN_OBJECT)]
    if index == 0:
        names[0] = "_start"
    other = (index * 7 + 1) % count
    used = [f"function_{other}_{number}" for number in range(1, SYMBOLS_AN_OBJECT)]
    offsets = range(0, size, BYTES_A_SYMBOL)
    symbols = [
        Symbol(name, ".text", offset, 0, Binding.GLOBAL, SymbolKind.FUNCTION)
        for name, offset in zip(names, offsets, strict=True)
    ]
    if other != index:
        symbols += [Symbol(name, None, 0, 0, Binding.GLOBAL) for name in used]
    first = SYMBOLS_AN_OBJECT if other != index else 1
    return ObjectFile(
        f"{index}.o",
        (Section(".text", False, True, True, 4, bytes(size), size),),
        tuple(symbols),
        tuple(
            Relocation(".text", offset, call.number, first + number)
            for number, offset in enumerate(offsets[1:])
        ),
        tuple(
            LineEntry(".text", offset, BYTES_A_SYMBOL, f"{index}.s", number, 1)
            for number, offset in enumerate(offsets, start=1)
        ),
    )


def run(files: list[bytes], description: Description) -> bytes:
    """Read, link and write."""
    read = [read_input(encoded, f"{index}.o") for index, encoded in enumerate(files)]
    inputs = [file for file in read if not isinstance(file, Image)]
    linked = link_files(inputs, description.relocations, LinkOptions())
    return encode_image(linked.image)


def gnu_seconds() -> float:
    """Return how long GNU ld takes for as many objects, symbols and references."""
    assembler, linker = shutil.which("as"), shutil.which("ld")
    if assembler is None or linker is None:
        raise Unavailable("GNU as and ld are not installed")
    with tempfile.TemporaryDirectory() as folder:
        count = COUNTS[-1]
        paths = [Path(folder) / f"{index}.o" for index in range(count)]
        for index, path in enumerate(paths):
            other = (index * 7 + 1) % count
            lines = [".text"]
            for number in range(SYMBOLS_AN_OBJECT):
                name = "_start" if index == number == 0 else f"function_{index}_{number}"
                lines += [f".globl {name}", f"{name}: jmp function_{other}_{number or 1}", "nop"]
            source = path.with_suffix(".s")
            source.write_text("\n".join(lines) + "\n", encoding="utf-8")
            subprocess.run([assembler, "--64", "-o", path, source], check=True)
        command = [linker, "-m", "elf_x86_64", "-o", f"{folder}/out", *map(str, paths)]
        return seconds(partial(subprocess.run, command, check=True, capture_output=True))
