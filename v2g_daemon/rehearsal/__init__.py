"""The daemon's own step in virtual time: days as they were, a plant of its own, many strategies."""
