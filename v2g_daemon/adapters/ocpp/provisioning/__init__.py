"""Getting to know a station and setting it up: OCPP's block B."""
