"""Debian's Chromium."""

import shutil


def chromium() -> str | None:
    """Return the path of the headless shell, or else of Chromium; None if neither is installed."""
    # The shell is the same engine without the rest of a browser: tests take half of the CPU with it.
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")
