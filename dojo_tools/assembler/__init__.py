"""The assembler: turns assembly sources into objects, by the description alone."""

from dojo_tools.assembler.assemble import Assembly, assemble, is_name

__all__ = ["Assembly", "assemble", "is_name"]
