"""The check character of a unified social credit code, reckoned over a whole column at once (GB 32100-2015).

The engine reckons it in SQL (`sql/macros/contact.sql`); this is the second, independent way.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FORM = "^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"
_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)] + [1])
_VALUES = np.zeros(128, np.int64)
_VALUES[list(ALPHABET.encode())] = np.arange(len(ALPHABET))


def wrong_check(codes: pd.Series) -> pd.Series:
    """The codes that have the right form and the wrong check character; NULL elsewhere."""
    sent = pa.array(codes, pa.string(), from_pandas=True)
    places = np.flatnonzero(pc.match_substring_regex(sent, FORM).fill_null(False).to_numpy(zero_copy_only=False))
    formed = pc.cast(sent.take(pa.array(places)), pa.binary())
    characters = np.frombuffer(b"".join(formed.to_pylist()), np.uint8).reshape(-1, 18)
    wrong = places[_VALUES[characters] @ _WEIGHTS % 31 != 0]
    found = pd.Series(None, index=codes.index, dtype=object, name=codes.name)
    found.iloc[wrong] = codes.iloc[wrong]
    return found
