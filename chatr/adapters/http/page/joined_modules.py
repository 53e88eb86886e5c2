"""Joins the ES modules that the watch page needs at its start into one: each request costs 400 bytes of headers."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

# The forms of import and export that the page's modules use. Any other is an error.
IMPORT: Final = re.compile(r'^import (?:(\* as \w+|\{[^}]*\}) from )?"\./([a-z_]+\.js)";\n', re.MULTILINE)
EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
OTHER_FORM: Final = re.compile("^(?:import|export) .*", re.MULTILINE)

EXPORTS_VARIABLE: Final = "pageModules"
"""The variable of the joined module that holds the exports of each module, by file name."""


def joined_modules(scripts: Mapping[str, str], entry: str, separate: Collection[str] = ()) -> dict[str, str]:
    """Return new contents of the modules, by file name, in which `entry` contains all modules that it imports.

    In `entry`, each module that it imports directly or indirectly becomes a block. The file of such a module becomes a
    stub, which exports the same names from `entry`. All other modules are loaded later; they import the joined ones
    from `entry`, so that the state of a module exists once. The modules in `separate` stay as they are.

    A joined module must not await, at its top level, one that is loaded later: that would be a deadlock. Raises
    ValueError for an import or export of another form, and for modules that import one another.
    """
    order = modules_in_order(scripts, entry, separate)
    imports = [f'import * as {identifier(name)} from "./{name}";' for name in separate]
    known = ", ".join(f'"{name}": {identifier(name)}' for name in separate)
    blocks = [block(name, scripts[name]) for name in order]
    joined = "\n".join([*imports, f"export const {EXPORTS_VARIABLE} = {{ {known} }};", *blocks])
    others = {name: script for name, script in scripts.items() if name not in order and name not in separate}
    later = {name: loaded_later(script, entry, order) for name, script in others.items()}
    return later | {name: stub(name, scripts[name], entry) for name in order} | {entry: f"{joined}\n"}


def modules_in_order(scripts: Mapping[str, str], entry: str, separate: Collection[str]) -> list[str]:
    """Return `entry` and the modules that it imports, each after those that it imports itself. Raises ValueError."""
    order, begun = list[str](), set[str]()

    def add(name: str) -> None:
        if name in order or name in separate:
            return
        if name in begun:
            raise ValueError(f"{name} imports itself, through other modules.")
        begun.add(name)
        for _, imported in IMPORT.findall(scripts[name]):
            add(imported)
        order.append(name)

    add(entry)
    return order


def block(name: str, script: str) -> str:
    """Return a module as a block, which adds the exports of the module to EXPORTS_VARIABLE. Raises ValueError."""
    body = EXPORT.sub("", IMPORT.sub(lambda found: binding(found[1], found[2]), script))
    if other := OTHER_FORM.search(body):
        raise ValueError(f"{name} has a form of import or export that cannot be joined: {other[0]}")
    return f'{{\n{body}{EXPORTS_VARIABLE}["{name}"] = {{ {", ".join(exports(script))} }};\n}}'


def binding(names: str | None, module: str) -> str:
    """Return the declaration of constants that replaces an import statement."""
    if names is None:
        return ""
    # `* as live` becomes `live`, and in braces `a as b` becomes `a: b`.
    constant = names.removeprefix("* as ").replace(" as ", ": ")
    return f'const {constant} = {EXPORTS_VARIABLE}["{module}"];\n'


def loaded_later(script: str, entry: str, joined: Collection[str]) -> str:
    """Return a module that is loaded later, changed so that it imports the `joined` modules from `entry`."""
    bound = IMPORT.sub(lambda found: binding(found[1], found[2]) if found[2] in joined else found[0], script)
    return script if bound == script else f"{import_of_joined(entry)}{bound}"


def stub(name: str, script: str, entry: str) -> str:
    """Return a module that exports from `entry` what the joined module `name` exports."""
    return f'{import_of_joined(entry)}export const {{ {", ".join(exports(script))} }} = {EXPORTS_VARIABLE}["{name}"];\n'


def import_of_joined(entry: str) -> str:
    """Return the line that imports the variable EXPORTS_VARIABLE from `entry`."""
    return f'import {{ {EXPORTS_VARIABLE} }} from "./{entry}";\n'


def exports(script: str) -> Iterator[str]:
    """Yield the names that a module exports."""
    return (found[1] for found in EXPORT.finditer(script))


def identifier(name: str) -> str:
    """Return the variable name for a module that stays separate."""
    return name.removesuffix(".js")
