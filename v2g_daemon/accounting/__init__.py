"""What it was worth: interval energy from registers, money, counterfactual, statement (pure)."""
