"""Readers that are not ours agree with what is written."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from dojo_tools.diagnostics import InputError
from dojo_tools.objects import (
    E_MACHINE,
    Image,
    ObjectFile,
    Section,
    encode_image,
    encode_object,
    save_image,
    save_object,
)

COMMANDS = [
    ["readelf", "-aW"],
    ["llvm-readelf", "-a"],
    ["eu-readelf", "-a"],
    ["objdump", "-h", "-s"],
    ["llvm-objdump", "-h", "-s"],
    ["nm"],
    ["size"],
    ["llvm-size"],
]


def test_pyelftools_reads_an_object(sample_object: ObjectFile) -> None:
    elf: Any = ELFFile(io.BytesIO(encode_object(sample_object)))
    assert elf["e_machine"] == E_MACHINE
    assert elf["e_type"] == "ET_REL"
    text: Any = elf.get_section_by_name(".text")
    assert text.data() == sample_object.sections[0].contents
    assert elf.get_section_by_name(".bss")["sh_type"] == "SHT_NOBITS"
    symtab: Any = elf.get_section_by_name(".symtab")
    assert [symbol.name for symbol in symtab.iter_symbols()][1:] == [
        symbol.name for symbol in sample_object.symbols
    ]
    assert symtab["sh_info"] == 3
    assert symtab.get_symbol(6)["st_shndx"] == "SHN_ABS"
    assert symtab.get_symbol(5)["st_other"]["visibility"] == "STV_HIDDEN"
    rela: Any = elf.get_section_by_name(".rela.text")
    assert elf.get_section(rela["sh_info"]).name == ".text"
    assert elf.get_section(rela["sh_link"]).name == ".symtab"
    second = rela.get_relocation(1)
    assert (second["r_offset"], second["r_info_type"], second["r_addend"]) == (8, 7, -4)
    assert symtab.get_symbol(second["r_info_sym"]).name == "loop"


def test_pyelftools_reads_an_image(sample_image: Image) -> None:
    elf: Any = ELFFile(io.BytesIO(encode_image(sample_image)))
    assert (elf["e_type"], elf["e_entry"]) == ("ET_EXEC", 0x104)
    for segment, expected in zip(elf.iter_segments(), sample_image.segments, strict=True):
        assert segment["p_vaddr"] == expected.address
        assert segment["p_paddr"] == expected.address % (1 << 32)
        assert segment["p_offset"] % segment["p_align"] == expected.address % segment["p_align"]
        assert segment["p_memsz"] == expected.memory_size
        assert segment.data() == expected.contents
        names = [
            s.name for s in elf.iter_sections() if s["sh_size"] and segment.section_in_segment(s)
        ]
        plain = [name.partition("@")[0] for name in names]
        assert plain == ([".text"] if expected.executable else [".data", ".bss"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_standard_tools_read_both_without_complaint(
    command: list[str], sample_object: ObjectFile, sample_image: Image, tmp_path: Path
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    save_object(tmp_path / "sample.o", sample_object)
    save_image(tmp_path / "sample", sample_image)
    for name in ("sample.o", "sample"):
        done = subprocess.run([*command, tmp_path / name], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == b""


def test_more_sections_than_elf_can_number() -> None:
    sections = tuple(
        Section(f"s{number}", False, False, True, 1, b"", 0) for number in range(0xFF00)
    )
    with pytest.raises(InputError, match="more than ELF can number"):
        encode_object(ObjectFile("x.o", sections))
