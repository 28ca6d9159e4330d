"""Variables of a device model as people write them, and those that are not to be written; pure.

`Component[instance]@EVSE.Variable[instance]`; without the variable it is the whole component. The
configuration keys of 1.6 are the variables of a component of their own, `Configuration`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from v2g_daemon.adapters.ocpp.v16.outbound import CONFIGURATION

_NAME = r"[^.\[\]@\x00-\x1f\x7f]{1,50}"
_INSTANCE = r"[^\[\]\x00-\x1f\x7f]{1,50}"
_ADDRESS = re.compile(
    rf"(?P<component>{_NAME})(?:\[(?P<instance>{_INSTANCE})\])?(?:@(?P<evse>[0-9]{{1,4}}))?"
    rf"(?:\.(?P<variable>[^\[\]@\x00-\x1f\x7f]{{1,50}})(?:\[(?P<of_variable>{_INSTANCE})\])?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A component (`variable` None) or one variable of it."""

    component: str
    instance: str | None = None
    evse_number: int | None = None
    variable: str | None = None
    variable_instance: str | None = None

    def text(self) -> str:
        """As people write it."""
        text = self.component + ("" if self.instance is None else f"[{self.instance}]")
        text += "" if self.evse_number is None else f"@{self.evse_number}"
        text += "" if self.variable is None else f".{self.variable}"
        return text + ("" if self.variable_instance is None else f"[{self.variable_instance}]")

    def wire(self) -> dict[str, Any]:
        """As OCPP writes the address of a variable."""
        component: dict[str, Any] = {"name": self.component}
        if self.instance is not None:
            component["instance"] = self.instance
        if self.evse_number is not None:
            component["evse"] = {"id": self.evse_number}
        variable = {"name": self.variable}
        if self.variable_instance is not None:
            variable["instance"] = self.variable_instance
        return {"component": component, "variable": variable}

    def holds(self, other: Address) -> bool:
        """Whether a variable belongs to this component; what is not named here may be any."""
        return (
            self.component.casefold() == other.component.casefold()
            and self.instance in (None, other.instance)
            and self.evse_number in (None, other.evse_number)
        )


def parsed(text: str, *, old: bool) -> Address:
    """The address in a text; in 1.6 (`old`) a bare name is a configuration key; or ValueError."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is no variable; write Component.Variable, or Component@1.Variable"
        )
    if old and found["variable"] is None and text.casefold() != CONFIGURATION.casefold():
        return Address(component=CONFIGURATION, variable=text)
    return Address(
        component=found["component"],
        instance=found["instance"],
        evse_number=None if found["evse"] is None else int(found["evse"]),
        variable=found["variable"],
        variable_instance=found["of_variable"],
    )


def told(result: Mapping[str, Any]) -> Address:
    """The address in an answer or report."""
    component, variable = result["component"], result["variable"]
    return Address(
        component=component["name"],
        instance=component.get("instance"),
        evse_number=component.get("evse", {}).get("id"),
        variable=variable["name"],
        variable_instance=variable.get("instance"),
    )


_LINK = "it could cut the station's link to us, and then nobody could set it back from here"
_AUTHENTICATION = "it could disable the station's authentication, or lock the station out"
_FORBIDDEN = {
    ("ocppcommctrlr", "networkconfigurationpriority"): _LINK,
    ("ocppcommctrlr", "activenetworkprofile"): _LINK,
    ("ocppcommctrlr", "heartbeatinterval"): "the daemon sets it: charger.heartbeat_interval_s",
    ("securityctrlr", "additionalrootcertificatecheck"): _AUTHENTICATION,
    ("securityctrlr", "basicauthpassword"): _AUTHENTICATION,
    ("securityctrlr", "identity"): _AUTHENTICATION,
    ("securityctrlr", "organizationname"): _AUTHENTICATION,
    ("securityctrlr", "securityprofile"): _AUTHENTICATION,
    ("configuration", "additionalrootcertificatecheck"): _AUTHENTICATION,
    ("configuration", "authorizationkey"): _AUTHENTICATION,
    ("configuration", "cponame"): _AUTHENTICATION,
    ("configuration", "securityprofile"): _AUTHENTICATION,
    ("configuration", "heartbeatinterval"): "the daemon sets it: charger.heartbeat_interval_s",
}
# Makers have keys of their own for where the station connects, and as whom.
_LINK_WORDS = re.compile(
    r"url|uri$|endpoint|backend|csms|central_?system|back_?office|charge_?(point|box)_?id|identity|"
    r"apn|ssid|wi-?fi|wlan|ethernet|gateway|dns|ip_?addr|host_?name|proxy|"
    r"ocpp_?(version|protocol|enable|server)|network|modem|sim_?pin",
    re.IGNORECASE,
)
_PASSWORD_WORDS = re.compile(
    r"passw|authorization_?key|basic_?auth|security_?profile", re.IGNORECASE
)


def forbidden(address: Address, value: str) -> str | None:
    """Why a variable is not to be given that value from here; None: it may."""
    component, variable = address.component.casefold(), (address.variable or "").casefold()
    reason = _FORBIDDEN.get((component, variable))
    if reason is not None:
        return reason
    if component == "networkconfiguration" or _LINK_WORDS.search(variable):
        return _LINK
    if _PASSWORD_WORDS.search(variable):
        return _AUTHENTICATION
    if (component, variable) == ("smartchargingctrlr", "enabled") and value.casefold() != "true":
        return "without smart charging no limit holds, and the main fuse depends on limits"
    return None
