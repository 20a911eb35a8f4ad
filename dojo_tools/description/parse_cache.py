"""What reading the files of `isa/` gave, kept as JSON and found by the content of what was read.

It is looked for where the build of the package has left it, then in the user's cache folder. An
entry that is missing, damaged or can't be written only costs the time to read the files again.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dojo_tools.description.locate import isa_folder
from dojo_tools.diagnostics import Source

Kept = TypeVar("Kept")


def content_key(sources: Sequence[Source], grammar: str) -> str:
    """Return a digest of the texts, of their grammar and of the code that reads them."""
    digest = hashlib.sha256()
    code = sorted(Path(__file__).parent.glob("*.py"))
    texts = [path.read_bytes() for path in [*code, isa_folder() / grammar]]
    for source in sources:
        texts += [source.name.encode(), source.text.encode()]
    for text in texts:
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()[:32]


def cache_folder() -> Path:
    """Return the user's cache folder, which need not exist; `DOJO_CACHE_DIR` moves it."""
    chosen = os.environ.get("DOJO_CACHE_DIR")
    if chosen:
        return Path(chosen)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dojo-d1"
    except RuntimeError:  # a user without a home, as in containers: nothing can be kept
        return Path(os.devnull) / "dojo-d1"


def ready_folder() -> Path:
    """Return the folder where a build leaves what it has read; it need not exist."""
    return isa_folder() / "ready"


def load_entry(name: str, decode: Callable[[Any], Any], kind: type[Kept]) -> Kept | None:
    """Return what `decode` makes of an entry, or None for a missing or damaged one."""
    for folder in (ready_folder(), cache_folder()):
        try:
            kept = decode(json.loads((folder / name).read_bytes()))
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            continue
        if isinstance(kept, kind):
            return kept
    return None


def save_entry(name: str, encoded: Any) -> None:
    """Write an entry to the cache, whole or not at all; one that can't be written is left out."""
    text = json.dumps(encoded, separators=(",", ":"))
    folder = cache_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(folder / name)
    except OSError:
        return
