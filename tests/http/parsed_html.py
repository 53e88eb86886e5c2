"""Pages as a browser reads them."""

from html.parser import HTMLParser
from typing import Final

from attrs import define, field

VOID: Final = frozenset({"meta", "link", "img", "br"})


@define
class Html(HTMLParser):
    """A page as a browser reads it: whether its tags are balanced, its elements, and the texts of an element."""

    open: list[str] = field(factory=list)
    elements: list[tuple[str, dict[str, str | None]]] = field(factory=list)
    texts: list[tuple[str, str]] = field(factory=list)
    unbalanced: list[str] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(f"{tag} {dict(attrs).get('class', '')}")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop().split()[0] != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append((" > ".join(self.open), data))

    def links(self) -> list[str]:
        """The targets of all links in the page, in order."""
        return [str(of["href"]) for tag, of in self.elements if tag == "a"]

    def text_of(self, element: str) -> str:
        """The text inside of all elements with this tag and class."""
        return "".join(text for path, text in self.texts if element in path.split(" > "))

    def plain_texts(self) -> list[str]:
        """All texts of a document that has no white space between its elements."""
        return [text for _, text in self.texts]

    def meta(self, name: str) -> str | None:
        """The content of a meta element."""
        return next((of["content"] for tag, of in self.elements if name in (of.get("name"), of.get("property"))), None)


def parse(page: str | bytes) -> Html:
    """Parse a page, which must be balanced."""
    html = Html()
    html.feed(page if isinstance(page, str) else page.decode())
    html.close()
    assert (html.unbalanced, html.open) == ([], [])
    return html
