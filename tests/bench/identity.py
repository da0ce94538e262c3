"""How long it takes to find the customers among their records, and how much memory, as the records grow tenfold.

    python tests/bench/identity.py 10000 100000

Each size runs in a process of its own, so that the peak is its own.
"""

import resource
import subprocess
import sys
import time
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa

from assets.dwd.identity.clusters import clusters
from assets.dwd.identity.features import SIMPLIFIED, chinese_texts, keep_features, simplified
from assets.dwd.identity.linkage import likely_links
from pipeline.demo.dirt import STYLES
from pipeline.engine import DuckDBEngine
from pipeline.plan import Identity
from quality.contract import contracts

RECORDS = contracts()["customers"].gated
DUPLICATES = 0.02
FAMILY, GIVEN = "王李张刘陈杨黄赵周吴徐孙胡朱高林何郭马罗", "伟芳娜敏静磊洋艳勇杰娟涛明超英国强燕东桐涵远怡博豪曦宇洁"
CITIES = [f"{province}-{city}" for province in "苏浙粤鲁川" for city in "甲乙丙丁戊己庚辛壬癸"]


def people(size: int, seed: int = 7) -> tuple[pd.DataFrame, set[frozenset[str]]]:
    """Persons of whom a few are there twice, one mistyped or with another telephone; and which records are one."""
    rng = np.random.default_rng(seed)
    pick = lambda words: np.array(list(words), dtype=object)[rng.integers(len(words), size=size)]  # noqa: E731
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{number:07}" for number in range(size)],
            "kind": "person",
            "name": pick(FAMILY) + pick(GIVEN) + np.where(rng.random(size) < 0.6, pick(GIVEN), ""),
            "phone": [f"13{number:09}" for number in rng.permutation(size * 3)[:size]],
            "email": [f"u{number}@mail.example" for number in range(size)],
            "region": pick(CITIES),
            "address": [f"人民路{house}号{room}室" for house, room in rng.integers(1, 3000, (size, 2))],
            "birth_year": rng.integers(1950, 2005, size),
        }
    )
    originals = frame.iloc[rng.choice(size, int(size * DUPLICATES), replace=False)]
    copies = originals.assign(customer_id="N" + originals["customer_id"])
    half = len(copies) // 2
    copies.iloc[:half, copies.columns.get_loc("name")] = copies["name"][:half].map(STYLES["mistyped"])
    copies.iloc[half:, copies.columns.get_loc("phone")] = copies["phone"][half:].map(STYLES["other_digits"])
    return pd.concat([frame, copies], ignore_index=True), set(
        map(frozenset, zip(originals["customer_id"], copies["customer_id"], strict=True))
    )


def measure(size: int) -> str:
    """One line: seconds, peak memory and how right it was."""
    frame, true = people(size)
    names = contracts()["customers"].by_name
    table = pa.table(
        {name: pa.array(frame[name]) if name in frame else pa.nulls(len(frame), pa.string()) for name in names}
    )
    engine, rules = DuckDBEngine(memory_limit="2GB"), Identity()
    start = time.perf_counter()
    with engine.session(zone="UTC", tables={}, values={RECORDS: table}) as session:
        written = session.frame(chinese_texts(RECORDS))["written"]
    with engine.session(zone="UTC", tables={}, values={RECORDS: table, SIMPLIFIED: simplified(written)}) as session:
        keep_features(session, RECORDS, rules)
        links, _ = likely_links(session, rules)
    members = clusters(links, largest=rules.largest_cluster).members
    seconds = time.perf_counter() - start
    found = {frozenset(pair) for _, ids in members.groupby("cluster")["customer_id"] for pair in combinations(ids, 2)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    right = len(found & true)
    return (
        f"{len(frame):>9,} records {seconds:7.1f} s {peak:5.2f} GB"
        f"  precision {right / max(len(found), 1):.4f}  recall {right / len(true):.4f}"
    )


if __name__ == "__main__":
    sizes = sys.argv[1:] or ["10000", "100000", "1000000"]
    if len(sizes) == 1:
        sys.stdout.write(f"{measure(int(sizes[0]))}\n")
    else:
        for size in sizes:
            subprocess.run([sys.executable, __file__, size], check=True)
