"""Reads the list of what is mounted where, which only Linux has."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")


def mounts_in(text: str) -> Iterator[tuple[Path, str]]:
    """Yield mount points and the types of their file systems, from the text of /proc/self/mountinfo."""
    # proc(5): the fifth field is the mount point, with \040 for a space; the type follows a field that is "-".
    for fields in map(str.split, text.splitlines()):
        yield Path(unescaped(fields[4])), fields[fields.index("-") + 1]


def unescaped(field: str) -> str:
    """Return a field of mountinfo as it was before the kernel escaped it."""
    return re.sub(r"\\([0-7]{3})", lambda each: chr(int(each[1], 8)), field)


def is_mount_point(path: Path) -> bool:
    """Return whether something is mounted at `path`, which has no symbolic links; False where that is not known."""
    # os.path.ismount compares devices, and does not notice a file that is mounted from the same disk.
    with suppress(OSError, ValueError, IndexError):
        return any(point == path for point, _ in mounts_in(MOUNTS.read_text("utf-8", "surrogateescape")))
    return False
