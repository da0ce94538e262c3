-- Sessions of others that hold one of these tables in an open transaction.
-- grain: session
select distinct
    a.pid,
    coalesce(nullif(a.application_name, ''), a.usename) as application_name,
    a.xact_start
from pg_locks as l
inner join pg_stat_activity as a on a.pid = l.pid
where
    l.relation = any(select to_regclass(n.name)::oid from unnest(%s) as n (name))
    and l.granted
    and l.pid <> pg_backend_pid()
order by a.xact_start
