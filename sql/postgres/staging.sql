-- Tables that a publication left behind, by the mark in their comment: the schema may hold tables of others too.
-- grain: table_name
select format('%%I.%%I', n.nspname, c.relname) as table_name
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
where
    n.nspname = 'stage'
    and c.relkind = 'r'
    and starts_with(obj_description(c.oid, 'pg_class'), %s)
