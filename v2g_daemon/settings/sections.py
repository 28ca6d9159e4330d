"""The sections of the TOML file: every key, its unit, its default and the range it may have.

A key that means what a domain field means has the same name, but for these: `id` and `vehicle`
(`evse_id`, `vehicle_id` and the like), `stage` (`stage_wanted`), `export.policy` (`export_policy`),
`commitment` (`commitments`), `economics.hint_from` (`hint_from_money`) and `availability.bonus`
(`bonus_money`). Amounts of money may be written as strings, so that no digit passes through a
float.
"""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from v2g_daemon.domain.errors import InvariantViolated
from v2g_daemon.domain.goals import UNMET_LATER_PER_KWH
from v2g_daemon.settings.access_sections import ChargeKey, Relay, Token
from v2g_daemon.settings.calendars import CalendarSection
from v2g_daemon.settings.charger_profiles import ChargerProfiles
from v2g_daemon.settings.charger_sections import ChargerCadence, Loss
from v2g_daemon.settings.departures import Departure
from v2g_daemon.settings.modbus_section import ModbusSection
from v2g_daemon.settings.programs import AvailabilitySection, CommitmentSection
from v2g_daemon.settings.section import Fraction, Name, NotNegative, Positive, Section
from v2g_daemon.settings.tariff_sections import TariffSection, known_timezone, timezone_of
from v2g_daemon.settings.vehicle_feed import VehicleFeedSection
from v2g_daemon.settings.weather import WeatherSection

Port = Annotated[int, Field(ge=0, le=65535)]
SecurityProfile = Literal[1, 2, 3]  # OCPP 2.0.1 A00: password, password over TLS, certificate


class ExportWindowSection(Section):
    """[[site.export_windows]]: daily local hours in which less may be exported."""

    starts_at: time
    ends_at: time
    export_limit_w: NotNegative


class BillingMeterSection(Section):
    """[site.billing_meter]: the meter that is billed by, if it is not the one that we read."""

    interval_s: Literal[300, 900, 1800, 3600] = 900
    netting: Literal["sum", "per_phase"] = "sum"
    boundary_offset_s: Annotated[int, Field(gt=-1800, lt=1800)] = 0


class Site(Section):
    """[site]: the grid connection point. Import and export limits are totals at the PCC.

    `meter_netting` is how the registers of our own meter count, `billing_meter` the one billed by.
    """

    main_fuse_a: Positive
    largest_other_load_a: NotNegative
    timezone: str | None = None
    phases: Literal[1, 3] = 3
    nominal_voltage_v: Annotated[float, Field(ge=100.0, le=300.0)] = 230.0
    import_limit_w: NotNegative | None = None
    export_limit_w: NotNegative | None = None
    throttles_pv: bool = False
    export_limit_per_phase_w: NotNegative | None = None
    export_windows: tuple[ExportWindowSection, ...] = ()
    max_phase_imbalance_w: NotNegative | None = None
    grid_operator_import_w: Annotated[float, Field(ge=4200.0)] | None = None
    meter_netting: Literal["sum", "per_phase"] = "sum"
    billing_meter: BillingMeterSection = BillingMeterSection()

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        return None if name is None else known_timezone(name)


class Charger(Section):
    """[[charger]]: one EVSE; powers are AC magnitudes. `station_id` "": it speaks no OCPP."""

    id: Name
    station_id: Name = ""
    max_charge_w: Positive
    max_discharge_w: NotNegative = 0.0
    min_charge_w: NotNegative | None = None
    min_discharge_w: NotNegative | None = None
    static_safe_current_a: NotNegative | None = None
    protocol: Literal["ocpp", "modbus"] = "ocpp"
    modbus: ModbusSection | None = None
    dialect: Annotated[str, Field(min_length=1)] | None = None
    ocpp_versions: Annotated[
        tuple[Literal["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], ...], Field(min_length=1)
    ] = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
    unknown_fields: Literal["tolerate", "refuse"] = "tolerate"
    ping_interval_s: NotNegative = 20.0
    ping_timeout_s: Positive = 20.0
    evse_number: Annotated[int, Field(ge=1)] = 1
    phases: Literal[1, 3] | None = None
    connected_phase: Literal[1, 2, 3] = 1
    charge_only: bool = False
    remote_start: bool = False
    enable_v2x: bool = False
    fail_state: Literal["charges", "idles", "unknown"] = "charges"
    soc_needs_power: bool = False
    sample_interval_s: Annotated[int, Field(ge=1)] = 5
    heartbeat_interval_s: Annotated[int, Field(ge=1)] = 60
    password: SecretStr | None = None
    password_file: Path | None = None
    password_env: Annotated[str, Field(pattern=r"^V2G_PASSWORD_[A-Z0-9_]+$")] | None = None
    unauthenticated_on_private_network: bool = False
    security_profile: SecurityProfile | None = None
    loss: Loss = Loss()
    cadence: ChargerCadence = ChargerCadence()
    profiles: ChargerProfiles = ChargerProfiles()


class Warranty(Section):
    """[vehicle.warranty]: the discharge that the maker's terms allow; absent: no such bound."""

    acknowledged: bool
    start_date: date
    years: Positive = 8.0
    discharge_wh: Positive | None = None
    discharge_s: Positive | None = None
    equivalent_cycles: Positive | None = None
    min_soc: Fraction = 0.0
    approved_serials: tuple[str, ...] = ()


class Vehicle(Section):
    """[[vehicle]]: one car; soc keys are fractions of the pack."""

    id: Name
    capacity_wh: Annotated[float, Field(ge=1000.0)]
    chemistry: Literal["nmc", "lfp", "unknown"] = "unknown"
    soc_floor: Fraction = 0.3
    soc_ceiling: Fraction = 0.8
    soc_step: Annotated[float, Field(gt=0.0, le=0.1)] = 0.01
    taper_above_soc: Fraction = 0.9
    max_charge_w: Positive | None = None
    max_discharge_w: NotNegative | None = None
    wear_cost_per_kwh_discharged: NotNegative | None = None
    evccid: str | None = None
    id_token: Token | None = None
    assumed_when_unidentified: bool = False
    usual_energy_wh: Positive = 10_000.0
    consumption_wh_per_km: Annotated[float, Field(ge=50.0, le=1000.0)] | None = None
    consumption_margin_fraction: Annotated[float, Field(ge=0.0, le=2.0)] = 0.2
    warranty: Warranty | None = None
    feed: VehicleFeedSection | None = None
    commitment: tuple[CommitmentSection, ...] = ()
    availability: tuple[AvailabilitySection, ...] = ()


class JsonMeter(Section):
    """[meter.answer]: where the answer of an HTTP meter holds its values, as JSON pointers."""

    power_w: str
    sign: Literal[1, -1]
    phase_power_w: tuple[str, ...] = ()
    voltage_v: tuple[str, ...] = ()
    frequency_hz: str | None = None
    import_wh: str | None = None
    export_wh: str | None = None
    serial: str | None = None


class Meter(Section):
    """[[meter]]: what it measures and where it is found; the first of a role is first choice.

    A Modbus meter needs a profile, which says registers, sign, unit id and period.
    """

    role: Literal["grid", "pv", "battery", "evse", "sub"]
    link: str
    id: Name | None = None
    profile: str | None = None
    unit_id: Annotated[int, Field(ge=0, le=255)] | None = None
    period_s: Positive | None = None
    evse: Name | None = None
    answer: JsonMeter | None = None


class PriceSource(Section):
    """[[prices.source]]: how a source that the tariff names is asked; the known ones need none.

    `publication` is local wall time; a source that has none is asked every `every_s`. `real_time_s`
    is the interval of a market that tells a price only once its interval has begun.
    """

    name: Annotated[str, Field(min_length=1)]
    kind: Literal["energy-charts", "octopus", "tibber", "json", "csv"] | None = None
    url: Annotated[str, Field(pattern="^https?://")] | None = None
    file: Path | None = None
    timezone: str | None = None
    publication: time | None = None
    every_s: Annotated[float, Field(ge=60.0)] | None = None
    real_time_s: Literal[300, 900] | None = None
    unit: str | None = None
    rows: str = ""
    start: str | None = None
    end: str | None = None
    value: str | None = None
    stamps: Literal["start", "end"] = "start"
    token_file: Path | None = None
    token_env: Annotated[str, Field(pattern=r"^V2G_TOKEN_[A-Z0-9_]+$")] | None = None
    token: SecretStr | None = Field(default=None, exclude=True)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        return None if name is None else known_timezone(name)


class Prices(Section):
    """[prices]: what is known is kept in `directory`, so that an outage takes no price away."""

    directory: Path = Path("/var/lib/v2g-daemon/prices")
    timeout_s: Positive = 10.0
    source: tuple[PriceSource, ...] = ()


class Export(Section):
    """[export]: whether the car's energy may cross the PCC, and how much of it a day and month."""

    policy: Literal["never", "allowed"] = "never"
    energy_wh: NotNegative = 10_000.0
    share_of_pack: Fraction = 0.2
    cycles_per_month: NotNegative = 20.0
    despite_high_wear: bool = False

    @field_validator("policy", mode="before")
    @classmethod
    def _not_yet(cls, policy: object) -> object:
        if policy == "solar_only":
            raise ValueError('"solar_only" does not exist yet; write "never" or "allowed"')
        return policy


class EconomicsSection(Section):
    """[economics]: what makes an action worth its while, in the tariff's currency.

    `margin_per_kwh` is per kWh discharged, the two of unmet energy per kWh missing in the pack,
    `hint_from` an amount, `carbon_price_per_t` per tonne of CO2.
    """

    margin_per_kwh: NotNegative = 0.02
    unmet_goal_per_kwh: Positive = 5.0
    unmet_later_per_kwh: Positive = UNMET_LATER_PER_KWH
    hint_from: NotNegative = 0.25
    carbon_price_per_t: NotNegative = 0.0


class Control(Section):
    """[control]: the tick and how far the house may go once its commissioning is recorded."""

    tick_s: Positive = 1.0
    stage: Literal["watch", "v1g", "v2h", "v2g"] = "v2g"
    commute_margin_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.15


class Ocpp(Section):
    """[ocpp]: where stations connect (port 0: any free one); the default is this machine only.

    `security_profile` is the least that any station may use; from 2 on only `tls_port` is open.
    """

    host: str = "127.0.0.1"
    port: Port = 9000
    tls_port: Port = 9443
    call_timeout_s: Positive = 30.0
    accept_unknown_keys: bool = True
    relay: tuple[Relay, ...] = ()
    security_profile: SecurityProfile = 1
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    client_ca_file: Path | None = None
    tls_rsa_key_exchange: bool = False
    plain_text_on_public_network: bool = False


class Certificates(Section):
    """[certificates]: the local CA of `v2g certs`, and whether it signs what stations ask for."""

    directory: Path = Path("/var/lib/v2g-daemon/certificates")
    sign_station_requests: bool = False


class Database(Section):
    """[database]: the ledger, as an SQLAlchemy URL."""

    url: str = "sqlite:////var/lib/v2g-daemon/ledger.db"


class Trace(Section):
    """[trace]: where the one-second record goes and how much of it is kept."""

    directory: Path = Path("/var/lib/v2g-daemon/trace")
    keep_days: Annotated[int, Field(ge=1)] = 30
    keep_bytes: Annotated[int, Field(ge=1_000_000)] = 500_000_000
    flush_s: Annotated[float, Field(gt=0.0, le=60.0)] = 60.0


class Api(Section):
    """[api]: the Unix socket of the running daemon."""

    socket: Path = Path("/run/v2g-daemon/api.sock")


class Clock(Section):
    """[clock]: simulated runs only; absent: the machine's clock."""

    start: AwareDatetime
    speed: Positive = 1.0
    anchor_monotonic_s: NotNegative | None = None

    @field_validator("start")
    @classmethod
    def _sane(cls, start: datetime) -> datetime:
        if not 2000 <= start.year < 2100:
            raise ValueError("lies outside 2000–2099")
        return start


class Settings(BaseSettings):
    """The whole file, with V2G_SECTION__KEY variables on top."""

    model_config = SettingsConfigDict(
        env_prefix="V2G_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
    )

    site: Site
    charger: tuple[Charger, ...]
    vehicle: tuple[Vehicle, ...]
    tariff: tuple[TariffSection, ...] = ()
    departure: tuple[Departure, ...] = ()
    calendar: tuple[CalendarSection, ...] = ()
    charge_key: tuple[ChargeKey, ...] = ()
    meter: tuple[Meter, ...] = ()
    prices: Prices = Prices()
    weather: WeatherSection | None = None
    export: Export = Export()
    economics: EconomicsSection = EconomicsSection()
    control: Control = Control()
    ocpp: Ocpp = Ocpp()
    certificates: Certificates = Certificates()
    database: Database = Database()
    trace: Trace = Trace()
    api: Api = Api()
    clock: Clock | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment outranks the file; nothing else is read."""
        return env_settings, init_settings

    @property
    def stations(self) -> tuple[Charger, ...]:
        """The chargers that are EVSEs of charging stations."""
        return tuple(charger for charger in self.charger if charger.protocol == "ocpp")

    @property
    def has_grid_meter(self) -> bool:
        """Whether something measures the grid connection point."""
        return any(meter.role == "grid" for meter in self.meter)

    @property
    def timezone(self) -> str:
        """The zone of all wall times: the site's, else that of the tariff."""
        found = self.site.timezone or timezone_of(self.tariff)
        if found is None:
            raise InvariantViolated("settings without a time zone were accepted")
        return found

    @property
    def currency(self) -> str:
        """The tariff's currency, in which all money of the house is counted."""
        return self.tariff[0].currency
