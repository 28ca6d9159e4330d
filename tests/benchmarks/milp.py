"""A mixed-integer programme as it grows, column by column and row by row."""

from __future__ import annotations

import highspy
import numpy as np

INF = highspy.kHighsInf


class Programme:
    """Minimises what its columns cost."""

    def __init__(self) -> None:
        self.solver = highspy.Highs()
        self.solver.setOptionValue("output_flag", False)
        self.solver.setOptionValue("threads", 1)
        self.columns = 0

    def end_at(self, *, gap: float, seconds: float) -> None:
        """Be content with a solution so close to the best, or with what is found by then."""
        self.solver.setOptionValue("mip_rel_gap", gap)
        self.solver.setOptionValue("mip_abs_gap", 1e-4)
        self.solver.setOptionValue("time_limit", seconds)

    def column(self, cost: float, lower: float, upper: float, *, whole: bool = False) -> int:
        """A variable; its number."""
        self.solver.addCol(cost, lower, upper, 0, np.array([], np.int32), np.array([], float))
        if whole:
            self.solver.changeColIntegrality(self.columns, highspy.HighsVarType.kInteger)
        self.columns += 1
        return self.columns - 1

    def row(self, lower: float, upper: float, terms: dict[int, float]) -> None:
        """A sum of columns, each times its factor, within bounds."""
        index = np.array(list(terms), np.int32)
        self.solver.addRow(lower, upper, len(index), index, np.array(list(terms.values()), float))
