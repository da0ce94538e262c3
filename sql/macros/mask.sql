-- Masks: what may be told of a value that its contract classifies as personal. Nothing personal is published, or leaves
-- dwd at all, but through one of them: what is not masked here is not shown.

-- 王小明 -> 王*. The name of a company is nobody's and is shown; where the kind is not known, it may be a person's.
create macro masked_name(x, kind) as case when kind = 'company' then x else substr(x, 1, 1) || '*' end;

-- 13812345678 -> 5678; of a number so short that this would be most of it, nothing.
create macro phone_tail(x) as case when length(x) >= 8 then substr(x, length(x) - 3, 4) end;

-- someone@Example.com -> example.com
create macro email_domain(x) as case when strpos(x, '@') > 0 then lower(substr(x, strpos(x, '@') + 1)) end;

-- 1987 -> 1980
create macro decade(x) as cast(floor(cast(x as double) / 10) * 10 as bigint);

-- One of three words or nothing: a group of many, whatever was written.
create macro gender_group(x) as case when x in ('female', 'male', 'other') then x end;

-- Whether there is a value, and not which.
create macro is_given(x) as x is not null;

-- SHA-256 of a value under a key, so that personal data can be compared without being shown (S0 §4.3; I45).
create macro keyed_hash(k, x) as sha256(k || '|' || x);
