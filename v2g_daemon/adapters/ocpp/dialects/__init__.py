"""What is known of a make, as data, and what was learned of one station."""
