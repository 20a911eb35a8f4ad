"""What is known and what is decided of ideas that several formats share: rounding, flags, the bias.

"d1-facts" is the project's list of what is public of the D1, by section.
"""

from dataclasses import dataclass

from dojo_tools.formats.table import CHOICES


@dataclass(frozen=True, slots=True)
class Idea:
    """An idea by its names: what the paper publishes of it, and keys of `CHOICES`."""

    names: tuple[str, ...]
    summary: str
    published: tuple[tuple[str, str], ...]
    """Facts, each with its source."""

    choices: tuple[str, ...]
    also_chosen: tuple[str, ...] = ()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Return every fact after its standing: `published` or `chosen`."""
        published = [("published", f"{text} ({source})") for text, source in self.published]
        chosen = [CHOICES[key] for key in self.choices] + list(self.also_chosen)
        return published + [("chosen", text) for text in chosen]


IDEAS = (
    Idea(
        ("rounding", "nearest", "stochastic"),
        "How a value becomes a code of a smaller format.",
        (
            ("Narrowing offers nearest and stochastic rounding.", "white paper, d1-facts 6.4"),
            ("Equal seeds give equal results.", "white paper, d1-facts 6.4"),
        ),
        ("ties", "gap", "random"),
    ),
    Idea(
        ("denormals", "gradual", "printed"),
        "What codes with exponent field 0 mean.",
        (
            ("In CFloat8 they are (-1)^s * 2^-bias * 0.m.", "white paper, d1-facts 6.2"),
            ("UHP flushes denormal operands and results to zero.", "white paper, d1-facts 6.1"),
        ),
        ("shp", "uhp", "operand"),
        (
            "The paper's rule, `printed`, leaves a gap below the least normal number. A machine "
            'file with `denormals = "gradual"` in `[formats]` has IEEE\'s 2^(1 - bias) * 0.m.',
        ),
    ),
    Idea(
        ("saturation",),
        "What happens to results that are too large.",
        (
            (
                "CFloat8 and SHP clamp to the largest number and set overflow; UHP has infinity.",
                "white paper, d1-facts 6.3",
            ),
        ),
        ("overflow", "infinity", "nan"),
    ),
    Idea(
        ("nan", "infinity"),
        "What happens to operands that are not finite.",
        (
            (
                "CFloat8 and SHP have no codes for them: they clamp; a NaN sets invalid.",
                "white paper, d1-facts 6.3",
            ),
            (
                "In UHP a NaN gives the canonical NaN, 0xfe00, and sets invalid.",
                "white paper, d1-facts 6.3",
            ),
        ),
        ("nan", "infinity"),
    ),
    Idea(
        ("zero", "sign"),
        "Signs of zeros, and numbers below zero where there is no sign.",
        (("Exponent field 0 and mantissa 0 is zero.", "white paper, d1-facts 6.2"),),
        ("zero", "negative"),
    ),
    Idea(
        ("flags", "invalid", "denormal", "overflow", "underflow"),
        "Sticky flags of a thread, in the control register `flags`.",
        (
            (
                "There are four: invalid, denormal, overflow, underflow; no inexact, no division "
                "by zero.",
                "white paper, d1-facts 6.5",
            ),
            (
                "A denormal operand sets denormal, a NaN invalid, a result in CFloat8 or CFloat16 "
                "overflow and underflow.",
                "white paper, d1-facts 6.5",
            ),
        ),
        ("who", "products", "overflow", "underflow", "operand", "negative", "nan"),
        ("The bits: 1 invalid, 2 denormal, 4 overflow, 8 underflow; a program clears them.",),
    ),
    Idea(
        ("bias", "biases"),
        "The exponent bias of CFloat8 and SHP.",
        (
            (
                "It is an unsigned number of 6 bits, a setting that the codes do not hold; that of "
                "UHP is 31.",
                "white paper, d1-facts 6.1",
            ),
        ),
        ("bias",),
    ),
    Idea(
        ("philox", "random", "seed"),
        "The random bits of stochastic rounding.",
        (("Equal seeds give equal results.", "white paper, d1-facts 6.4"),),
        ("random",),
        (
            "Counter: draws since `seed` was written (64 bits), place and thread (32), lane / 4 "
            "(32). So the bits depend on no engine, host, worker or place of the partition.",
        ),
    ),
)
