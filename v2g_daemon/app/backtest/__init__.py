"""`v2g backtest`: a year of a house under many strategies, each in a process of its own."""
