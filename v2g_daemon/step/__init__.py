"""One step of the house as a fold: news, plan wanted?, decide, meter, account (pure)."""
