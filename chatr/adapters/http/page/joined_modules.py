"""Joins the ES modules that the watch page loads at once. Each by itself would be a request of 400 bytes of headers."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

# The page is written in these forms, and nothing else is understood.
IMPORT: Final = re.compile(r'^import (?:(\* as \w+|\{[^}]*\}) from )?"\./([a-z_]+\.js)";\n', re.MULTILINE)
EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
OTHER_FORM: Final = re.compile("^(?:import|export) .*", re.MULTILINE)

NAME: Final = "pageModules"
"""The variable in the joined module with what each module exports, by file name."""


def joined_modules(scripts: Mapping[str, str], entry: str, separate: Collection[str] = ()) -> dict[str, str]:
    """Return the new contents of `entry`, of all modules that it imports, directly or through others, and of those that
    import these and are loaded later.

    `entry` holds them all, each in a block of its own. A module that is loaded later takes from there what it imports,
    so that state exists once; so does what takes the place of each other joined one. Those in `separate` stay as they
    are. No module may await at its top level one that is loaded later, which waits for the joined module.

    Raises ValueError for a form of import or export that is not understood, and for modules that import one another.
    """
    order = modules_in_order(scripts, entry, separate)
    imports = [f'import * as {identifier(name)} from "./{name}";' for name in separate]
    known = ", ".join(f'"{name}": {identifier(name)}' for name in separate)
    blocks = [block(name, scripts[name]) for name in order]
    joined = "\n".join([*imports, f"export const {NAME} = {{ {known} }};", *blocks])
    others = {name: script for name, script in scripts.items() if name not in order and name not in separate}
    later = {name: loaded_later(script, entry, order) for name, script in others.items()}
    return later | {name: stub(name, scripts[name], entry) for name in order} | {entry: f"{joined}\n"}


def modules_in_order(scripts: Mapping[str, str], entry: str, separate: Collection[str]) -> list[str]:
    """Return the modules that `entry` needs, itself last, each after those that it imports. Raises ValueError."""
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
    """Return a module as a block, which adds what the module exports to the variable NAME. Raises ValueError."""
    body = EXPORT.sub("", IMPORT.sub(lambda found: binding(found[1], found[2]), script))
    if other := OTHER_FORM.search(body):
        raise ValueError(f"{name} has a form of import or export that cannot be joined: {other[0]}")
    return f'{{\n{body}{NAME}["{name}"] = {{ {", ".join(exports(script))} }};\n}}'


def binding(names: str | None, module: str) -> str:
    """Return the constants that an import becomes."""
    if names is None:
        return ""
    # `* as live` becomes `live`, and in braces `a as b` becomes `a: b`.
    constant = names.removeprefix("* as ").replace(" as ", ": ")
    return f'const {constant} = {NAME}["{module}"];\n'


def loaded_later(script: str, entry: str, joined: Collection[str]) -> str:
    """Return a module that is loaded later, with what it imports of the `joined` ones taken from `entry`."""
    bound = IMPORT.sub(lambda found: binding(found[1], found[2]) if found[2] in joined else found[0], script)
    return script if bound == script else f"{import_of_joined(entry)}{bound}"


def stub(name: str, script: str, entry: str) -> str:
    """Return a module that exports what the module in the joined one does."""
    return f'{import_of_joined(entry)}export const {{ {", ".join(exports(script))} }} = {NAME}["{name}"];\n'


def import_of_joined(entry: str) -> str:
    """Return the import of what the joined modules export."""
    return f'import {{ {NAME} }} from "./{entry}";\n'


def exports(script: str) -> Iterator[str]:
    """Yield the names that a module exports."""
    return (found[1] for found in EXPORT.finditer(script))


def identifier(name: str) -> str:
    """Return the variable for a module that stays separate."""
    return name.removesuffix(".js")
