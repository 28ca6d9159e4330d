"""OCPP 1.6J at the edge: both directions translated, so that the house speaks 2.0.1 inside."""
