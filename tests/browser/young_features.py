"""What browsers have had for less than five years, where it may be used, and how a browser without it is imitated."""

from typing import Final

YOUNG_IN_SCRIPTS: Final = {
    r"\.at\(|\.findLast(Index)?\(|Object\.hasOwn\(": 2022,
    r"\.to(Sorted|Reversed|Spliced)\(|\.with\(|\.(group|groupBy|groupToMap)\(": 2023,
    r"structuredClone|reportError\(": 2022,
    r"URL\.(canParse|parse)\(": 2023,
    r"Intl\.(Segmenter|ListFormat|DurationFormat|RelativeTimeFormat|supportedValuesOf)": 2024,
    r"Promise\.(withResolvers|try)|Array\.fromAsync|Iterator\.": 2024,
    r"AbortSignal\.(timeout|any)|randomUUID|TextDecoderStream|navigator\.locks": 2022,
    r"BroadcastChannel|SharedWorker|trustedTypes": 2022,
    r"IntersectionObserver|ResizeObserver|requestIdleCallback|scrollend|startViewTransition": 2020,
    r"\.showModal\(|\.showPopover\(|popover|\.inert\b": 2022,
    r"\.aria[A-Z]\w+|\.role\b": 2023,
    r"\(\?<[!=]|/[a-z]*[vd][a-z]*[,;)]$|#\w+ in |^\s*static \{|^await |import\.meta\.resolve": 2023,
    r" with \{ type: ": 2024,
}
"""By pattern: the year since which all browsers have what it finds."""

PLACES: Final = {"old_browsers.js", "start_worker.js", "shared_stream.js", "stream_worker.js", "fetch_stream.js"}
"""The modules that use such features, each with what is done without it."""

YOUNG_IN_STYLES: Final = {
    r"light-dark\(": 2024,
    r"oklch\(|color-mix\(": 2023,
    r"\d[dsl]vh": 2022,
    r"overflow: ?clip": 2022,
    r"content: [^;]* / ": 2024,
    r"@container|@layer|@scope|@starting-style|^\s*&": 2023,
    r"text-wrap|field-sizing|animation-timeline|view-transition|anchor\(": 2024,
}
"""By pattern: values and rules that make an old browser ignore what they stand in."""


def without(owner: str, *names: str) -> str:
    """A script that takes these properties from an object."""
    return "".join(f"delete {owner}[{name!r}];" for name in names)


def with_property(owner: str, name: str, descriptor: str) -> str:
    """A script that replaces a property of an object."""
    return f"Object.defineProperty({owner}, {name!r}, {{ {descriptor}, configurable: true }});"


FORBIDDEN: Final = "get() { throw new DOMException('no', 'SecurityError'); }"
STORAGES: Final = ("localStorage", "sessionStorage")
REMOVED: Final = {
    "URL.canParse": without("URL", "canParse", "parse"),
    "Intl.Segmenter": without("Intl", "Segmenter", "ListFormat", "DurationFormat", "RelativeTimeFormat"),
    "array methods": without("Array.prototype", "at", "findLast", "findLastIndex", "toSorted", "toReversed", "with")
    + without("String.prototype", "at")
    + without("Object", "hasOwn", "groupBy")
    + without("Promise", "withResolvers", "try"),
    "ARIA properties": "for (const each of Object.getOwnPropertyNames(Element.prototype))"
    " if (/^aria|^role$/.test(each)) delete Element.prototype[each];",
    "dialogs": without("HTMLDialogElement.prototype", "showModal", "show", "close", "open", "requestClose"),
    "popovers": without("HTMLElement.prototype", "popover", "showPopover", "hidePopover", "togglePopover"),
    "observers": without("window", "ResizeObserver", "IntersectionObserver", "requestIdleCallback"),
    "EventSource": without("window", "EventSource"),
    "streams": without("window", "TextDecoderStream", "reportError", "structuredClone")
    + without("AbortSignal", "timeout", "any"),
    "secure contexts": without("Navigator.prototype", "clipboard", "locks") + without("Crypto.prototype", "randomUUID"),
    "workers": without("window", "SharedWorker", "BroadcastChannel", "trustedTypes"),
    "storage": "".join(with_property("window", each, FORBIDDEN) for each in STORAGES),
    "storage is null": "".join(with_property("window", each, "value: null") for each in STORAGES),
    "lookbehind": "RegExp = new Proxy(RegExp, { construct(target, parts) {"
    " if (/\\(\\?<[!=]/.test(parts[0])) throw new SyntaxError('invalid group'); return new target(...parts); } });",
    "locale": with_property("Navigator.prototype", "language", "get: () => 'en-US@posix'"),
}
"""By name: a script that takes interfaces from a page before the page's own scripts run."""

OLD_WORDS: Final = {
    name: f"x{name}"
    for name in ("light-dark(", "oklch(", "@property", ":has(", "popover", "dialog", "(scripting: none)")
} | {"100dvh": "100xvh", "overflow: clip": "overflow: xclip"}
"""Words that a browser of 2021 does not know, and unknown ones that it would treat in the same way."""
