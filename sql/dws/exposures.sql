-- How often the company was seen, by day and channel, as the platforms count it.
-- Where the platform names no channel the campaign activity's stands in.
-- grain: exposure_id
-- seed: S0 §1.3; F115
select
    e._row_id as exposure_id,                                           -- Row as it was delivered
    e.day,                                                              -- Day the platform counts it for
    coalesce(e.channel, c.channel) as channel,                          -- Channel it was shown on
    e.campaign_id,                                                      -- Campaign activity
    e.impressions,                                                      -- Times it was shown
    e.reach,                                                            -- People it was shown to that day
    e.clicks,                                                           -- Times it was clicked
    e.visits                                                            -- Visits to the site that followed
from dwd.exposures as e
left join dwd.campaigns as c on c.campaign_id = e.campaign_id
