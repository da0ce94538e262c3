"""Policies that documents name and no figure is made of: kept by their names, also where two can't hold together."""

from typing import Annotated

from pydantic import Field, model_validator

from pipeline.plan.base import Identifier, Label, Share, Strict


class PolicyPart(Strict):
    """What a part of the whole is for."""

    label: Label
    share: Share


class Policy(Strict):
    """How something is to be divided; what is left of 100 % is for no declared purpose."""

    id: Identifier
    label: Label
    parts: Annotated[list[PolicyPart], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_into_the_whole(self) -> "Policy":
        total = round(sum(part.share for part in self.parts), 9)
        if total > 1:
            raise ValueError(f"the parts of {self.id} add up to {total:.0%}; make them 100 % or less")
        return self


def usual_policies() -> list[Policy]:
    """The two of S4, which divide the same products differently (F184, I64): neither is preferred."""
    return [
        Policy(
            id="portfolio",
            label=Label(zh="产品组合", en="Product portfolio"),
            parts=[
                PolicyPart(label=Label(zh="明星与现金牛产品", en="Stars and cash cows"), share=0.70),
                PolicyPart(label=Label(zh="创新产品", en="Innovation"), share=0.20),
            ],
        ),
        Policy(
            id="three_three",
            label=Label(zh="三三制", en="Thirds"),
            parts=[
                PolicyPart(label=Label(zh="当前现金流", en="Cash flow of today"), share=0.30),
                PolicyPart(label=Label(zh="成长期市场", en="Growing markets"), share=0.40),
                PolicyPart(label=Label(zh="前瞻性研发", en="Research ahead"), share=0.30),
            ],
        ),
    ]
