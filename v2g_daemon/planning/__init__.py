"""What to do later: forecasts, presence and the dynamic programme over SoC (pure; home of numpy)."""
