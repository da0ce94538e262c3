-- When the closing snapshot of a day was published last; no row where the day has none.
select max(p.published_at)
from meta.publications as p
where p.as_of = %(as_of)s and p.run_id <> %(run_id)s and (to_jsonb(p) ->> 'is_closing')::boolean
having count(*) > 0
