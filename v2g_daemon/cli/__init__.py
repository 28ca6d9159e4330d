"""The command line `v2g`: one thin file per command group, errors as one clear line."""

from __future__ import annotations

import sys

import typer

from v2g_daemon.cli import (
    backtest,
    car,
    certs,
    check,
    commission,
    compare,
    demo,
    departures,
    doctor,
    latch,
    overrides,
    plan,
    prices,
    probe,
    release,
    replay,
    report,
    run,
    scan,
    station,
    status,
    tariff,
)
from v2g_daemon.domain.errors import ConfigurationError, V2gDaemonError

EXIT_FAILURE = 1
EXIT_CONFIGURATION = 78  # sysexits.h EX_CONFIG; systemd does not restart on it

app = typer.Typer(
    name="v2g",
    help="Turns a parked electric car into a dispatchable battery, safely.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("release")(release.release)
app.command("scan")(scan.scan)
app.command("status")(status.status)
app.command("plan")(plan.plan)
app.command("stop")(overrides.stop)
app.command("charge")(overrides.charge)
app.command("auto")(overrides.auto)
app.command("leave")(departures.leave)
app.command("away")(departures.away)
app.command("home")(departures.home)
app.command("car")(car.car)
app.add_typer(latch.app, name="latch")
app.command("probe")(probe.probe)
app.add_typer(commission.app, name="commission")
app.add_typer(station.app, name="station")
app.add_typer(certs.app, name="certs")
app.command("report")(report.report)
app.command("replay")(replay.replay)
app.command("backtest")(backtest.backtest)
app.command("compare")(compare.compare)
app.add_typer(tariff.app, name="tariff")
app.add_typer(prices.app, name="prices")


def main() -> None:
    """Run the command line; 78 for a configuration that cannot be used, 1 for any other error."""
    try:
        app()
    except ConfigurationError as error:
        print(f"v2g: {error}", file=sys.stderr)
        sys.exit(EXIT_CONFIGURATION)
    except V2gDaemonError as error:
        print(f"v2g: {error}", file=sys.stderr)
        sys.exit(EXIT_FAILURE)
