-- The columns of a table or view as it stands, in their order, and where each stands in the primary key.
-- grain: column_name
select
    a.attname::text as column_name,
    format_type(a.atttypid, a.atttypmod) as column_type,
    array_position(i.indkey::smallint[], a.attnum) as key_position
from pg_attribute as a
left join pg_index as i
    on i.indrelid = a.attrelid
    and i.indisprimary
where
    a.attrelid = to_regclass(%s)
    and a.attnum > 0
    and not a.attisdropped
order by a.attnum
