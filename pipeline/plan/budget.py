"""When spending is over the budget."""

from typing import Annotated

from pydantic import Field

from pipeline.plan.base import Strict


class Budget(Strict):
    """Both are parts of what was planned for the same time and purpose, not percentage points (I63)."""

    overspend: Annotated[float, Field(ge=0, le=10)] = 0.10
    """More than planned by so much is overspent (S4: a reminder from 10 % on)."""
    warning_from: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Spending beyond this part of the plan is worth a warning."""
