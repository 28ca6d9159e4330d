"""What an installer sees and asks of a station."""
