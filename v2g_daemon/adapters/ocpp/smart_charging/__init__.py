"""A setpoint into profiles and leases, and what a station makes of them: OCPP's blocks K and Q."""
