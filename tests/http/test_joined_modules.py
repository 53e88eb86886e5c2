"""The scripts that the watch page loads at once are sent as one module, which does what they do."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from chatr.adapters.http.endpoints.watch_page import load_files
from chatr.adapters.http.page.joined_modules import joined_modules
from tests.requirements import node

SCRIPTS: Final = """
page.js
import "./first.js";
import * as counter from "./counter.js";
import { Shout, words as said } from "./shout.js";
counter.add();
said.push(new Shout().text);
import("./later.js").then((later) => console.log(counter.value(), said, later.total()));

first.js
const value = "not that of counter.js";
console.log("first", value.length);

counter.js
import { base } from "./client.js";
let count = base;
export function value() {
  return count;
}
export const add = () => (count += 1);
export async function* each() {}

shout.js
import { add } from "./counter.js";
export const words = ["a"];
export class Shout {
  text = `b${add()}`;
}

later.js
import { value, add } from "./counter.js";
import { two } from "./later_still.js";
export function total() {
  add();
  return value() * two;
}

later_still.js
export const two = 2;

client.js
export const base = 40;
"""
MODULES: Final = {
    name: f"{script}\n" for name, _, script in (each.partition("\n") for each in SCRIPTS.strip().split("\n\n"))
}


def printed(folder: Path, modules: Mapping[str, str]) -> str:
    """Return what page.js prints."""
    folder.mkdir()
    (folder / "package.json").write_text('{"type": "module"}')
    for name, script in modules.items():
        (folder / name).write_text(script)
    return subprocess.run([node(), folder / "page.js"], check=True, capture_output=True, text=True).stdout


def test_it_does_what_the_modules_do(tmp_path: Path) -> None:
    """The joined module does what the modules do. What is loaded later shares their state, and needs no more files."""
    joined = joined_modules(MODULES, "page.js", separate=["client.js"])

    assert joined.keys() == MODULES.keys() - {"client.js"}
    assert re.findall('"./(.*)"', joined["later.js"]) == ["page.js", "later_still.js"]
    assert printed(tmp_path / "joined", MODULES | joined) == printed(tmp_path / "separate", MODULES)


@pytest.mark.parametrize(
    "line",
    [
        "export default add;\n",
        "export let count = 1;\n",
        "export { add };\n",
        'import add from "./counter.js";\n',
        'import { get } from "https://example.com/get.js";\n',
    ],
)
def test_other_forms(line: str) -> None:
    """A form of import or export that would be lost is an error when the server starts."""
    with pytest.raises(ValueError, match=rf"^page\.js has a form .*: {re.escape(line.strip())}$"):
        joined_modules(MODULES | {"page.js": line}, "page.js")


def test_modules_that_import_one_another() -> None:
    """Modules that import one another are an error, because neither can be first."""
    circle = {"page.js": 'import "./first.js";\n', "first.js": 'import "./page.js";\n'}

    with pytest.raises(ValueError, match=r"^page\.js imports itself"):
        joined_modules(circle, "page.js")


def test_the_page_loads_few_scripts() -> None:
    """The page's module imports the client alone, which the worker loads too."""
    page = load_files()["page.js"].content.decode()

    assert re.findall(r'^import .* from "(.*)";', page, re.MULTILINE) == ["./client.js"]
