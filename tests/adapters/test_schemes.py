"""The store of a URL is found by its scheme, also if another package registers it."""

import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from chatr.adapters.stores.export.lines import closing_line
from chatr.adapters.stores.schemes import BUILT_IN, store_of
from chatr.adapters.stores.urls import admin_socket, checkpoint_file, open_current_log, open_log, open_reader
from chatr.cli.doctor.check import Status
from chatr.cli.doctor.extras import check_stores
from chatr.domain.chain import CHAIN_START
from chatr.log_store import GROUP
from chatr.ports import CannotOpenLog

STORE: Final = """\
from pathlib import Path
from chatr.adapters.stores.memory import store as memory
from chatr.log_store import LogStore
store = LogStore(open_log=memory.open_log, path_beside=lambda url: Path(url.partition("//")[2]))
"""


class Packages:
    """Installs packages that register stores, in a folder of this test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self, package: str, scheme: str, value: str, code: str = STORE) -> None:
        """Install a package with one module, which has its name and this code."""
        metadata = self._folder / f"{package}-1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{scheme} = {value}\n")
        if code:
            (self._folder / f"{package}.py").write_text(code)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    """An empty folder for packages, on the path of Python."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Packages(folder)


def error_of(url: str) -> str:
    """Return the sentence with which the log at `url` is not opened."""
    with pytest.raises(CannotOpenLog) as error:
        open_log(url)
    return str(error.value)


def test_the_stores_of_chatr_are_registered_like_those_of_others() -> None:
    """The entry points in pyproject.toml are the list that a source tree uses without being installed."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]

    assert project["entry-points"][GROUP] == BUILT_IN


@pytest.mark.parametrize("scheme", BUILT_IN)
def test_the_stores_of_chatr_need_no_installation(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source tree that is on the path finds its own stores, though no package is installed."""
    monkeypatch.setattr("chatr.adapters.stores.schemes.entry_points", lambda **_: ())
    # What is registered is remembered for each path.
    monkeypatch.setattr(sys, "path", [*sys.path, scheme])

    assert store_of(f"{scheme}://")


async def test_a_store_of_another_package_is_opened(packages: Packages) -> None:
    """The package that registers the scheme brings the log, and the place of the files of a node."""
    packages.install("package_one", "one", "package_one:store")
    async with open_log("one:///srv/room", accept_loss=True) as log:
        assert await log.head() == 0

    assert (Path("/srv/room.checkpoint"), Path("/srv/room.admin")) == (
        checkpoint_file("one:///srv/room"),
        admin_socket("one:///srv/room", None),
    )


def test_what_a_store_does_not_offer_is_an_error(packages: Packages) -> None:
    """A store that only opens logs for a server cannot be read beside it, whatever its URL ends with."""
    packages.install("package_two", "two", "package_two:store")
    with pytest.raises(CannotOpenLog, match=r"^two:///room\.jsonl is no log that can be read: .*, two:…, "):
        open_reader("two:///room.jsonl")
    with pytest.raises(CannotOpenLog, match=r"^two:///room\.jsonl is no log that another process can write: "):
        open_current_log("two:///room.jsonl")


def test_an_unknown_scheme_is_answered_with_those_that_exist(packages: Packages) -> None:
    """The sentence names the stores of chatr and of other packages, and nothing of the URL but its scheme."""
    packages.install("package_three", "three", "package_three:missing", "")
    sentence = error_of("nats://ada:secret@example.org/room")

    assert sentence == (
        "No store for nats:// is installed: --log can be sqlite:///FILE (sqlite:////FILE for an absolute path), "
        "postgresql://…, memory:, three:…."
    )


@pytest.mark.parametrize("url", ["jsonl:///room.jsonl", "postgrse://ada:secret@db/room", "memroy:"])
def test_a_log_of_an_unknown_store_is_not_taken_for_a_file(url: str) -> None:
    """The error names a scheme that was misspelt or whose store is not installed, whatever the URL ends with."""
    with pytest.raises(CannotOpenLog, match=rf", as no store for {url.partition(':')[0]}:// is installed: "):
        open_reader(url)


async def test_an_exported_file_may_have_a_colon_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins like a URL is a file if there is one of that name and no such store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room: monday.jsonl").write_bytes(closing_line(CHAIN_START))
    async with open_reader("room: monday.jsonl") as log:
        assert await log.head() == 0


BROKEN: Final = {
    "a module that does not exist": ("nowhere", "", "ModuleNotFoundError"),
    "a name that does not exist": ("broken:nothing", "pass", "AttributeError"),
    "a package that is not installed": ("broken:store", "import a_driver", "ModuleNotFoundError"),
    "a mistake of syntax": ("broken:store", "store =", "SyntaxError"),
    "an error of several lines": ("broken:store", "raise RuntimeError('two\\nlines')", "RuntimeError"),
    "a module in place of a store": ("broken", "pass", "no chatr.log_store.LogStore but a module"),
    "a function in place of a store": ("broken:store", "def store(url): ...", "no chatr.log_store.LogStore"),
}


@pytest.mark.parametrize(("value", "code", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_store_that_cannot_be_imported_is_named(
    packages: Packages, monkeypatch: pytest.MonkeyPatch, value: str, code: str, reason: str
) -> None:
    """The sentence names the package and the reason, on one line."""
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    packages.install("broken", "four", value, code)
    sentence = error_of("four:///room")

    assert "four" in sentence
    assert "the package broken" in sentence
    assert reason in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("scheme", ["jsonl", "my_store", "My-Store", "a+b.c", "x9"])
def test_a_scheme_is_the_name_of_its_entry_point(packages: Packages, scheme: str) -> None:
    """Every name that an entry point may have and that may be before a colon is compared as it is written."""
    packages.install("package_seven", scheme, "package_seven:store")

    assert store_of(f"{scheme}:///room")
    assert store_of(f"{scheme.swapcase()}:///room") is None


@pytest.mark.parametrize("url", ["host=h password=se:cret", "se cret:///x", "/srv/se:cret", "secret", ":secret", ""])
def test_what_is_no_scheme_is_not_shown(url: str) -> None:
    """It may be a part of a connection string, with a password."""
    assert "se" not in error_of(url).replace("sqlite:///FILE (sqlite:////FILE for an absolute path)", "")


def test_a_store_that_is_not_asked_for_is_not_imported(packages: Packages) -> None:
    """A broken store of another package breaks no log but its own."""
    packages.install("never_imported", "five", "never_imported:store", "raise RuntimeError")
    store_of("memory:")

    assert "never_imported" not in sys.modules


def test_two_packages_with_one_scheme_are_both_named(packages: Packages) -> None:
    """Neither is chosen: which one would depend on the order of the installation."""
    packages.install("package_b", "six", "package_b:store")
    packages.install("package_a", "six", "package_a:store")

    assert error_of("six:///room") == (
        "The scheme six: is registered by package_a and package_b: uninstall all but one of them."
    )


@pytest.mark.parametrize("scheme", BUILT_IN)
def test_a_scheme_of_chatr_cannot_be_taken(packages: Packages, scheme: str) -> None:
    """A package that registers one is neither used nor ignored."""
    packages.install("usurper", scheme, "usurper:store")

    assert error_of(f"{scheme}:///room.db") == (
        f"The scheme {scheme}: is chatr's own, and usurper registers it too: uninstall that package."
    )


def test_another_version_of_chatr_claims_nothing(packages: Packages) -> None:
    """A source tree that is on the path before an installed chatr uses its own stores."""
    packages.install("chatr", "sqlite", "chatr.gone:store", "")
    store_of("sqlite:///room.db")


def test_the_doctor_checks_the_stores_of_other_packages(packages: Packages) -> None:
    """It warns of those that could not be opened, and of schemes that are claimed twice, before they are used."""
    packages.install("package_eight", "eight", "package_eight:store")
    packages.install("package_nine", "nine", "package_nine:missing")
    packages.install("package_sqlite", "sqlite", "package_sqlite:store")
    checks = list(check_stores())

    assert [check.status for check in checks] == [Status.OK, Status.WARNING, Status.WARNING]
    assert "the package package_nine cannot be imported" in checks[1].found
    assert "package_sqlite registers it too" in checks[2].found
