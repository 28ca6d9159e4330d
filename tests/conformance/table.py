"""Which message of OCPP and which known fault is covered by which test."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.handlers import HANDLERS
from v2g_daemon.adapters.ocpp.v16.handlers import ANSWERS
from v2g_daemon.adapters.ocpp.wire.schemas import known_actions

ADAPTERS = "tests/adapters/ocpp"
UNIT = "tests/unit/ocpp"
FAULTY = "tests/system/test_station_faults.py"
STATIONS = "tests/system/test_stations.py"
ANSWERED = f"{ADAPTERS}/test_handlers.py::test_every_action_gets_a_schema_valid_answer"
SESSION = f"{ADAPTERS}/test_v2g_session.py"
REFUSALS = f"{ADAPTERS}/test_refusals.py"
OLD = f"{ADAPTERS}/test_v16_station.py"
CERTIFICATES = f"{ADAPTERS}/test_station_certificates.py"
HOSTILE = f"{ADAPTERS}/test_hostile_input.py"
PROFILES = f"{ADAPTERS}/test_security_profiles.py"
ACCESS = "tests/unit/settings/test_station_access.py"
V2G = f"{SESSION}::test_a_v2g_session_from_plug_in_to_departure"
LAYERS = f"{ADAPTERS}/test_layers.py"
FORMS = f"{ADAPTERS}/test_forms.py"
PULL = f"{ADAPTERS}/test_pull.py"
TRANSFERS = f"{ADAPTERS}/test_transfers.py"
OLD_CAR = f"{TRANSFERS}::test_a_car_of_2_0_1_tells_what_it_takes_and_plans"
VERIFICATION = f"{ADAPTERS}/test_verification.py"
WORDS = f"{ADAPTERS}/test_probe_words.py"
OLD_CHARGES = f"{OLD}::test_an_old_station_charges_within_a_limit_in_tenths_of_an_ampere"
BOOT = f"{ADAPTERS}/test_boot.py"
ADOPTION = f"{ADAPTERS}/test_adoption.py"
INSTALLER = f"{ADAPTERS}/test_installer.py"
KEYS = f"{ADAPTERS}/test_keys.py"
AUTOSTART = f"{ADAPTERS}/test_autostart.py"
RELAY = f"{ADAPTERS}/test_relay.py"
OPENING = "tests/adapters/database/test_opening.py"
INVENTORY = f"{INSTALLER}::test_the_inventory_is_collected_and_its_secrets_are_not_shown"
LISTED = f"{KEYS}::test_the_owners_keys_are_sent_whole_and_only_where_the_station_lacks_them"
FOREIGN_PROFILE = f"{BOOT}::test_a_foreign_profile_is_named_with_the_way_out_and_our_own_is_not"
GONE = f"{REFUSALS}::test_a_transaction_that_the_station_no_longer_knows_is_over"
REFUSED_KEY = f"{KEYS}::test_an_unknown_key_is_refused_named_and_ends_nothing"
UPLOADED = f"{INSTALLER}::test_a_log_is_asked_for_and_its_upload_watched"
RESET = f"{INSTALLER}::test_a_reset_waits_for_an_idle_station_unless_it_is_immediate"
STARTED = f"{AUTOSTART}::test_a_car_that_waits_is_started_after_a_few_seconds_with_a_token_of_ours"
OLD_LISTED = f"{KEYS}::test_an_old_station_gets_the_keys_that_fit_it"
OLD_DIAGNOSTICS = f"{INSTALLER}::test_an_old_stations_diagnostics_are_asked_for_in_the_words_of_1_6"
OLD_LOG = f"{INSTALLER}::test_an_old_stations_security_log_comes_with_its_security_extension"


def _tools(version: OcppVersion) -> dict[str, str]:
    """What installers and owners have us ask in 2.x."""
    of = f"[{version.value}]"
    return {
        "GetBaseReport": f"{INVENTORY}{of}",
        "GetLocalListVersion": f"{LISTED}{of}",
        "GetLog": f"{UPLOADED}{of}",
        "RequestStartTransaction": f"{STARTED}{of}",
        "Reset": f"{RESET}{of}",
        "SendLocalList": f"{LISTED}{of}",
        "UnlockConnector": (f"{INSTALLER}::test_a_connector_is_unlocked_or_the_reason_is_told{of}"),
    }


def _signed(version: OcppVersion) -> str:
    name = "test_a_station_gets_the_certificate_it_asked_for_after_the_answer"
    return f"{CERTIFICATES}::{name}[{version.value}]"


def _roots(version: OcppVersion) -> str:
    name = "test_a_station_is_given_the_ca_shows_it_and_forgets_another"
    return f"{CERTIFICATES}::{name}[{version.value}]"


def _requested(version: OcppVersion) -> str:
    name = "test_a_station_is_asked_to_ask_for_a_new_certificate"
    return f"{CERTIFICATES}::{name}[{version.value}]"


def _certificates_sent(version: OcppVersion) -> dict[str, str]:
    roots = ("DeleteCertificate", "GetInstalledCertificateIds", "InstallCertificate")
    return {"CertificateSigned": _signed(version), **dict.fromkeys(roots, _roots(version))}


def _told(version: OcppVersion) -> dict[str, str]:
    """What stations tell by themselves in 2.x."""
    of = f"[{version.value}]"
    limited = f"{BOOT}::test_a_limit_that_the_station_tells_of_is_named_until_it_is_cleared{of}"
    named = "test_the_station_names_the_car_by_itself_before_or_after_the_start"
    return {
        "ClearedChargingLimit": limited,
        "LogStatusNotification": f"{UPLOADED}{of}",
        "MeterValues": f"{REFUSALS}::test_a_car_without_soc_is_a_normal_session{of}",
        "NotifyChargingLimit": limited,
        "NotifyEvent": f"{ADOPTION}::{named}[True-{version.value}]",
        "NotifyReport": f"{INVENTORY}{of}",
        "ReportChargingProfiles": f"{FOREIGN_PROFILE}{of}",
        "SecurityEventNotification": _security_event(version),
        "SignCertificate": _signed(version),
        "StatusNotification": f"{ADOPTION}::{named}[True-{version.value}]",
    }


def _security_event(version: OcppVersion) -> str:
    name = "test_a_stations_security_events_are_kept_once_a_minute"
    return f"{ADAPTERS}/test_handlers.py::{name}[{version.value}]"


# What a message does, beyond getting an answer, shows in these.
HANDLED: dict[OcppVersion, dict[str, str]] = {
    OcppVersion.V2_1: {
        **_told(OcppVersion.V2_1),
        "Authorize": f"{ADAPTERS}/test_handlers.py::test_energy_transfers_are_named_in_2_1_only",
        "BootNotification": V2G,
        "NotifyEVChargingNeeds": V2G,
        "NotifyEVChargingSchedule": (
            f"{TRANSFERS}::test_a_plan_beyond_the_command_is_refused_and_the_command_repeated"
        ),
        "PullDynamicScheduleUpdate": f"{PULL}::test_a_pull_is_answered_with_what_is_decided_now",
        "TransactionEvent": V2G,
    },
    OcppVersion.V2_0_1: {
        **_told(OcppVersion.V2_0_1),
        "Authorize": f"{REFUSED_KEY}[ocpp2.0.1]",
        "BootNotification": (
            f"{REFUSALS}::test_a_2_0_1_station_is_charged_by_limits_and_never_below_zero"
        ),
        "NotifyEVChargingNeeds": OLD_CAR,
        "NotifyEVChargingSchedule": OLD_CAR,
        "TransactionEvent": (
            f"{REFUSALS}::test_a_2_0_1_station_is_charged_by_limits_and_never_below_zero"
        ),
    },
    OcppVersion.V1_6: {
        "Authorize": f"{KEYS}::test_an_old_stations_unknown_tag_is_refused",
        "SecurityEventNotification": _security_event(OcppVersion.V1_6),
        "SignCertificate": _signed(OcppVersion.V1_6),
        "BootNotification": OLD_CHARGES,
        "DiagnosticsStatusNotification": OLD_DIAGNOSTICS,
        "LogStatusNotification": OLD_LOG,
        "MeterValues": f"{OLD}::test_its_meter_values_are_texts_in_any_unit",
        "StartTransaction": OLD_CHARGES,
        "StatusNotification": (
            f"{OLD}::test_a_car_that_stops_taking_power_is_seen_and_its_end_too"
        ),
        "StopTransaction": f"{OLD}::test_a_car_that_stops_taking_power_is_seen_and_its_end_too",
    },
}

# What we ask, by the test that goes red when we do not.
SENT: dict[OcppVersion, dict[str, str]] = {
    OcppVersion.V2_1: {
        "GetChargingProfiles": f"{LAYERS}::test_a_default_that_lies_there_is_not_written_again",
        "GetCompositeSchedule": f"{VERIFICATION}::test_each_new_form_is_asked_for_once",
        **_certificates_sent(OcppVersion.V2_1),
        "GetTransactionStatus": f"{GONE}[ocpp2.1]",
        "GetVariables": V2G,
        "NotifyAllowedEnergyTransfer": (
            f"{TRANSFERS}::test_a_permission_that_is_gone_for_long_is_withdrawn_and_given_again"
        ),
        "SetChargingProfile": V2G,
        "SetVariables": f"{SESSION}::test_only_settings_that_differ_are_written",
        "TriggerMessage": (
            f"{REFUSALS}::test_a_station_that_stops_sampling_is_asked_for_meter_values"
        ),
        "UpdateDynamicSchedule": V2G,
        **_tools(OcppVersion.V2_1),
    },
    OcppVersion.V2_0_1: {
        "DataTransfer": f"{WORDS}::test_a_vendors_words_carry_power_and_end_and_the_farewell",
        "GetCompositeSchedule": (
            f"{VERIFICATION}::test_a_2_0_1_station_is_asked_what_will_govern_too"
        ),
        "GetChargingProfiles": f"{FOREIGN_PROFILE}[ocpp2.0.1]",
        "GetTransactionStatus": f"{GONE}[ocpp2.0.1]",
        "GetVariables": (
            f"{INSTALLER}::test_one_variable_is_read_and_an_unknown_one_is_told[ocpp2.0.1]"
        ),
        "SetVariables": (
            f"{INSTALLER}::"
            "test_a_variable_is_set_refused_by_the_station_or_refused_by_us[ocpp2.0.1]"
        ),
        **_tools(OcppVersion.V2_0_1),
        **_certificates_sent(OcppVersion.V2_0_1),
        "TriggerMessage": _requested(OcppVersion.V2_0_1),
        "SetChargingProfile": (
            f"{REFUSALS}::test_a_2_0_1_station_is_charged_by_limits_and_never_below_zero"
        ),
    },
    OcppVersion.V1_6: {
        **_certificates_sent(OcppVersion.V1_6),
        "ExtendedTriggerMessage": _requested(OcppVersion.V1_6),
        "ChangeConfiguration": OLD_CHARGES,
        "DataTransfer": (
            f"{WORDS}::test_a_1_6_station_is_told_a_discharge_once_it_is_proved[vendor]"
        ),
        "GetCompositeSchedule": (
            f"{OLD}::test_an_old_station_is_asked_what_will_govern_and_its_answer_compared"
        ),
        "GetConfiguration": OLD_CHARGES,
        "GetDiagnostics": OLD_DIAGNOSTICS,
        "GetLocalListVersion": OLD_LISTED,
        "GetLog": OLD_LOG,
        "RemoteStartTransaction": f"{AUTOSTART}::test_an_old_station_is_started_by_a_tag_of_ours",
        "Reset": f"{INSTALLER}::test_an_old_station_is_reset_softly_or_hard",
        "SendLocalList": OLD_LISTED,
        "SetChargingProfile": OLD_CHARGES,
        "TriggerMessage": f"{INSTALLER}::test_an_old_station_has_two_kinds_of_triggers",
        "UnlockConnector": (
            f"{INSTALLER}::test_an_old_station_unlocks_by_connector_and_may_not_know_how"
        ),
    },
}

# Faults seen in the field and attacks, by the test that plays them.
FAULTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "the station vanishes in a discharge, without a close",
        (
            "tests/system/test_mid_discharge.py::"
            "test_a_black_hole_on_the_link_ends_the_discharge_within_the_lease",
        ),
    ),
    (
        "the link closes while a call is in flight",
        (f"{ADAPTERS}/test_session.py::test_a_call_fails_at_once_when_the_link_closes",),
    ),
    (
        "the link is up, but no call is answered",
        (
            f"{ADAPTERS}/test_session.py::"
            "test_a_black_hole_times_out_as_an_outcome_and_an_answer_that_is_late_does_no_harm",
        ),
    ),
    (
        "SetChargingProfile is refused",
        (
            f"{REFUSALS}::test_a_refusal_is_an_outcome_and_is_not_repeated_every_second",
            f"{REFUSALS}::"
            "test_a_station_that_takes_no_setpoint_at_all_loses_discharge_and_gets_zero",
        ),
    ),
    (
        "a profile is refused for its form: unit, phases, kind, purpose, stack level",
        (
            f"{UNIT}/test_ladder.py::test_the_reason_says_which_way_to_step",
            f"{FORMS}::test_a_restart_starts_on_the_rung_that_was_taken_and_new_firmware_anew",
        ),
    ),
    (
        "a negative limit is taken for full power",
        (
            "tests/system/test_probe.py::"
            "test_full_power_instead_of_a_discharge_is_ended_within_seconds",
            f"{WORDS}::test_without_a_test_a_discharge_is_told_as_no_charge",
        ),
    ),
    (
        "the station renews what nobody decides any more",
        (f"{PULL}::test_no_pull_lets_a_setpoint_outlive_the_newest_command",),
    ),
    (
        "the daemon dies in the night",
        (f"{ADAPTERS}/test_simulated_layers.py::test_a_killed_daemons_car_follows_the_outlook",),
    ),
    (
        "every profile wears the station's flash memory",
        (
            f"{LAYERS}::test_a_default_that_lies_there_is_not_written_again",
            f"{FORMS}::test_a_rate_limit_holds_back_what_is_not_safer",
        ),
    ),
    (
        "its own schedule, mode or state contradicts what it accepted",
        (
            f"{VERIFICATION}::test_a_schedule_that_says_otherwise_becomes_part_of_the_outcome",
            f"{VERIFICATION}::test_a_mode_that_is_not_the_commanded_one_is_told",
        ),
    ),
    (
        "a schedule without periods, or for millions of years",
        (f"{VERIFICATION}::test_an_answer_that_says_nothing_is_no_objection",),
    ),
    (
        "it is accepted and not followed",
        (
            "tests/unit/control/test_watch.py::"
            "test_more_power_than_commanded_is_a_fault_once_it_had_time_to_settle",
            f"{STATIONS}::test_a_station_that_accepts_and_ignores_is_found_out",
            "tests/unit/control/test_following.py::"
            "test_a_charger_that_stays_beyond_its_bound_is_trusted_no_more",
        ),
    ),
    (
        "the sign of a discharge is inverted",
        (
            "tests/unit/control/test_direction.py::"
            "test_where_the_grid_meter_agrees_the_second_sample_latches",
            "tests/unit/control/test_direction.py::"
            "test_charging_while_told_to_discharge_for_20_s_latches_discharge_off",
            "tests/unit/control/test_countercheck.py::"
            "test_a_charger_that_lies_about_its_direction_is_latched_at_its_least_power",
        ),
    ),
    (
        "an impostor tells of power that flows nowhere",
        (
            "tests/unit/control/test_countercheck.py::"
            "test_a_charger_that_moves_nothing_is_latched_as_implausible",
        ),
    ),
    (
        "the car is unplugged as its discharge starts",
        (
            f"{ADAPTERS}/test_simulated_station.py::"
            "test_a_car_unplugged_as_its_discharge_starts_ends_once_and_commands_cease",
        ),
    ),
    (
        "a register goes back or leaps",
        (
            "tests/unit/accounting/test_metering.py::"
            "test_a_register_that_goes_back_or_leaps_is_not_booked_but_told",
            f"{UNIT}/test_power_check.py::test_a_register_that_is_set_is_no_power",
            "tests/unit/control/test_soc.py::"
            "test_a_register_that_went_back_counts_nothing_and_goes_on_from_there",
        ),
    ),
    (
        "a profile of a transaction is wanted where there is none",
        (
            f"{SESSION}::test_a_setpoint_waits_for_a_transaction_and_then_names_it",
            f"{LAYERS}::test_a_station_that_only_knows_maxima_is_capped_in_two_layers",
        ),
    ),
    (
        "an outlet that is faulted, out of service, or updating its firmware",
        (f"{REFUSALS}::test_a_station_out_of_order_is_one_fault_and_commanded_no_more",),
    ),
    (
        "the station reboots in a session",
        (
            f"{REFUSALS}::test_a_station_that_boots_again_gets_its_profiles_again",
            f"{FAULTY}::test_a_station_that_reboots_in_a_discharge_is_taken_up_again",
        ),
    ),
    (
        "an event is repeated, late, or was queued offline",
        (
            f"{ADAPTERS}/test_session.py::"
            "test_a_repeated_frame_is_answered_from_memory_and_handled_once",
            f"{UNIT}/test_evse_state.py::test_offline_events_change_nothing_live_but_tell_who_it_was",
            f"{UNIT}/test_evse_state.py::test_an_older_sample_never_replaces_a_newer_one",
            f"{FAULTY}::test_an_absence_is_told_afterwards_in_any_order_and_changes_nothing",
        ),
    ),
    (
        "the EV may discharge no longer, or refuses to",
        (f"{FAULTY}::test_a_car_that_may_discharge_no_longer_rests_and_goes_on_when_it_may",),
    ),
    (
        "calls are refused by CALLERROR for a while",
        (f"{FAULTY}::test_a_refusal_that_ends_before_the_lease_is_told_and_forgotten",),
    ),
    (
        "noise: junk, repeats, odd stamps, numbers and connectors",
        (f"{FAULTY}::test_a_discharge_does_not_care_for_noise",),
    ),
    (
        "the station never boots, or boots not again",
        (
            f"{STATIONS}::test_a_station_that_never_boots_is_linked_and_does_nothing",
            f"{STATIONS}::test_a_station_without_a_boot_is_served_all_the_same",
        ),
    ),
    (
        "energy in kWh, always or now and then",
        (f"{STATIONS}::test_kilowatt_hours_are_counted_as_what_they_are",),
    ),
    (
        "stations on foreign code, strict, with faults on",
        (
            "tests/system/test_ocpp_rpc_peer.py::"
            "test_strict_stations_have_whole_sessions_and_find_no_frame_to_blame",
            "tests/system/test_bare_station.py::"
            "test_a_station_on_bare_sockets_finds_no_frame_to_blame",
        ),
    ),
    (
        "SoC that cannot be",
        (f"{UNIT}/test_meter_values.py::test_soc_is_a_fraction_or_nothing",),
    ),
    (
        "a second connection with a known id",
        (
            f"{ADAPTERS}/test_admission.py::"
            "test_a_second_connection_is_refused_while_the_first_answers",
            f"{ADAPTERS}/test_admission.py::"
            "test_a_second_connection_takes_over_from_one_that_is_dead",
            f"{ADAPTERS}/test_admission.py::"
            "test_a_station_that_sends_no_pong_is_not_taken_for_dead_by_a_rivals_knock",
        ),
    ),
    (
        "a storm of reconnects",
        (
            f"{UNIT}/test_attempts.py::"
            "test_a_storm_of_reconnects_is_slowed_and_a_usual_reconnect_is_not",
        ),
    ),
    (
        "heartbeats stop while meter values flow, or the other way round",
        (
            f"{ADAPTERS}/test_admission.py::test_any_frame_is_a_sign_of_life_and_silence_is_not",
            f"{REFUSALS}::test_a_station_that_stops_sampling_is_asked_for_meter_values",
        ),
    ),
    (
        "a station clock of 1970",
        (
            f"{UNIT}/test_evse_state.py::"
            "test_a_clock_of_1970_is_no_obstacle_and_never_the_time_of_plug_in",
        ),
    ),
    (
        "a version that is not ours, or none",
        (
            f"{ADAPTERS}/test_admission.py::test_no_common_version_is_closed_after_the_handshake",
            f"{OLD}::test_a_station_that_names_no_version_is_an_old_one",
        ),
    ),
    (
        "wrong or no credentials, unknown id",
        (
            f"{ADAPTERS}/test_admission.py::test_a_stranger_is_refused_before_the_upgrade",
            f"{HOSTILE}::test_strangers_of_a_thousand_names_leave_nothing_behind",
        ),
    ),
    (
        "passwords are guessed, from one address or many",
        (
            f"{ADAPTERS}/test_admission.py::test_guessing_passwords_ends_in_429_and_in_the_journal",
            f"{HOSTILE}::test_a_hundred_wrong_passwords_from_elsewhere_do_not_keep_the_station_out",
            f"{UNIT}/test_attempts.py::"
            "test_guessing_from_many_addresses_is_limited_by_the_station_but_never_keeps_it_out",
        ),
    ),
    (
        "connections that say nothing, or half a handshake",
        (
            f"{HOSTILE}::test_a_crowd_that_says_nothing_leaves_room_for_the_station",
            f"{HOSTILE}::test_half_a_handshake_is_ended_after_the_open_timeout",
            f"{HOSTILE}::test_half_a_tls_handshake_is_ended_after_the_open_timeout",
            f"{UNIT}/test_crowd.py::test_an_address_has_fifty_places_and_all_together_two_hundred",
        ),
    ),
    (
        "frames beyond the size bound, fragments without end, a compression bomb",
        (
            f"{ADAPTERS}/test_session.py::test_a_frame_over_the_size_bound_closes_with_1009",
            f"{HOSTILE}::test_a_frame_that_announces_a_gibibyte_closes_before_it_comes",
            f"{HOSTILE}::test_ten_thousand_fragments_close_with_1009",
            f"{HOSTILE}::test_compression_is_not_spoken_so_no_bomb_can_come",
        ),
    ),
    (
        "pings without end, whose answers nobody reads",
        (f"{HOSTILE}::test_who_makes_us_answer_and_never_reads_is_dropped",),
    ),
    (
        "bytes that are no UTF-8 or no JSON, and JSON that is no frame",
        (
            f"{ADAPTERS}/test_session.py::"
            "test_a_broken_frame_gets_the_proper_error_and_the_session_lives",
            f"{HOSTILE}::test_text_that_is_no_utf_8_closes_with_1007",
            f"{ADAPTERS}/test_fuzz.py::test_six_thousand_hostile_frames_do_no_harm",
        ),
    ),
    (
        "right JSON, wrong shape: no call, an id too long or used twice, the other direction",
        (
            f"{ADAPTERS}/test_session.py::test_what_needs_no_answer_gets_none",
            f"{ADAPTERS}/test_session.py::"
            "test_an_id_longer_than_the_protocol_allows_is_answered_up_to_a_bound",
            f"{ADAPTERS}/test_session.py::test_a_reused_id_with_another_message_is_handled",
            f"{ADAPTERS}/test_handlers.py::test_an_error_text_is_cut_to_what_the_protocol_allows",
        ),
    ),
    (
        "values that cannot be: powers, registers, units, stamps",
        (
            f"{UNIT}/test_meter_values.py::test_power_is_signed_watts_of_the_whole_outlet",
            f"{UNIT}/test_meter_values.py::test_registers_are_whole_milliwatt_hours",
            f"{UNIT}/test_translate.py::test_a_stamp_is_utc_or_nothing",
        ),
    ),
    (
        "markup and control characters in names and ids",
        (
            f"{UNIT}/test_evse_state.py::test_a_control_character_in_an_id_reaches_no_ledger",
            f"{HOSTILE}::test_what_a_station_calls_itself_forges_no_line_of_the_log",
        ),
    ),
    (
        "SQL in every field, paths that climb",
        (
            f"{HOSTILE}::test_sql_in_every_field_is_text_and_nothing_else",
            f"{ADAPTERS}/test_admission.py::test_a_stranger_is_refused_before_the_upgrade",
        ),
    ),
    (
        "TLS: old versions, certificates of others, expired ones, keys that others may read",
        (
            f"{PROFILES}::test_nothing_older_than_tls_1_2_is_spoken",
            f"{PROFILES}::test_a_station_refuses_a_server_of_another_ca_or_another_name",
            f"{PROFILES}::test_a_station_refuses_an_expired_server",
            f"{PROFILES}::test_a_certificate_of_another_station_opens_nothing",
            f"{PROFILES}::test_a_certificate_that_does_not_hold_opens_nothing",
            f"{PROFILES}::test_tls_files_that_cannot_be_used_are_told_with_their_fix",
        ),
    ),
    (
        "a station talked back into plain text; plain text on a public network",
        (
            f"{PROFILES}::test_a_station_that_came_by_tls_may_not_come_back_in_plain_text",
            f"{PROFILES}::test_plain_text_from_a_public_address_is_refused_unless_allowed_in_words",
            f"{ACCESS}::test_what_would_leave_the_door_ajar_is_refused",
        ),
    ),
    (
        "certificate requests under another's name, with weak keys, or without end",
        (
            "tests/adapters/certificates/test_local_ca.py::"
            "test_a_request_is_signed_only_if_name_key_and_signature_are_in_order",
            f"{CERTIFICATES}::test_who_asks_for_certificates_without_end_is_refused",
        ),
    ),
    (
        "a flood of security events, or of vendor data",
        (
            f"{ADAPTERS}/test_handlers.py::test_a_stations_security_events_are_kept_once_a_minute",
            f"{ADAPTERS}/test_handlers.py::"
            "test_a_flood_of_events_under_ever_new_names_is_written_thirty_times_an_hour",
            f"{ADAPTERS}/test_handlers.py::test_a_flood_of_vendor_data_writes_nothing",
            "tests/adapters/database/test_retention.py::"
            "test_old_security_events_go_and_the_rest_of_the_journal_stays",
        ),
    ),
    (
        "secrets in logs",
        (
            f"{ADAPTERS}/test_admission.py::test_a_password_is_in_no_log_and_no_repr",
            f"{UNIT}/test_redaction.py::test_no_secret_is_shown",
            f"{RELAY}::test_a_wrong_password_is_told_and_shown_nowhere",
        ),
    ),
    (
        "markup and terminal commands in what a station says",
        (f"{UNIT}/test_redaction.py::test_a_terminal_obeys_nothing_of_a_frame",),
    ),
    (
        "a reader of the frame log that hangs",
        (
            "tests/adapters/web/test_stations.py::"
            "test_a_follower_that_stops_reading_costs_no_more_than_its_bound",
        ),
    ),
    (
        "a boot that says something new each time",
        (
            f"{INSTALLER}::"
            "test_a_station_that_is_somebody_else_at_every_boot_is_written_down_once_a_minute",
        ),
    ),
    (
        "the daemon is down when a car comes",
        (
            "tests/system/test_listed_keys.py::"
            "test_a_listed_key_charges_at_the_safe_current_while_the_daemon_is_down",
        ),
    ),
    (
        "a key shown by a stranger",
        (
            "tests/system/test_listed_keys.py::"
            "test_an_unknown_key_does_not_where_the_owner_wants_none",
            REFUSED_KEY,
            f"{UNIT}/test_keys.py::"
            "test_a_key_shown_within_a_transaction_that_was_let_in_never_ends_it",
        ),
    ),
    (
        "a remote start that is accepted, and nothing comes of it",
        (f"{AUTOSTART}::test_an_accepted_start_is_never_repeated_within_a_plug_in",),
    ),
    (
        "the back end of a relay commands, hangs, or is away",
        (
            f"{RELAY}::test_a_profile_of_the_back_end_is_refused_and_never_reaches_the_station",
            f"{RELAY}::test_a_back_end_that_hangs_holds_nothing_up_and_loses_only_samples",
            f"{RELAY}::test_what_comes_while_the_back_end_is_away_is_told_later_after_a_boot_again",
        ),
    ),
    (
        "requests to the API by its schema and against it",
        (
            "tests/adapters/web/test_fuzz.py::"
            "test_no_request_by_the_schema_or_against_it_is_our_fault",
            f"{ADAPTERS}/test_fuzz.py::test_six_thousand_hostile_frames_do_no_harm",
        ),
    ),
    (
        "a package that is not the one that was locked",
        (
            "tests/architecture/test_tracked_files.py::test_every_locked_line_carries_its_hashes",
            "tests/architecture/test_tracked_files.py::"
            "test_what_is_installed_fits_together_and_is_what_the_locks_say",
        ),
    ),
    (
        "an update of the daemon, and the way back from it",
        (
            f"{OPENING}::test_an_older_schema_is_migrated",
            f"{OPENING}::test_a_migration_that_fails_leaves_the_old_schema_whole",
            f"{OPENING}::test_a_newer_schema_is_refused_without_a_write",
            f"{OPENING}::"
            "test_the_release_before_refuses_the_new_ledger_and_goes_on_with_what_was_kept",
        ),
    ),
    (
        "secrets that everybody on the machine may read",
        (
            f"{ACCESS}::test_a_file_with_a_password_that_everybody_may_read_is_warned_of",
            "tests/adapters/certificates/test_local_ca.py::"
            "test_keys_are_their_owners_alone_from_the_first_byte",
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message of one version: who sends it, what becomes of it, and by which test."""

    version: OcppVersion
    action: str
    from_station: bool
    state: str
    test: str | None

    @property
    def key(self) -> str:
        """What `tests.conformance.disable` is told to disable it."""
        way = self.state if self.from_station else "sent"
        return f"{way}:{self.version.value}:{self.action}"


def rows() -> list[Row]:
    """Every message of every version, each direction it can take."""
    return [row for version in OcppVersion for row in _rows_of(version)]


def _rows_of(version: OcppVersion) -> list[Row]:
    ours = ANSWERS if version is OcppVersion.V1_6 else HANDLERS[version]
    found = []
    for action in sorted(known_actions(version)):
        if action in ours:
            handled = HANDLED[version].get(action)
            test = handled or f"{ANSWERED}[{version.value}-{action}-False]"
            state = "answered" if handled is None else "handled"
            found.append(
                Row(version=version, action=action, from_station=True, state=state, test=test)
            )
        if action not in ours or action in SENT[version]:
            sent = SENT[version].get(action)
            state = "not sent" if sent is None else "sent"
            found.append(
                Row(version=version, action=action, from_station=False, state=state, test=sent)
            )
    return found
