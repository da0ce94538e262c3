-- Time between two moments. Whole seconds are counted, since engines keep fractions differently.
create macro hours_between(since, until) as cast(floor(epoch(until)) - floor(epoch(since)) as double) / 3600;
