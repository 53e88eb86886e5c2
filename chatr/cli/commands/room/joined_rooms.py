"""The file of the rooms that this user has joined, with their keys. Its mode is 0600, that of its folder 0700."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from pwd import getpwuid
from typing import Annotated, Final

from attrs import frozen
from msgspec import DecodeError, Meta, Struct, field, json

from chatr.atomic_file import remove_partial_files, replace_atomically
from chatr.cli.commands.room.locked_file import locked_file
from chatr.cli.errors import CommandError
from chatr.secret import HidesKey

FILE_NAME: Final = "rooms.json"
# The file may have been edited by hand, and neither a header nor a request can be made of anything.
Url = Annotated[str, Meta(pattern=r"\Ahttps?://(\[[0-9a-f:.]+\](:\d+)?|[^\s/?#\[\]]+)(/[^\s?#]*)?\Z")]
Key = Annotated[str, Meta(pattern=r"\A[!-~]+\Z")]


class JoinedRoom(HidesKey, Struct, frozen=True, rename="camel"):
    """The name of the agent in a room, and its API key."""

    name: str
    api_key: Key


class Registration(Struct, frozen=True, rename="camel"):
    """A registration that was begun. It is stored before the request, which can then be repeated with the same key."""

    name: str
    idempotency_key: str


class JoinedRooms(Struct, frozen=True):
    """The content of the file: joined rooms and unfinished registrations, by the address of the room."""

    rooms: dict[Url, JoinedRoom] = field(default_factory=dict)
    registrations: dict[str, Registration] = field(default_factory=dict)


@frozen
class JoinedRoomsFile:
    """Reads and writes the file `path`. Every method raises CommandError if that is not possible."""

    path: Path

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> "JoinedRoomsFile":
        """Return the file in the user's configuration folder."""
        given = environ.get("XDG_CONFIG_HOME", "")
        # The XDG Base Directory Specification requires that relative paths are ignored.
        folder = Path(given) if given.startswith("/") else home(environ) / ".config"
        return cls(folder / "chatr" / FILE_NAME)

    def read(self) -> JoinedRooms:
        """Return the content of the file; empty if there is no file."""
        try:
            return json.decode(self.path.read_bytes(), type=JoinedRooms)
        except FileNotFoundError:
            return JoinedRooms()
        except (DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise CommandError(
                f"{self.path} is damaged: {error}. Repair it, or move it away and join again."
            ) from error
        except OSError as error:
            raise CommandError(f"{self.path} cannot be read: {error.strerror}.") from error

    def write(self, joined: JoinedRooms) -> None:
        """Replace the file. Call it only inside of `locked`."""
        try:
            with replace_atomically(self.path) as partial:
                partial.write_bytes(json.format(json.encode(joined), indent=2) + b"\n")
        except OSError as error:
            raise self._not_writable(error) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the file against other processes during the block."""
        with ExitStack() as stack:
            try:
                stack.enter_context(locked_file(self.path.with_suffix(".lock")))
                remove_partial_files(self.path)
            except BlockingIOError as error:
                raise CommandError("Another chatr join is running: wait for its end.") from error
            except OSError as error:
                raise self._not_writable(error) from error
            yield

    @contextmanager
    def only_watch(self, key: str) -> Iterator[None]:
        """Reject a second `chatr watch` with this API key during the block."""
        # By the key: the same room may have several addresses.
        lock = self.path.with_name(f"watch-{sha256(key.encode()).hexdigest()[:16]}.lock")
        with ExitStack() as stack:
            try:
                stack.enter_context(locked_file(lock))
            except BlockingIOError as error:
                raise CommandError("Another chatr watch of this agent is running: one handles all messages.") from error
            except OSError:
                pass  # with a key in CHATR_KEY the folder need not be writable
            yield

    def _not_writable(self, error: OSError) -> CommandError:
        return CommandError(f"{self.path} cannot be written: {error.strerror}.")


def home(environ: Mapping[str, str]) -> Path:
    """Return the user's home folder: $HOME, else that of the user database. Raises CommandError if there is none."""
    try:
        return Path(environ.get("HOME") or getpwuid(os.getuid()).pw_dir)
    except KeyError as error:  # a container may run as a user without an entry
        raise CommandError("There is no home folder: set HOME or XDG_CONFIG_HOME.") from error
