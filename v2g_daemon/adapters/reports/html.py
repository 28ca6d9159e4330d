"""One page of HTML that needs nothing else: no script, no font, no network; light and dark.

Every report is built from these parts. Text is escaped where it becomes `Html`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import NewType

Html = NewType("Html", str)
VOID = frozenset({"meta", "br", "line", "rect", "path", "circle"})


def text(words: str) -> Html:
    """Words as they are read, whatever characters they hold."""
    return Html(escape(words, quote=False))


def tag(name: str, /, *inside: Html, **attributes: str | float | None) -> Html:
    """An element; an attribute's underscores stand for hyphens, a trailing one is dropped.

    One that is None is left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{given}/>")
    return Html(f"<{name}{given}>{''.join(inside)}</{name}>")


def joined(parts: Iterable[Html]) -> Html:
    """Several elements one after another."""
    return Html("".join(parts))


def paragraph(words: str, class_: str = "") -> Html:
    """A paragraph of plain words."""
    return tag("p", text(words), class_=class_) if class_ else tag("p", text(words))


def bullets(items: Iterable[str]) -> Html:
    """A list of sentences."""
    return tag("ul", *(tag("li", text(item)) for item in items))


def section(title: str, *inside: Html) -> Html:
    """A titled part of the page."""
    return tag("section", tag("h2", text(title)), *inside)


def folded(title: str, *inside: Html) -> Html:
    """A part that opens when it is asked for, and is open on paper."""
    return tag("details", tag("summary", text(title)), *inside)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, names: int = 1) -> Html:
    """The first columns name, the others hold figures; it scrolls by itself where it is wide."""
    classes = ["name"] * names + [None] * (len(heads) - names)
    named = zip(heads, classes, strict=True)
    head = tag("tr", *(tag("th", text(one), scope="col", class_=kind) for one, kind in named))
    body = [
        tag(
            "tr",
            tag("th", text(cells[0]), scope="row", class_=classes[0]),
            *(
                tag("td", text(cell), class_=kind)
                for cell, kind in zip(cells[1:], classes[1:], strict=True)
            ),
        )
        for cells in rows
    ]
    inner = tag("table", tag("thead", head), tag("tbody", *body))
    return tag("div", inner, class_="wide", tabindex="0", role="region", aria_label="table")


def figure(narrow: Html, wide: Html, caption: str) -> Html:
    """A chart drawn twice, for a phone and for a desk; the page shows the one that fits."""
    return tag(
        "figure",
        tag("div", narrow, class_="narrow"),
        tag("div", wide, class_="roomy"),
        tag("figcaption", text(caption)),
    )


def document(title: str, *inside: Html, footer: str) -> Html:
    """The whole page."""
    style = resources.files("v2g_daemon.adapters.reports").joinpath("page.css").read_text("utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", text(title)),
        tag("style", Html(style)),
    )
    body = tag("body", tag("main", *inside), tag("footer", text(footer)))
    return Html(f"<!doctype html>\n{tag('html', head, body, lang='en')}\n")
