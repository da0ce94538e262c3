-- The session that publishes at the moment.
-- grain: session
select
    a.application_name,
    a.backend_start
from pg_locks as l
inner join pg_stat_activity as a on a.pid = l.pid
where
    l.locktype = 'advisory'
    and l.granted
    and l.database = (select d.oid from pg_database as d where d.datname = current_database())
    and (l.classid::bigint << 32 | l.objid::bigint) = %s
