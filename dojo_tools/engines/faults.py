"""How the faults of a thread are worded: what was tried, what fits, and a hint.

Both engines find faults by themselves and word them here.
"""

from dojo_tools.bits import extract, to_signed
from dojo_tools.engines.stop import Fault, FaultKind

GLOBAL_KINDS = (1, 2)
"""Bits [63:60] of global addresses: of a node of the partition, of a DIP card."""


def memory_fault(
    pc: int, address: int, size: int, alignment: int, verb: str, low: int, memory_size: int
) -> Fault:
    """Return the fault of an access of `size` bytes that is outside memory or misaligned."""
    bytes_ = "1 byte" if size == 1 else f"{size} bytes"
    access = f"{verb} of {bytes_} at 0x{address:x}"
    if not low <= address <= memory_size - size:
        limits = f"SRAM is 0x{low:x}..0x{memory_size - 1:x}"
        hint = _bounds_hint(address, low)
        return Fault(FaultKind.BOUNDS, pc, f"{access}: {limits}", hint, address)
    nearest = address & -alignment
    return Fault(
        FaultKind.ALIGNMENT,
        pc,
        f"{access}: not a multiple of {alignment}",
        f"the nearest fitting addresses are 0x{nearest:x} and 0x{nearest + alignment:x}",
        address,
    )


def _bounds_hint(address: int, low: int) -> str | None:
    """Return how an address may have come about that is not in memory."""
    if address < low:
        return f"addresses below 0x{low:x} are never allocated: is a pointer zero?"
    if extract(address, 63, 60) in GLOBAL_KINDS:
        return (
            "this is an address of another memory: transfers, posts and pushes of registers take "
            "it, loads and stores reach only this node's own"
        )
    if to_signed(address, 64) < 0:
        return f"as a signed number it is {to_signed(address, 64)}: is a pointer zero?"
    return None


def jump_fault(pc: int, target: int, low: int, memory_size: int) -> Fault:
    """Return the fault of a jump to where no instruction can stand."""
    hint = None
    if target == 0:
        hint = (
            "is this a return without a call, where `ra` is zero, or a pointer that was never set?"
        )
    if not low <= target <= memory_size - 4:
        message = f"jump to 0x{target:x}: SRAM is 0x{low:x}..0x{memory_size - 1:x}"
    else:
        message = f"jump to 0x{target:x}: not a multiple of 4"
    return Fault(FaultKind.PC, pc, message, hint, target)


def fetch_fault(pc: int, low: int, memory_size: int) -> Fault:
    """Return the fault of a pc outside memory or misaligned."""
    if not low <= pc <= memory_size - 4:
        message = f"no memory at pc 0x{pc:x}: SRAM is 0x{low:x}..0x{memory_size - 1:x}"
    else:
        message = f"pc 0x{pc:x} is not a multiple of 4"
    return Fault(FaultKind.PC, pc, message)


def stale_fault(pc: int) -> Fault:
    """Return the fault of fetching a word that has changed since the last flush."""
    return Fault(
        FaultKind.STALE,
        pc,
        "stale code: this word was written since the last flush of the instruction cache",
        "flush the instruction cache after writing code",
    )


def illegal_fault(pc: int, word: int) -> Fault:
    """Return the fault of a word that is no instruction."""
    hint = "zeros: did execution run past the end of the code?" if word == 0 else None
    return Fault(FaultKind.ILLEGAL, pc, f"illegal instruction word 0x{word:08x}", hint)


def share_fault(pc: int, mnemonic: str) -> Fault:
    """Return the fault of an instruction that its thread has no share of."""
    return Fault(
        FaultKind.SHARE,
        pc,
        f"`{mnemonic}` is a vector or matrix instruction, and this thread's share has none",
        "`.share thread, lanes, interval` lets it issue one every `interval` cycles",
    )


def trap_fault(pc: int, code: int) -> Fault:
    """Return the fault that a program asks for."""
    return Fault(FaultKind.TRAP, pc, f"trap {code}: the program gave up")
