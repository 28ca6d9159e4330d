"""From a tariff file, or a house's [tariff], to its versions, checked alone and together."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from importlib import resources
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.explanations import explained, refusal
from v2g_daemon.settings.tariff_sections import TariffSection, timezone_of

# The [tariff] of earlier versions, and what says the same now.
REMOVED = {
    "bzn": '[tariff.import.energy] with kind = "series" and source = "energy-charts:{value}"',
    "import_adders_per_kwh": "[tariff.import.energy] adder for the supplier's fee, and a "
    '[[tariff.import.component]] with name, kind = "flat" and value for each of the others',
    "export_adder_per_kwh": '[tariff.export] with kind = "series", its source and adder',
    "export_factor": '[tariff.export] with kind = "series", its source and mult',
}
RESERVED = frozenset(
    "tier bounds vat fixed_per_day fixed_per_month relief credit netted export_surplus".split()
)


def shipped_tariffs() -> tuple[str, ...]:
    """The names of the tariffs that come with the daemon, as examples to copy."""
    folder = resources.files("v2g_daemon") / "config" / "tariffs"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_tariff(name: str, *, beside: Path = Path()) -> tuple[TariffSection, ...]:
    """The versions of a file, by its path or by the name of a shipped one; ConfigurationError."""
    path = beside / name
    shipped = name in shipped_tariffs()
    if shipped and not path.exists():
        source = resources.files("v2g_daemon") / "config" / "tariffs" / f"{name}.toml"
        return _parsed(source.read_text(encoding="utf-8"), Path(f"config/tariffs/{name}.toml"))
    try:
        return _parsed(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError as error:
        near = get_close_matches(name, shipped_tariffs(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(shipped_tariffs())}"
        raise ConfigurationError(f"{path}: there is no such file; {hint}") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error


def _parsed(text: str, path: Path) -> tuple[TariffSection, ...]:
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    if set(table) != {"tariff"}:
        raise ConfigurationError(
            f"{path}: a tariff file holds [tariff], or [[tariff]] for each of several versions, "
            f"and nothing else; found {', '.join(table) or 'nothing'}"
        )
    versions, complaints = tariff_versions(table["tariff"])
    if not complaints and timezone_of(versions) is None:
        complaints = [
            Complaint(
                key="tariff.timezone",
                value=None,
                problem="is missing",
                fix='add it, such as "Europe/Amsterdam"',
            )
        ]
    if complaints:
        raise refusal(complaints, path)
    return versions


def tariff_versions(raw: object) -> tuple[tuple[TariffSection, ...], list[Complaint]]:
    """The versions that a `tariff` key holds, one table or an array of them, and what is wrong."""
    tables = raw if isinstance(raw, list) else [raw]
    versions: list[TariffSection] = []
    complaints: list[Complaint] = []
    for number, table in enumerate(tables):
        above: tuple[int | str, ...] = ("tariff", number) if isinstance(raw, list) else ("tariff",)
        removed = list(_removed(table)) if isinstance(table, Mapping) else []
        if removed:
            complaints += removed
            continue
        try:
            versions.append(TariffSection.model_validate(table))
        except ValidationError as error:
            complaints += explained(error, TariffSection, above=above)
    if not complaints:
        complaints += [one for version in versions for one in _alone(version)]
        complaints += _together(versions)
    return tuple(versions), complaints


def _removed(table: Mapping[str, object]) -> Iterator[Complaint]:
    for key, now in REMOVED.items():
        if key in table:
            yield Complaint(
                key=f"tariff.{key}",
                value=repr(table[key]),
                problem="this key is of an earlier version",
                fix=f"write {now.format(value=table[key])} (docs/tariffs.md)",
            )


def _alone(version: TariffSection) -> Iterator[Complaint]:
    """Names that cannot be told apart on a bill, or that name nothing."""
    for side, key in ((version.imports, "import"), (version.export, "export")):
        names = ["energy"]
        for number, component in enumerate(side.component):
            if component.name in names or component.name in RESERVED:
                yield Complaint(
                    key=f"tariff.{key}.component[{number}].name",
                    value=repr(component.name),
                    problem="another line of the bill has this name",
                    fix="give it a name of its own",
                )
            names.append(component.name)
    demands = [one.name for one in version.imports.demand]
    known = ["energy", *(one.name for one in version.imports.component)]
    for number, name in enumerate(demands):
        if name in demands[:number] or name in known or name in RESERVED:
            yield Complaint(
                key=f"tariff.import.demand[{number}].name",
                value=repr(name),
                problem="another line of the bill has this name",
                fix="give it a name of its own",
            )
    for name in () if version.relief is None else version.relief.components:
        if name not in known:
            yield Complaint(
                key="tariff.relief.components",
                value=repr(name),
                problem="no component of the import has this name",
                fix=f"name one of {', '.join(known)}",
            )


def _together(versions: Sequence[TariffSection]) -> Iterator[Complaint]:
    """Versions follow one another: one currency, one time zone, and no day twice."""
    ordered = sorted(versions, key=lambda one: one.valid_from or date.min)
    for earlier, later in pairwise(ordered):
        if later.valid_from is None or earlier.valid_to is None:
            overlap = "have no end or no beginning between them"
        elif later.valid_from <= earlier.valid_to:
            overlap = f"are both valid on {later.valid_from}"
        else:
            continue
        yield Complaint(
            key="tariff.valid_to",
            value=None if earlier.valid_to is None else str(earlier.valid_to),
            problem=f"versions {earlier.id!r} and {later.id!r} {overlap}",
            fix="let each end the day before the next begins",
        )
    for key in ("currency", "timezone"):
        if len({getattr(one, key) for one in versions}) > 1:
            yield Complaint(
                key=f"tariff.{key}",
                value=None,
                problem="differs between versions",
                fix="write them as tariffs of their own",
            )
