-- What the ledger of a day that is run again says otherwise than the day's earlier one, by table.
with sides as (
    select l.table_name, l.layer, -1 as sign, l.rows_in, l.rows_corrected, l.rows_merged
    from dq.ledger as l
    where l.as_of = %(as_of)s
    union all
    select l.table_name, l.layer, 1, l.rows_in, l.rows_corrected, l.rows_merged
    from stage.dq__ledger as l
),
moved as (
    select
        s.table_name,
        coalesce(sum(s.sign * s.rows_in) filter (where s.layer = 'ods'), 0) as rows_in,
        coalesce(sum(s.sign * s.rows_corrected) filter (where s.layer = 'dwd'), 0) as rows_corrected,
        coalesce(sum(s.sign * s.rows_merged) filter (where s.layer = 'golden'), 0) as rows_merged
    from sides as s
    group by s.table_name
)
select m.table_name, c.cause, c.rows_moved
from moved as m
cross join lateral (values
    ('late_data', greatest(m.rows_in, 0)),
    ('withdrawn_rows', greatest(-m.rows_in, 0)),
    ('corrected_rows', abs(m.rows_corrected)),
    ('merge', abs(m.rows_merged))
) as c (cause, rows_moved)
where c.rows_moved > 0
order by m.table_name, c.cause
