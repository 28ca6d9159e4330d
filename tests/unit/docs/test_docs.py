"""What the pages say exists: links, commands, targets, keys, files, rules."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer
from pydantic import BaseModel

from tests.unit.docs.pages import ROOT, Page, page, pages
from v2g_daemon.adapters.modbus.profile_file import parse_profile, shipped_profiles
from v2g_daemon.adapters.ocpp.dialects.dialect_file import parse_dialect
from v2g_daemon.cli import app
from v2g_daemon.control.limits import LIMIT_RULES, SITE_LIMIT_RULES
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.settings import Settings, load_settings
from v2g_daemon.settings.explanations import keys_of, model_in

PAGES = pages()
SETTINGS_PAGES = [one for one in PAGES if one.name.startswith(("README", "docs/"))]


def by_name(one: Page) -> str:
    return one.name


@pytest.mark.parametrize("one", PAGES, ids=by_name)
def test_every_relative_link_leads_somewhere(one: Page) -> None:
    assert list(broken_links(one)) == []


def broken_links(one: Page) -> Iterator[str]:
    for path, anchor in one.links():
        target = (ROOT / one.name).parent / path
        if path and not target.exists():
            yield path
        elif anchor and anchor not in (page_at(target) if path else one).anchors():
            yield f"{path}#{anchor}"


def page_at(path: Path) -> Page:
    return Page(path.name, path.read_text(encoding="utf-8"))


def test_a_broken_link_and_a_missing_heading_are_found() -> None:
    text = "[a](nowhere.md) [b](#gone) [c](#here-it-is) [d](LICENSE)\n\n## Here it is\n"
    assert list(broken_links(Page("README.md", text))) == ["nowhere.md", "#gone"]
    found = broken_links(Page("README.md", "[e](CONTRIBUTING.md#no-such-heading-at-all)"))
    assert list(found) == ["CONTRIBUTING.md#no-such-heading-at-all"]


@pytest.mark.parametrize("one", PAGES, ids=by_name)
def test_every_v2g_command_and_flag_exists(one: Page) -> None:
    assert [fault for call in one.commands("v2g") for fault in call_faults(call)] == []


def call_faults(call: str) -> Iterator[str]:
    """What is wrong with one call; `stop|charge|auto` stands for three of them."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    first, *words = shlex.split(call)
    for name in first.split("|"):
        command = group.commands.get(name)
        if command is None:
            yield f"v2g {name}"
            continue
        said = name
        while isinstance(command, typer.core.TyperGroup) and words:
            inner, *words = words
            said = f"{said} {inner}"
            command = command.commands.get(inner)
        if command is None:
            yield f"v2g {said}"
            continue
        known = {flag for option in command.params for flag in option.opts} | {"--help"}
        yield from (f"v2g {name} {word}" for word in words if unknown_flag(word, known))


def unknown_flag(word: str, known: set[str]) -> bool:
    return re.match(r"-{1,2}[a-z]", word) is not None and word.partition("=")[0] not in known


@pytest.mark.parametrize(
    ("call", "faults"),
    [
        ("report day 2026-01-31 --json", []),
        ("stop|charge|auto --evse garage", []),
        ("stop|charge --confirm", ["v2g charge --confirm"]),
        ("surgeon", ["v2g surgeon"]),
        ("demo --fast", ["v2g demo --fast"]),
    ],
)
def test_an_unknown_command_or_flag_is_found(call: str, faults: list[str]) -> None:
    assert list(call_faults(call)) == faults


@pytest.mark.parametrize("one", PAGES, ids=by_name)
def test_every_make_target_exists(one: Page) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for call in one.commands("make") for word in call.split()[:1]}
    assert {name for name in named if re.fullmatch(r"[a-z-]+", name)} - targets == set()


@pytest.mark.parametrize("one", SETTINGS_PAGES, ids=by_name)
def test_every_key_of_a_toml_snippet_is_a_setting(one: Page) -> None:
    shown = (
        body for body in one.blocks("toml") if not {"[profile]", "[dialect]"} & set(body.split())
    )
    tables = [tomllib.loads(body) for body in shown]
    assert [key for table in tables for key in unknown_keys(table, Settings)] == []


def test_the_profile_that_the_meters_page_shows_can_be_used() -> None:
    (shown,) = [
        body for body in page("docs/adding-a-meter.md").blocks("toml") if "[profile]" in body
    ]
    assert parse_profile(shown, source="docs/adding-a-meter.md").id == "my_meter"


def test_the_dialect_that_the_chargers_page_shows_can_be_used() -> None:
    (shown,) = [
        body for body in page("docs/adding-a-charger.md").blocks("toml") if "[dialect]" in body
    ]
    assert parse_dialect(shown, source="docs/adding-a-charger.md").id == "my_charger"


def test_the_meters_page_lists_every_shipped_profile() -> None:
    assert set(shipped_profiles()) - set(page("docs/adding-a-meter.md").spans()) == set()


@pytest.mark.parametrize("one", SETTINGS_PAGES, ids=by_name)
def test_every_dotted_key_in_a_sentence_is_a_setting(one: Page) -> None:
    sections = {name for name, hint in get_type_hints(Settings).items() if model_in(hint)}
    # A span like `export.policy = "never"` counts by its key; `trace.jsonl` and such are files.
    dotted = [re.match(r"([a-z_]+)\.([a-z_]+)(?: = .*)?$", span) for span in one.spans()]
    named = [found.groups() for found in dotted if found is not None and found[1] in sections]
    unknown = [
        f"{section}.{key}"
        for section, key in named
        if unknown_keys({section: {key: None}}, Settings)
    ]
    assert unknown == []


def unknown_keys(table: dict[str, Any], model: type[BaseModel], above: str = "") -> list[str]:
    found = []
    hints = keys_of(model)
    for key, value in table.items():
        if key not in hints:
            found.append(f"{above}{key}")
            continue
        inner = model_in(hints[key])
        for one in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(one, dict):
                found += unknown_keys(one, inner, f"{above}{key}.")
    return found


def test_an_unknown_key_is_found_at_any_depth() -> None:
    table = tomllib.loads("[site]\nfuse = 1\n[[charger]]\n[charger.loss]\ncubic = 1\n[wine]\n")
    assert unknown_keys(table, Settings) == ["site.fuse", "charger.loss.cubic", "wine"]


def test_the_house_of_getting_started_can_be_used(tmp_path: Path) -> None:
    (snippet,) = page("docs/getting-started.md").blocks("toml")
    (tmp_path / "house.toml").write_text(snippet, encoding="utf-8")
    (tmp_path / "station-1.password").write_text("a password of 16 to 40 characters")
    settings = load_settings(tmp_path / "house.toml")
    assert settings.charger[0].max_charge_w == 7400.0
    assert settings.timezone == "Europe/Amsterdam"


@pytest.mark.parametrize("one", PAGES, ids=by_name)
def test_every_source_file_in_a_sentence_exists(one: Page) -> None:
    folders = (ROOT, ROOT / "v2g_daemon", (ROOT / one.name).parent)
    named = [span for span in one.spans() if re.fullmatch(r"[\w./-]+/[\w-]+\.(py|md|toml)", span)]
    missing = [
        span
        for span in named
        if not span.startswith("/")
        and "NAME" not in span
        and not any((folder / span).exists() for folder in folders)
    ]
    assert missing == []


def test_the_safety_page_lists_exactly_the_rules_of_the_two_tables() -> None:
    evse, site = page("docs/safety.md").text.split("### The site")
    assert table_names(evse.split("### One EVSE")[1]) == [rule.__name__ for rule in LIMIT_RULES]
    assert table_names(site.split("## Stages")[0]) == [rule.__name__ for rule in SITE_LIMIT_RULES]


def test_the_operations_page_lists_every_fault_that_is_raised() -> None:
    section = page("docs/operations.md").text.split("## Faults")[1].split("## Troubleshooting")[0]
    assert set(table_names(section)) == {code.value for code in FaultCode}


def test_every_fault_of_the_catalogue_can_be_raised() -> None:
    sources = [path.read_text() for path in (ROOT / "v2g_daemon").rglob("*.py")]
    text = "\n".join(sources)
    assert [code.name for code in FaultCode if f"FaultCode.{code.name}" not in text] == []


def table_names(text: str) -> list[str]:
    """The code in the first cells of a page's tables."""
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_the_architecture_page_shows_the_layers_that_are_enforced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["id"] == "layers"]
    enforced = "\n".join(re.sub(r"[()]", "", layer) for layer in layers) + "\n"
    assert enforced in page("docs/architecture.md").blocks("text")


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (ROOT / "docs/decisions").glob("*.md"))
)
def test_every_decision_has_its_number_a_status_and_a_date(name: str) -> None:
    text = (ROOT / "docs/decisions" / name).read_text(encoding="utf-8")
    number = int(name[:4])
    assert text.startswith(f"# {number}. ")
    assert re.search(r"^- Status: (accepted|superseded by \d+)$", text, re.MULTILINE)
    assert re.search(r"^- Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)


def test_commands_are_read_from_blocks_and_spans() -> None:
    one = Page("x.md", "`v2g check FILE`\n\n```sh\n.venv/bin/v2g demo --json  # v2g none\n```\n")
    assert one.commands("v2g") == ["demo --json", "check FILE"]
