"""Whose key starts a charge, also while we are away: OCPP's blocks C and D."""
