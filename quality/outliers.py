"""Values that stand out, by the modified z-score: the distance from the median in median absolute deviations.

Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers: 0.6745 (x - median) / MAD beyond 3.5.
"""

from dataclasses import dataclass

from sqlglot import exp

from pipeline.engine import Session, snippet
from pipeline.plan import Outlier

LEAST_VALUES = 30
"""Fewer values say too little of what is usual to call one of them unusual."""
_Z_OF_MAD = 0.6745


@dataclass(frozen=True)
class Usual:
    """Where the values of a column lie, and how far from it one may be."""

    middle: float
    reach: float

    def is_outside(self, x: exp.Expr) -> exp.Expr:
        """Whether a value is further from the middle."""
        return snippet(
            "coalesce(abs(cast($x as double) - $middle) > $reach, false)", x=x, middle=self.middle, reach=self.reach
        )

    def corrected(self, x: exp.Expr, rule: Outlier, kind: str) -> exp.Expr:
        """The value as the rule has it: as it is, nothing, or as far as one may be."""
        if rule.action == "flag":
            return x
        if rule.action == "null":
            return snippet("case when not $outside then $x end", outside=self.is_outside(x), x=x)
        bound = snippet(
            "case when $x < $middle then $least else $most end",
            x=x,
            middle=self.middle,
            least=self.middle - self.reach,
            most=self.middle + self.reach,
        )
        return snippet(
            "case when $outside then $bound else $x end", outside=self.is_outside(x), bound=exp.cast(bound, kind), x=x
        )


def usual(session: Session, relation: str, rule: Outlier) -> Usual | None:
    """What is usual for a column; None where there are too few values, or more than half of them are the same."""
    x = exp.cast(exp.column(rule.column, quoted=True), "double")
    [(middle, known)] = session.rows(exp.select(snippet("median($x)", x=x), snippet("count($x)", x=x)).from_(relation))
    if known < LEAST_VALUES:
        return None
    distance = snippet("median(abs($x - $middle))", x=x, middle=middle)
    [(spread,)] = session.rows(exp.select(distance).from_(relation))
    return Usual(middle, rule.threshold * spread / _Z_OF_MAD) if spread else None
