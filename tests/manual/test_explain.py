"""Entries and words explained."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dojo_tools.description import Description, InstructionDef, load_description
from dojo_tools.diagnostics import InputError
from dojo_tools.formats import CHOICES, FORMATS, IDEAS
from dojo_tools.manual import explain
from dojo_tools.manual.topics import topic_names, topic_pages

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "objdump"


@pytest.fixture(scope="module")
def description() -> Description:
    """The description that ships."""
    return load_description()


PAGES = ["beq", "ld", "li", "ret", "vadd.f32", "vsigmoid.bf16", "0x4822_ff83"]
TOPICS = ["cfloat8_1_4_3", "uhp", "flags", "bias3", "a0", "simd", "rounding", "denormals", "philox"]
STANDINGS = ("published", "inferred", "chosen")


@pytest.mark.parametrize("subject", PAGES + TOPICS)
def test_a_page(
    description: Description, golden: Callable[[Path, str], None], subject: str
) -> None:
    golden(GOLDEN / f"explain-{subject}.txt", explain(subject, description) + "\n")


def test_every_mnemonic_has_a_page_for_each_form(description: Description) -> None:
    for mnemonic, entries in description.mnemonics.items():
        page = explain(mnemonic, description)
        assert all(f"Defined at  {entry.defined_at}" in page for entry in entries)


def test_every_form_says_how_well_founded_it_is_and_by_what(description: Description) -> None:
    for mnemonic, entries in description.mnemonics.items():
        sources = re.findall(
            rf"^  Provenance  ((?:{'|'.join(STANDINGS)}): \S.*)$",
            explain(mnemonic, description),
            re.M,
        )
        assert len(sources) == len(entries)
        for entry, source in zip(entries, sources, strict=True):
            if isinstance(entry, InstructionDef):
                assert source == str(entry.provenance)
                assert entry.provenance.source
            else:
                assert source.startswith("chosen: a name of the assembler")


def test_every_topic_has_a_page_that_says_how_well_founded_it_is(description: Description) -> None:
    names = topic_names(description)
    assert {"shp", "draws", "bias15", "rounding", "v31", "acc", "matrix"} <= set(names)
    ideas = {name for idea in IDEAS for name in idea.names}
    for name in names:
        page = explain(name, description)
        if name in ideas:
            assert re.search(r"^  (published|chosen) +\S", page, re.M)
        else:
            assert re.search(rf"^  Provenance +({'|'.join(STANDINGS)}): \S", page, re.M)


def test_what_is_published_of_an_idea_names_its_source(description: Description) -> None:
    for idea in IDEAS:
        assert idea.published
        assert all(re.search(r"d1-facts \d|white paper", source) for _, source in idea.published)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_by_what_it_is_known(description: Description, name: str) -> None:
    pages = "\n".join(page.split("See also")[0] for page in topic_pages(name, description))
    assert f"Provenance    {FORMATS[name].source}" in re.sub(r"\n {16}", " ", pages)


def test_every_choice_belongs_to_an_idea() -> None:
    assert {key for idea in IDEAS for key in idea.choices} == set(CHOICES)


def test_case_does_not_matter(description: Description) -> None:
    assert explain("ADD", description) == explain("add", description)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("0x00000000", "illegal: no instruction in major opcode 0x00 (illegal: always illegal"),
        ("0x44000000", "illegal: no instruction in major opcode 0x11"),
        ("0x180007ff", "illegal: no such operation in major opcode 0x06 (alu:"),
        ("0x3c00fc04", "illegal: `slli.w xd, xa, shift5` with code 63 for shift5 (0..31)"),
    ],
)
def test_an_illegal_word_says_why(description: Description, word: str, reason: str) -> None:
    assert reason in explain(word, description)


@pytest.mark.parametrize("subject", ["0x", "0x1_0000_0000", "12", "0xfg", "0b1"])
def test_what_is_no_word_is_refused(description: Description, subject: str) -> None:
    with pytest.raises(InputError, match="is not a word"):
        explain(subject, description)


def test_an_unknown_mnemonic_gets_the_nearest(description: Description) -> None:
    with pytest.raises(InputError) as refusal:
        explain("addd", description)
    assert refusal.value.diagnostics[0].message.startswith("unknown name `addd`: no instruction")
    assert refusal.value.diagnostics[0].hint == "did you mean `add`?"


@pytest.mark.parametrize(
    "wrong, right", [("cfloat8_1_43", "cfloat8_1_4_3"), ("roundin", "rounding")]
)
def test_an_unknown_topic_gets_the_nearest(
    description: Description, wrong: str, right: str
) -> None:
    with pytest.raises(InputError, match=f"did you mean `{right}`"):
        explain(wrong, description)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("yield", "there are `thread.yield`"),
        ("node", "there are `node_x`, `node_y`, `node_number`, `node_id`"),
        ("mesh", None),
        ("address", None),
        ("deadlock", None),
        ("dip", None),
        ("reduce", None),
    ],
)
def test_only_names_that_are_near_are_offered(
    description: Description, word: str, hint: str | None
) -> None:
    with pytest.raises(InputError) as refusal:
        explain(word, description)
    found = refusal.value.diagnostics[0].hint
    assert found is None if hint is None else found is not None and found.startswith(hint)


def test_a_word_finds_the_group_that_is_short_for_it(description: Description) -> None:
    group = [name for name in description.mnemonics if name.startswith("sem.")]
    with pytest.raises(InputError) as refusal:
        explain("semaphore", description)
    hint = refusal.value.diagnostics[0].hint
    assert hint is not None
    assert set(re.findall("`(.*?)`", hint)) <= set(group)
    assert hint.endswith(f" and {len(group) - hint.count('`') // 2} more")


def test_a_control_register_says_what_reads_and_writes_it(description: Description) -> None:
    assert "only read, by ctl.read\n" in explain("node_x", description)
    assert "read and written, by ctl.read and ctl.write\n" in explain("bias3", description)
