-- Log a publication, and the plan it was made by; a run that is tried again has one row a day all the same.
insert into meta.plan (plan_hash, plan)
values (%(plan_hash)s, %(plan)s)
on conflict (plan_hash) do nothing;

insert into meta.publications (run_id, as_of, plan_hash, code_version, inputs, row_counts, is_closing)
values (%(run_id)s, %(as_of)s, %(plan_hash)s, %(code_version)s, %(inputs)s, %(row_counts)s, %(is_closing)s)
on conflict (run_id, as_of) do update
set
    plan_hash = excluded.plan_hash,
    code_version = excluded.code_version,
    inputs = excluded.inputs,
    row_counts = excluded.row_counts,
    is_closing = excluded.is_closing,
    published_at = excluded.published_at
