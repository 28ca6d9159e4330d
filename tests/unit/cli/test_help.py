"""Whatever stands in a help text is shown: the screen's markup swallows no word of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from v2g_daemon.cli import app


def helps(command: typer.core.TyperCommand | typer.core.TyperGroup) -> Iterator[str]:
    """The texts of a command, of what it takes and of the commands in it."""
    yield command.help or ""
    for option in command.params:
        yield getattr(option, "help", None) or ""
    for inner in getattr(command, "commands", {}).values():
        yield from helps(inner)


def test_every_word_of_every_help_is_shown() -> None:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    texts = list(helps(command))
    assert len(texts) > 100
    swallowed = [text for text in texts if Text.from_markup(text).plain != text.replace("\\[", "[")]
    assert swallowed == []


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (["compare", "--help"], "[[vehicle]]"),
        (["station", "vars", "--help"], "[instance]"),
    ],
)
def test_a_name_in_brackets_stands_in_the_help(call: list[str], shown: str) -> None:
    done = CliRunner().invoke(app, call, env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert shown in done.stdout
