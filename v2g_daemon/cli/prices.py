"""`v2g prices show`: which prices the house knows, from where, and until when."""

from __future__ import annotations

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption

app = typer.Typer(help="The prices that the house knows.")


@app.callback()
def prices() -> None:
    """The prices that the house knows."""


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show what is known, from where, until when, and the hours ahead drawn."""
    from v2g_daemon.app.composition import clock_of
    from v2g_daemon.app.known_prices import known_json, known_prices, known_text
    from v2g_daemon.settings import load_settings

    settings = load_settings(config)
    found = known_prices(settings, now_utc=clock_of(settings).now().utc)
    print(known_json(found) if as_json else known_text(found))
