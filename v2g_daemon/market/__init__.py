"""From tariff to price curve and bill, and the money of one step (pure).

A tariff is rated once over an interval; curves and bills of any number of strategies read from it:

    versions = rated(book, {"energy-charts:NL": series}, interval)   # rated.py
    curve = price_curve(versions)                                    # curve.py
    found = bill(versions, steps)                                    # bill.py; steps: metered.py
"""
