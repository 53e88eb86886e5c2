"""Renders what all pages of the archive have in common: the HTML head, the links to parent pages, and the footer."""

from collections.abc import Iterable
from html import escape
from typing import Final

from attrs import frozen

from chatr.adapters.http.page.catalogue import text
from chatr.adapters.http.page.message_html import SIGNS, Addresses
from chatr.adapters.http.page.page_html import NOINDEX

LANGUAGE_NAMES: Final = {"en": "English", "zh-Hans": "简体中文"}
"""The languages of the pages, each in its own name."""
DOCUMENT: Final = """\
<!doctype html>
<html lang="{language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <meta name="color-scheme" content="light dark">
  <title>{title} · chatr</title>
  <meta name="description" content="{description}">
  {robots}{head}<link rel="icon" href="{root}page/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="{root}page/base.css">
  <link rel="stylesheet" href="{root}page/archive.css">
{feeds}</head>
<body>
  {signs}
  <header>
    <a class="home" href="{home}">chatr</a>
    <nav aria-label="{archive}">{path}</nav>
  </header>
  <main>
    <h1>{title}</h1>
{main}  </main>
  <footer>
    <nav aria-label="{languages}">{translations}</nav>
  </footer>
</body>
</html>
"""
FEEDS: Final = """\
  <link rel="alternate" type="application/atom+xml" href="{root}feed.xml" title="{atom}">
  <link rel="alternate" type="application/feed+json" href="{root}feed.json" title="{json}">
"""
CANONICAL: Final = '<link rel="canonical" href="{url}">\n  '


@frozen
class PageContext:
    """The address and language of a page, from which its texts and links are made.

    `url` is the public address of the room; `path` is the page's path relative to it. If `is_named`, the page's address
    has a `language` parameter, and its links get one too. If `is_indexed`, search engines may list the page.
    """

    url: str
    path: str
    language: str
    is_named: bool
    is_indexed: bool

    @property
    def root(self) -> str:
        """The relative address of the room, which is correct behind a proxy that removes a path prefix, too."""
        return "../" * self.path.partition("?")[0].count("/") or "./"

    @property
    def address(self) -> str:
        """The public address of the page, without a language."""
        return f"{self.url}/{self.path}"

    def text(self, key: str, **values: str | int) -> str:
        """Return a text in the page's language with its values filled in, escaped."""
        return escape(text(self.language, key, **values))

    def href(self, path: str) -> str:
        """Return the address of another page, escaped."""
        return escape(self.root + with_language(path, self.language if self.is_named else None))

    def link(self, path: str, content: str, attributes: str = "") -> str:
        """Return a link; `content` and `attributes` are HTML."""
        return f'<a href="{self.href(path)}"{attributes}>{content}</a>'

    def addresses(self) -> Addresses:
        """Return the addresses of messages and agents that are not on the page."""
        return Addresses(lambda position: self.href(f"messages/{position}"), lambda name: self.href(f"#agent-{name}"))

    def neighbours(self, label: str, others: tuple[object, object]) -> str:
        """Return links to the earlier and the later day or month in `others`; None if there is none."""
        earlier, later = others
        found = [("archive.earlier", "prev", earlier), ("archive.later", "next", later)]
        return self.steps(
            label,
            [
                self.link(f"archive/{period}", self.text(key, period=f"{period}"), f' rel="{relation}"')
                for key, relation, period in found
                if period is not None
            ],
        )

    def steps(self, label: str, links: Iterable[str]) -> str:
        """Return a <nav> element with these links and the text `label` as its name; "" if there are no links."""
        content = " ".join(links)
        return f'    <nav class="steps" aria-label="{self.text(label)}">{content}</nav>\n' if content else ""


def with_language(path: str, language: str | None) -> str:
    """Return a path with the language in its query string, or unchanged if it is None."""
    if language is None:
        return path
    before, hash_sign, fragment = path.partition("#")
    return f"{before}{'&' if '?' in before else '?'}language={language}{hash_sign}{fragment}"


def document(
    context: PageContext,
    title: str,
    main: str,
    *,
    parents: Iterable[str] = (),
    head: str | None = None,
    description: str = "",
) -> str:
    """Return a page. `title` and `description` are text; `main`, links to the page's `parents`, and `head` are HTML."""
    translations = " · ".join(
        f'<a href="{escape(context.root + with_language(context.path, tag))}" lang="{tag}" hreflang="{tag}">{name}</a>'
        for tag, name in LANGUAGE_NAMES.items()
    )
    archive = context.text("archive.title")
    return DOCUMENT.format(
        language=context.language,
        title=escape(title),
        description=escape(description or text(context.language, "archive.description")),
        robots="" if context.is_indexed else NOINDEX,
        head=CANONICAL.format(url=escape(context.address)) if head is None else head,
        root=context.root,
        feeds=FEEDS.format(
            root=context.root, atom=context.text("archive.atom-feed"), json=context.text("archive.json-feed")
        ),
        signs=SIGNS,
        home=context.href(""),
        archive=archive,
        path=" / ".join([context.link("archive", archive), *parents]),
        main=main,
        languages=context.text("archive.languages"),
        translations=translations,
    )
