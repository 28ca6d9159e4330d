"""One reason for each command, from whoever had the last word."""

from __future__ import annotations

from v2g_daemon.control.explain import explain
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Limit, Reason

WISH = Wish(
    target_w=-5000.0, reason=Reason(authority=Authority.PLAN, rule="plan", detail="it pays")
)


def limit(lowest_w: float, rule: str, authority: Authority = Authority.SAFETY) -> Limit:
    return Limit(
        permitted=PowerRange(lowest_w=lowest_w, highest_w=7400.0),
        reason=Reason(authority=authority, rule=rule, detail=f"because of {rule}"),
    )


def test_a_granted_wish_speaks_for_itself() -> None:
    assert explain(WISH, (limit(-7000.0, "device"),), -5000.0) == WISH.reason
    assert explain(WISH, (), -4960.0) == WISH.reason


def test_a_cut_wish_names_the_limit_and_the_wish() -> None:
    reason = explain(WISH, (limit(-4000.0, "export_limit"),), -4000.0)
    assert (reason.authority, reason.rule) == (Authority.SAFETY, "export_limit")
    assert reason.detail == "because of export_limit (wanted -5000 W: it pays)"


def test_of_several_limits_the_highest_authority_speaks() -> None:
    limits = (limit(0.0, "permission", Authority.SITE), limit(-4000.0, "export_limit"))
    assert explain(WISH, limits, 0.0).rule == "export_limit"


def test_among_equals_the_one_that_takes_most_away_speaks() -> None:
    limits = (limit(-4000.0, "export_limit"), limit(0.0, "clock"), limit(-1000.0, "device"))
    assert explain(WISH, limits, 0.0).rule == "clock"


def test_what_only_calm_holds_back_says_where_it_is_going() -> None:
    reason = explain(WISH, (), -1500.0)
    assert (reason.authority, reason.rule) == (Authority.PLAN, "plan")
    assert reason.detail == "it pays; moving calmly to -5000 W"
