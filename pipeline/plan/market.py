"""Whom the campaign is meant for: the customers a company has in mind, and the markets that are new to it."""

from pydantic import Field

from pipeline.plan.base import Strict


class Market(Strict):
    """Customers by industry, region and size; an empty list asks nothing. 江苏省 holds 江苏省-南京市 too."""

    industries: list[str] = Field(default_factory=list)
    regions: list[str] = Field(default_factory=list)
    company_sizes: list[str] = Field(default_factory=list)

    @property
    def is_declared(self) -> bool:
        """Whether it asks for anything."""
        return any(self.lists.values())

    @property
    def lists(self) -> dict[str, list[str]]:
        """Column of the customer -> its values in this market."""
        return {"industry": self.industries, "region": self.regions, "company_size": self.company_sizes}
