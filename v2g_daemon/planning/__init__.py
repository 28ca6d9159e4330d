"""What to do later: forecasts, presence, and the dynamic programme over SoC; home of numpy."""
