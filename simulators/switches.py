"""Every way to fail, by device: one line each, with the parameters that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What can be said of a fault besides its time; a kind reads what its switch takes."""

    action: str | None = None  # None = every action
    code: str = "InternalError"
    reason_code: str = "InternalError"
    lag_s: float = 0.0
    value: float = 0.0


USUAL = Parameters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One way to fail: in words, and the parameters it takes with their defaults."""

    told: str
    takes: Mapping[str, str | float | None] = field(default_factory=dict)


Switches = Mapping[str, Switch]


def _switch(told: str, /, **takes: str | float | None) -> Switch:
    return Switch(told=told, takes=MappingProxyType(takes))


# What happens on the line of any Modbus device; the rest is what its registers hold.
MODBUS_LINE_SWITCHES: dict[str, Switch] = {
    "busy": _switch("exception 6"),
    "gateway_silence": _switch("exception 11"),
    "silent": _switch("accepts TCP, never answers"),
    "slow": _switch("answers late by `slow_s` of the meter's table, real"),
    "previous": _switch("the answer to the question before"),
    "short": _switch("a register less"),
    "half": _switch("half a frame"),
    "wrong_transaction": _switch("another transaction's number"),
    "wrong_unit": _switch("another unit's number"),
    "bad_checksum": _switch("a checksum that is not the frame's"),
    "noise": _switch("bytes before the frame"),
    "echo": _switch("a line that gives back what is sent, then the answer"),
    "echo_alone": _switch("a line that gives back what is sent, and no answer"),
    "half_open": _switch("today's connections go mute, new ones work; silence on a serial line"),
}

METER_SWITCHES: dict[str, Switch] = {
    **MODBUS_LINE_SWITCHES,
    "refuses": _switch("its port is closed; silence on a serial line"),
    "failure": _switch("exception 4"),
    "frozen": _switch("old values"),
    "register_noise": _switch("one register of each answer holds a word of chance"),
    "not_implemented": _switch("0x8000 / NaN"),
    "zeros": _switch("every register 0"),
    "ones": _switch("every register 0xFFFF"),
    "word_order": _switch("the words of a value in the other order"),
    "sign": _switch("powers with the other sign"),
}

# Of a meter without registers, by its link; what it shares with the others means the same.
_TELLS: dict[str, Switch] = {
    "silent": _switch("nothing comes, though it can be reached"),
    "slow": METER_SWITCHES["slow"],
    "half": _switch("half a telegram, datagram or answer"),
    "frozen": METER_SWITCHES["frozen"],
    "not_implemented": _switch("its powers are missing, or null"),
    "sign": METER_SWITCHES["sign"],
}
_CONNECTS = {kind: METER_SWITCHES[kind] for kind in ("refuses", "half_open")}
_P1_SWITCHES: dict[str, Switch] = {
    **_TELLS,
    **_CONNECTS,
    "bad_checksum": METER_SWITCHES["bad_checksum"],
    "noise": METER_SWITCHES["noise"],
}
METER_SWITCHES_BY_LINK: dict[str, Switches] = {
    "p1": _P1_SWITCHES,
    "p1+tcp": _P1_SWITCHES,
    "speedwire": {
        **_TELLS,
        "noise": _switch("a datagram of somebody else before each"),
        "wrong_unit": METER_SWITCHES["wrong_unit"],
    },
    "http": {
        **_TELLS,
        **_CONNECTS,
        "busy": _switch("HTTP status 503"),
        "failure": _switch("HTTP status 500"),
        "garbage": _switch("HTML with status 200"),
    },
}

PRICE_SWITCHES: dict[str, Switch] = {
    "outage": _switch("503"),
    "garbage": _switch("HTML with status 200"),
    "partial": _switch("first half of the entries"),
    "unpublished": _switch("tomorrow does not appear"),
    "nulls": _switch("every fourth price is null"),
    "hangs": _switch("answers after 60 s real"),
}

CAR_CLOUD_SWITCHES: dict[str, Switch] = {
    "outage": PRICE_SWITCHES["outage"],
    "garbage": PRICE_SWITCHES["garbage"],
    "hangs": PRICE_SWITCHES["hangs"],
    "throttled": _switch("429, with Retry-After: `value`", value=600.0),
    "key_refused": _switch("401 whatever the token"),
    "stale": _switch("tells again what it told last, as of then"),
    "lying": _switch("says the opposite"),
}

LINK_SWITCHES: dict[str, Switch] = {
    "silent": _switch("reads, never answers a call; its own messages go on", action=None),
    "slow_answers": _switch("answers lag_s (real) late; beyond the time-out: too late", lag_s=5.0),
    "call_error": _switch("CALLERROR `code` to each call", code="InternalError", action=None),
    "black_hole": _switch("link up, nothing sent or answered, no pong, no close"),
    "no_pong": _switch("answers no ping"),
    "drop_link": _switch("away for as long as it lasts, without a Close frame"),
    "closes_link": _switch("away for as long as it lasts, with a Close frame"),
    "gone_after_close": _switch("never comes back after the central system's Close frame"),
    "wrong_subprotocol": _switch("offers only ocpp9.9"),
    "no_subprotocol": _switch("offers none and speaks its first version"),
    "sends_twice": _switch("sends each of its calls twice, with the same id"),
    "reuses_ids": _switch("gives all its calls the same id"),
    "garbage": _switch("a frame that is no OCPP before each of its calls"),
    "huge_frames": _switch("a frame of `value` bytes before each of its calls", value=1_048_576.0),
    "send_frames": _switch("a SEND (type 6) before each of its calls"),
}

LIFE_SWITCHES: dict[str, Switch] = {
    "never_boots": _switch("never sends BootNotification, and so nothing else, but answers"),
    "skips_boot": _switch("goes on without BootNotification, even after a power cycle"),
    "boots_on_reconnect": _switch("BootNotification at each connection, without a power cycle"),
    "boot_storm": _switch("BootNotification again lag_s after each that was accepted", lag_s=2.0),
    "reboot": _switch("once: the transaction ends, TxProfiles are lost"),
    "forgets_settings": _switch("settings are back to the factory's at each connection"),
    "forgets_default": _switch("the other profiles are lost at a reboot too"),
    "remote_start_needed": _switch("starts no transaction by itself"),
    "stuck_finishing": _switch("after a transaction nothing starts until the car is unplugged"),
    "offline_replay": _switch("samples made without a link are kept and told later"),
    "out_of_order": _switch("what was queued without a link is told newest first"),
    "repeats_events": _switch("tells the last transaction events again after a reconnect"),
}

PROFILE_SWITCHES: dict[str, Switch] = {
    "rejects_profiles": _switch(
        "Rejected with reason_code", reason_code="InternalError", action=None
    ),
    "accepts_and_ignores": _switch("Accepted, and nothing changes"),
    "rate_limited": _switch("a purpose written twice in `value` s: RateLimitExceeded", value=60.0),
    "zero_refused": _switch("a limit or setpoint of 0 is refused: ValueZeroNotAllowed"),
    "zero_latches": _switch("after a 0 the EV takes nothing more until it is plugged in anew"),
    "negative_limit_zero": _switch("a negative limit is Accepted and means 0 W"),
    "negative_limit_ignored": _switch("a negative limit is Accepted and changes nothing"),
    "negative_limit_refused": _switch("a negative limit is a PropertyConstraintViolation"),
    "negative_limit_absolute": _switch("a negative limit charges with its magnitude"),
    "negative_limit_discharges": _switch("a negative limit really discharges"),
    "never_expires": _switch("a duration that is over changes nothing"),
    "unlimited_offline": _switch("without a link no profile counts: full power"),
    "foreign_profile": _switch("an energy manager's constraint of ±`value` W", value=3000.0),
    "foreign_default": _switch("an installer's TxDefaultProfile of `value` W", value=3000.0),
}

POWER_SWITCHES: dict[str, Switch] = {
    "sign_flip": _switch("charges when told to discharge, and the reverse"),
    "lag": _switch("follows lag_s late", lag_s=10.0),
    "slow_ramp": _switch("changes by at most `value` W each second", value=100.0),
    "deadband": _switch("ignores changes below `value` W", value=500.0),
    "power_floor": _switch("never runs below `value` W, but at it", value=3000.0),
    "renegotiation": _switch(
        "ScheduledControl: a change is negotiated with the EV for lag_s", lag_s=60.0
    ),
}

CAR_SWITCHES: dict[str, Switch] = {
    "needs_rejected": _switch("the EV refuses bidirectional service"),
    "permission_withdrawn": _switch("the EV may discharge no longer and renegotiates"),
    "car_full": _switch("the EV stops at its own limit of `value` %", value=0.0),
    "car_timer": _switch("the EV waits for its own timer and takes nothing"),
}

MESSAGE_SWITCHES: dict[str, Switch] = {
    "clock_skew": _switch("stamps are off by lag_s", lag_s=7200.0),
    "clock_1970": _switch("stamps count from 1970"),
    "nul_characters": _switch("NUL and control characters in tags and names"),
    "old_shapes": _switch("StatusNotification and MeterValues in the words of 1.6"),
    "seq_no_zero": _switch("seqNo is always 0"),
    "tbc_missing": _switch("reports without tbc"),
    "report_never_ends": _switch("the last part of a report never comes"),
    "variables_without_value": _switch("GetVariables: Accepted without a value"),
    "absurd_composite": _switch("a composite schedule without periods, 8638204624965 s long"),
    "status_evse_zero": _switch("StatusNotification of EVSE 0, connector 0"),
    "available_while_plugged": _switch("StatusNotification Available with a car plugged in"),
}

READING_SWITCHES: dict[str, Switch] = {
    "no_soc": _switch("no SoC"),
    "soc_glitch": _switch("the SoC reads `value` %", value=0.0),
    "soc_frozen": _switch("the SoC stays what it was"),
    "soc_needs_power": _switch("SoC only while power flows"),
    "kwh": _switch("energy in kWh, power in kW"),
    "kwh_mixed": _switch("energy in kWh in Started and Ended, in Wh between"),
    "no_units": _switch("values without a unit"),
    "power_zero": _switch("power reads 0 while the registers move"),
    "session_registers": _switch("registers count from the start of the transaction"),
    "negative_import": _switch("discharge is a negative import, and no export is told"),
}

# What the registers of a meter and of a charger can tell instead of the truth.
REGISTERS_LIE = ("register_noise", "zeros", "ones", "not_implemented", "word_order")
CHARGER_SWITCHES: dict[str, Switch] = {
    **MODBUS_LINE_SWITCHES,
    "refuses": METER_SWITCHES["refuses"],
    "module_crash": _switch("takes connections and answers everything with exception 4"),
    "frozen": METER_SWITCHES["frozen"],
    **{kind: METER_SWITCHES[kind] for kind in REGISTERS_LIE},
    "error_state": _switch("its state is an error"),
    "reboot": _switch("once: its orders and settings are lost"),
    "refuses_writes": _switch("exception 4 to every write"),
    "ignores_writes": _switch("confirms every write, and nothing changes"),
    "refuses_discharge": _switch("exception 3 to a discharge"),
    "foreign_writer": _switch("another master orders `value` W every 20 s", value=3000.0),
    "sign_flip": POWER_SWITCHES["sign_flip"],
    "soc_glitch": READING_SWITCHES["soc_glitch"],
}

STATION_SWITCHES: dict[str, Switch] = {
    **LINK_SWITCHES,
    **LIFE_SWITCHES,
    **PROFILE_SWITCHES,
    **POWER_SWITCHES,
    **CAR_SWITCHES,
    **MESSAGE_SWITCHES,
    **READING_SWITCHES,
}
