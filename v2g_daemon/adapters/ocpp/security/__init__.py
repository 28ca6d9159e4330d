"""Who may connect, and by which certificate: OCPP's block A."""
