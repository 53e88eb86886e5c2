"""chatr serve --read-only: a room that is only read, as a public archive is."""

from typing import Final

from chatr.settings import DEFAULTS_OF_A_NEW_LOG, BadSetting, Settings, flag, variable

WELCOME: Final = "The room is open for reading only.  Watch it: {url}\n"


def check_read_only(settings: Settings, *, accept_loss: bool, demo: bool) -> None:
    """Refuse what a room that is only read cannot do. Raises BadSetting."""
    if not settings.read_only:
        return
    if demo:
        raise BadSetting("A demo is for posting, so --demo and --read-only exclude each other: leave out one of them.")
    if accept_loss:
        raise BadSetting("--accept-loss lets a server write again, and --read-only writes nothing: leave it out.")
    for name in DEFAULTS_OF_A_NEW_LOG:
        if getattr(settings, name) is not None:
            raise BadSetting(
                f"{flag(name)} is stored in the log, to which --read-only writes nothing: leave out {flag(name)} and "
                f"{variable(name)}. The value in the log holds."
            )
    if settings.admin_socket not in (None, "off"):
        raise BadSetting(
            "No operator can change a room that is --read-only: leave out --admin-socket, and use chatr admin with the "
            "server that writes to the log."
        )
