"""How a station goes wrong: each module is asked where its faults act, each fault is one function.

The kinds and their parameters stand in `simulators.switches`.
"""
