"""How customers are grouped by age and spend."""

from typing import Literal

from pydantic import Field, field_validator

from pipeline.plan.base import Identifier, Label, Range, Strict, used_twice


class GroupRule(Strict):
    """One group: who belongs to it, how it is approached, and what that is expected to bring.

    `age` counts years since the year of birth; `amount` is net spend of 12 months in the plan's currency, and
    `spend_percentile` the share, 0 to 1, of the buyers of the same kind who spent as much or less.
    """

    id: Identifier
    label: Label
    kind: Literal["person", "company"] | None = "person"
    age: Range = Range()
    amount: Range = Range()
    spend_percentile: Range = Range()
    strategy: Label
    effect: Label


def seed_groups() -> list[GroupRule]:
    """The three groups the documents define (S0 §2.3); the years at which one ends and what is much are ours."""
    return [
        GroupRule(
            id="a",
            label=Label(zh="A 组：年轻高消费", en="A, young, high spend"),
            age=Range(least=18, below=36),
            spend_percentile=Range(least=0.5),
            strategy=Label(
                zh="社交媒体触达，邀请试用新品", en="Reach them on social media, invite them to try what is new"
            ),
            effect=Label(
                zh="更多人知道品牌，试用后成交增多", en="More of them know the brand, more trials end in a sale"
            ),
        ),
        GroupRule(
            id="b",
            label=Label(zh="B 组：中年重性价比", en="B, middle-aged, value for money"),
            age=Range(least=36, below=60),
            strategy=Label(zh="优惠活动与家庭组合装", en="Offers and bundles for families"),
            effect=Label(zh="更愿意下单，每单金额提高", en="They buy more readily, and more per order"),
        ),
        GroupRule(
            id="c",
            label=Label(zh="C 组：老年稳健", en="C, older, conservative"),
            age=Range(least=60),
            strategy=Label(zh="线下体验，请老客户介绍", en="Let them try on site, have customers introduce them"),
            effect=Label(zh="建立信任，成交更稳", en="Trust grows, and sales with it"),
        ),
    ]


class Groups(Strict):
    """The groups in the order they are tried; the first that holds counts."""

    rules: list[GroupRule] = Field(default_factory=seed_groups)

    @field_validator("rules")
    @classmethod
    def _ids_differ(cls, rules: list[GroupRule]) -> list[GroupRule]:
        twice = used_twice([rule.id for rule in rules])
        if twice:
            raise ValueError(f"group ids {twice} are used twice; give each group its own")
        return rules
