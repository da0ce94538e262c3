"""How channels and people are judged: what a score is made of, when there is enough to judge by, what it is called."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from pipeline.plan.base import Identifier, Label, Share, Strict, used_twice


class Rating(Strict):
    """A word for a score of at least so many points."""

    id: Identifier
    label: Label
    least: Annotated[float, Field(ge=0, le=100)] = 0


def seed_ratings() -> list[Rating]:
    """The documents have two words, 优异 and 一般 (S0 §5.3); the other two and the points are ours."""
    return [
        Rating(id="excellent", label=Label(zh="优异", en="Excellent"), least=65),
        Rating(id="good", label=Label(zh="良好", en="Good"), least=50),
        Rating(id="fair", label=Label(zh="一般", en="Fair"), least=35),
        Rating(id="poor", label=Label(zh="欠佳", en="Poor"), least=0),
    ]


class Reallocation(Strict):
    """How far an advised share of the budget may be from the planned one: that many times it (I60)."""

    least: Annotated[float, Field(ge=0, le=1)] = 0.5
    most: Annotated[float, Field(ge=1, le=10)] = 1.5
    prior_customers: Annotated[float, Field(ge=0)] = 20
    """Customers of the usual quality that are added to each channel, so that few do not decide."""


class ChannelCards(Strict):
    """How channels are judged (S0 §2.2, §5.3; I17)."""

    reach_weight: Share = 0.5
    cost_weight: Share = 0.5
    customers_least: Annotated[int, Field(ge=1)] = 5
    """A channel with fewer new customers in the period is not rated."""
    ratings: list[Rating] = Field(default_factory=seed_ratings, min_length=1)
    high_cost: Annotated[float, Field(ge=1)] = 1.2
    """A cost per customer is high from so many times that of all channels together."""
    main_share: Share = 0.3
    """Customers mainly come through the largest channel when it brings this share of them."""
    rising_cost: Annotated[float, Field(gt=0)] = 0.1
    """A cost per customer rises when it is so much above that of the period before."""
    reallocation: Reallocation = Reallocation()

    @model_validator(mode="after")
    def _weights_make_one(self) -> "ChannelCards":
        total = round(self.reach_weight + self.cost_weight, 9)
        if total != 1:
            raise ValueError(f"reach_weight and cost_weight add up to {total:.0%}; make them 100 %")
        return self

    @field_validator("ratings")
    @classmethod
    def _every_score_has_a_word(cls, ratings: list[Rating]) -> list[Rating]:
        twice = used_twice([rating.id for rating in ratings])
        if twice:
            raise ValueError(f"ratings {twice} are used twice; give each its own id")
        points = [rating.least for rating in ratings]
        if points != sorted(set(points), reverse=True) or points[-1] != 0:
            raise ValueError(f"ratings begin at {points}; list them from the best down to one that begins at 0")
        return ratings

    def rating(self, score: float) -> Rating:
        """The best word the score is enough for."""
        return next(rating for rating in self.ratings if score >= rating.least)


class Appraisal(Strict):
    """What people are appraised by: indicators of the core, and soft ones (S4 绩效; F119, I63)."""

    core: dict[Identifier, Share] = Field(min_length=1)
    soft: dict[Identifier, Share] = Field(min_length=1)

    @model_validator(mode="after")
    def _weights_hold(self) -> "Appraisal":
        core, soft = (round(sum(weights.values()), 9) for weights in (self.core, self.soft))
        twice = sorted(set(self.core) & set(self.soft))
        if twice:
            raise ValueError(f"{', '.join(twice)} stands in core and in soft; keep it in one")
        if round(core + soft, 9) != 1:
            raise ValueError(f"core {core:.0%} and soft {soft:.0%} add up to {core + soft:.0%}; make them 100 %")
        if core < 0.7 or not 0.2 <= soft <= 0.3:
            raise ValueError(f"core weighs {core:.0%}, soft {soft:.0%}; core must be at least 70 %, soft 20 to 30 %")
        return self

    @property
    def weights(self) -> dict[str, float]:
        """Every weight; they add up to one."""
        return self.core | self.soft


class PeopleCards(Strict):
    """How teams and people are judged."""

    appraisal: Appraisal | None = None


class ActivityCards(Strict):
    """From when on an activity that is over is advised against (S3 三(三))."""

    output_least: Annotated[float, Field(ge=0)] = 1
    """Revenue per unit of cost."""
    participation_least: Annotated[float, Field(ge=0)] = 0.8
    """Those who came, as a part of those expected."""


class Scorecards(Strict):
    """How channels, people and activities are judged."""

    channels: ChannelCards = ChannelCards()
    people: PeopleCards = PeopleCards()
    activities: ActivityCards = ActivityCards()
