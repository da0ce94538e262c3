"""Two records are linked by how alike they are: what is a slip of the pen, and what is somebody else."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sqlglot import exp

from assets.dwd.identity.features import FEATURES, SIMPLIFIED, chinese_texts, keep_features, simplified
from assets.dwd.identity.linkage import likely_links
from pipeline.engine import DuckDBEngine
from pipeline.plan import Identity
from quality.contract import contracts

CUSTOMERS = contracts()["customers"]
Row = dict[str, Any]

PERSON: Row = {
    "name": "张伟", "kind": "person", "phone": "13900000001", "email": "zw@mail.example", "birth_year": 1985,
    "address": "苏州市人民路12号, 301室", "region": "江苏-苏州", "gender": "male",
}  # fmt: skip
COMPANY: Row = {
    "name": "苏州澄川物流有限公司", "kind": "company", "phone": "051247105326", "address": "苏州市解放大道8号",
    "region": "江苏-苏州", "credit_code": "913205051000000070",
}  # fmt: skip
STRANGERS = [{"customer_id": f"X{n}", "name": f"客户{n}", "phone": f"137{n:08}"} for n in range(100)]


def linked(*rows: Row, rules: Identity | None = None) -> set[frozenset[str]]:
    found = _work(list(rows), rules or Identity())[0]
    return set(map(frozenset, zip(found["customer_id"], found["other_customer_id"], strict=True)))


def _work(rows: list[Row], rules: Identity) -> tuple[pd.DataFrame, pd.DataFrame]:
    named = [{"customer_id": chr(ord("A") + place)} | row for place, row in enumerate(rows)] + STRANGERS
    kinds = {"birth_year": pa.int64()}
    table = pa.table(
        {name: pa.array([row.get(name) for row in named], kinds.get(name, pa.string())) for name in CUSTOMERS.by_name}
    )
    engine, records = DuckDBEngine(memory_limit="1GB", threads=1), {CUSTOMERS.gated: table}
    with engine.session(zone="UTC", tables={}, values=records) as session:
        written = session.frame(chinese_texts(CUSTOMERS.gated))["written"]
    with engine.session(zone="UTC", tables={}, values=records | {SIMPLIFIED: simplified(written)}) as session:
        keep_features(session, CUSTOMERS.gated, rules)
        links, model = likely_links(session, rules)
        assert model.learnt == (), "a hundred records are too few to learn from"
        return links, session.frame(exp.select("*").from_(FEATURES))


@pytest.mark.parametrize(
    ("one", "changed"),
    [
        pytest.param(PERSON, {"name": "張偉", "address": "蘇州市人民路12號, 301室"}, id="traditional-characters"),
        pytest.param(PERSON, {"name": "张玮"}, id="mistyped-name"),
        pytest.param(PERSON, {"phone": "18800000002"}, id="another-telephone"),
        pytest.param(PERSON, {"address": "301室, 苏州市人民路12号"}, id="address-turned-round"),
        pytest.param(PERSON | {"name": "Grace Hale"}, {"name": "HALE, Grace"}, id="family-name-first"),
        pytest.param(COMPANY, {"name": "苏州澄川物流"}, id="without-its-legal-form"),
        pytest.param(COMPANY, {"phone": None, "address": None}, id="code-and-name-alone"),
    ],
)
def test_one_customer_is_found_behind_a_slip(one: Row, changed: Row):
    assert linked(one, one | changed) == {frozenset("AB")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(PERSON, {"name": "张德福", "birth_year": 1955, "email": None}, id="parent-in-the-same-home"),
        pytest.param(PERSON, {"birth_year": 1955, "email": None}, id="parent-of-the-same-name"),
        pytest.param(PERSON, {"name": "李芳", "birth_year": 1985, "email": None}, id="wife-of-the-same-age"),
        pytest.param(PERSON | {"name": "张建国"}, {"name": "张建军", "birth_year": 1987, "email": None}, id="brother"),
        pytest.param(COMPANY, {"name": "苏州澄川物流昆山分公司", "credit_code": "913205832000000075"}, id="branch"),
        pytest.param(
            PERSON, {"phone": "18800000002", "email": None, "address": "苏州市人民路99号"}, id="namesake-in-the-street"
        ),
        pytest.param(
            COMPANY, {"name": "苏州澄明物流有限公司", "phone": "051240000000", "credit_code": None}, id="neighbour"
        ),
    ],
)
def test_somebody_else_stays_somebody_else(one: Row, other: Row):
    assert linked(one, one | other) == set()


def test_a_telephone_many_share_is_nobodys_own():
    agents = [{"name": f"坐席{number}", "phone": "4008000000"} for number in range(5)]
    rules = Identity(shared_by_at_most=4)
    _, features = _work(agents, rules)
    assert features.loc[features["name"].str.startswith("坐席"), "phone"].isna().all()
    _, features = _work(agents[:4], rules)
    assert features.loc[features["name"].str.startswith("坐席"), "phone"].notna().all()


def test_a_block_with_too_many_records_brings_no_pairs():
    _, features = _work([PERSON] * 6, Identity(largest_block=5))
    assert features["block_0"].isna().all()
    _, features = _work([PERSON] * 5, Identity(largest_block=5))
    assert features["block_0"].notna().sum() == 5


def test_without_likeness_only_exact_keys_link():
    assert linked(PERSON, PERSON, rules=Identity(blocks=[])) == set()
