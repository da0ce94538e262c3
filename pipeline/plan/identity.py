"""When two records are one customer."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.plan.base import Identifier, Strict

ProjectFile = Annotated[str, Field(pattern=r"^[^/\\.][^/\\]*[.]csv$")]

BlockColumn = Literal[
    "name", "name_start", "phone", "email", "credit_code", "address", "numbers", "street", "region", "birth_year"
]
"""What of two customers may be compared to decide whether a closer look is worth it."""


def usual_blocks() -> list[list[BlockColumn]]:
    """Pairs worth a closer look, for persons and companies alike."""
    return [
        ["phone"],
        ["email"],
        ["credit_code"],
        ["address"],
        ["name", "region"],
        ["name", "birth_year"],
        ["name_start", "numbers"],
        ["region", "numbers"],
        ["region", "birth_year"],
    ]


Survivor = Literal["newest", "oldest", "most_frequent", "longest"]

USUAL_SURVIVORS: dict[str, Survivor] = {
    "kind": "most_frequent",
    "credit_code": "most_frequent",
    "birth_year": "most_frequent",
    "gender": "most_frequent",
    "source_channel": "oldest",
    "referred_by": "oldest",
    "created_at": "oldest",
}
"""Of several values of one customer the one that counts; of every other column the newest that is not empty."""


class Identity(Strict):
    """When two records are one customer, and which of their values count (F021, F035, I45)."""

    is_enabled: bool = True
    """Whether records are compared beyond exact keys."""
    threshold: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Least probability at which two records are linked."""
    blocks: list[Annotated[list[BlockColumn], Field(min_length=1)]] = Field(default_factory=usual_blocks)
    """Two records are compared if they agree in all columns of at least one of these."""
    largest_block: Annotated[int, Field(ge=2)] = 50
    """Records that share the columns of a block; where there are more, the block tells nothing and is left out."""
    shared_by_at_most: Annotated[int, Field(ge=1)] = 10
    """A phone, an e-mail or an address that more names than these share belongs to none of them."""
    largest_cluster: Annotated[int, Field(ge=2)] = 20
    """Records of one customer; where there are more, only exact links are believed."""
    must_link: ProjectFile | None = None
    cannot_link: ProjectFile | None = None
    """CSV files in the project folder with the columns customer_id, other_customer_id and note."""
    survivorship: dict[Identifier, Survivor] = {}
    """Column -> which of several values counts, where another than the usual one is wanted."""

    def survivor(self, column: str) -> Survivor:
        """Which of several values of a column counts."""
        return (USUAL_SURVIVORS | self.survivorship).get(column, "newest")
