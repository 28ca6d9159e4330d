"""The sources that a tariff names, and whether the house says how each is asked."""

from __future__ import annotations

from collections.abc import Iterator

from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.sections import PriceSource, Settings
from v2g_daemon.settings.tariff_sections import sources_of

# What a source of each kind needs beside its name.
NEEDED: dict[str, tuple[str, ...]] = {
    "energy-charts": (),
    "octopus": (),
    "tibber": ("token",),
    "json": ("unit", "start", "value"),
    "csv": (),
}


def asked_sources(settings: Settings) -> tuple[PriceSource, ...]:
    """A section for each source that the tariff names; `kind` is filled in from its name."""
    given = {source.name: source for source in settings.prices.source}
    found = []
    for name in sources_of(settings.tariff):
        source = given.get(name, PriceSource(name=name))
        kind = source.kind or name.partition(":")[0]
        found.append(source.model_copy(update={"kind": kind if kind in NEEDED else None}))
    return tuple(found)


def source_complaints(settings: Settings) -> Iterator[Complaint]:
    """Sources that nobody could ask, and sections that nobody asks for."""
    named = sources_of(settings.tariff)
    for number, source in enumerate(settings.prices.source):
        key = f"prices.source[{number}]"
        if source.name in [one.name for one in settings.prices.source[:number]]:
            yield _complaint(f"{key}.name", source, "another one has this name", "remove one")
        elif source.name not in named:
            known = ", ".join(named) or "none"
            fix = f"it has {known}"
            yield _complaint(f"{key}.name", source, "the tariff has no such source", fix)
    for source in asked_sources(settings):
        yield from _unaskable(source)


def _unaskable(source: PriceSource) -> Iterator[Complaint]:
    if source.kind is None:
        yield _complaint(
            "prices.source.name",
            source,
            "nothing says how this source of the tariff is asked",
            'add a [[prices.source]] of that name with kind = "json" or "csv"',
        )
        return
    if source.real_time_s is not None:
        yield from _not_in_real_time(source)
    given = {"token": source.token_env or source.token_file or source.token}
    for key in NEEDED[source.kind]:
        if given.get(key, getattr(source, key)) is None:
            fix = "add token_file or token_env" if key == "token" else f"add {key}"
            yield _complaint(
                f"prices.source.{key}", source, f"kind {source.kind!r} needs {key}", fix
            )
    if source.kind in ("json", "csv") and (source.url is None) == (source.file is None):
        problem = "it has neither or both of url and file"
        yield _complaint("prices.source.url", source, problem, "give one of them")
    if source.kind == "octopus" and source.name.count("/") != 1:
        yield _complaint(
            "prices.source.name",
            source,
            "product and tariff are missing",
            'name it as "octopus:PRODUCT/TARIFF"',
        )


def _not_in_real_time(source: PriceSource) -> Iterator[Complaint]:
    """What contradicts a price that is told once its interval has begun."""
    key = "prices.source.real_time_s"
    if source.kind not in ("json", "csv"):
        yield _complaint(key, source, "its prices are published ahead", "remove it")
    if source.publication is not None or source.every_s is not None:
        problem = "a real-time market is asked in each interval"
        yield _complaint(key, source, problem, "remove publication and every_s")
    if source.end is not None:
        yield _complaint(key, source, "it already tells where a price ends", "remove end")


def _complaint(key: str, source: PriceSource, problem: str, fix: str) -> Complaint:
    return Complaint(key=key, value=repr(source.name), problem=problem, fix=fix)
