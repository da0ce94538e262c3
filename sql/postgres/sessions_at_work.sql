-- Sessions of others that a restart would disturb: a statement or transaction is open, or a publication goes on.
-- grain: session
select coalesce(nullif(a.application_name, ''), 'session ' || a.pid) as application_name
from pg_stat_activity as a
where
    a.backend_type = 'client backend'
    and a.pid <> pg_backend_pid()
    and (
        a.state <> 'idle'
        or exists (select from pg_locks as l where l.pid = a.pid and l.locktype = 'advisory')
    )
