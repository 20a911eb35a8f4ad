"""DWARF 5 of linked images, so that standard tools name source lines, macros and variables."""

from dojo_tools.objects.dwarf.sections import DEBUG_PREFIX, debug_sections

__all__ = ["DEBUG_PREFIX", "debug_sections"]
