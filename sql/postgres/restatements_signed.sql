-- Somebody takes note of restatements, by their numbers or all of a day. What is signed stays as it was signed.
with signed as (
    update ads.restatements as r
    set signed_by = %(signed_by)s, signed_at = now(), note = %(note)s
    where r.signed_at is null and (r.restatement_id = any(%(ids)s) or r.new_as_of = %(day)s and not r.is_expected)
    returning r.restatement_id
)
select distinct s.restatement_id
from signed as s
order by s.restatement_id
