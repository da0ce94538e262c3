-- Who the customers are, without saying who they are: what may be shown of each, and keys to find one by.
-- A hash is SHA-256 of the project's key, a bar and the value in its clean form, in lower case: whoever holds the key can
-- find a person in it, nobody else can. Addresses are left out.
-- grain: customer_id
-- seed: S0 §4.3, §7.2; S4 SOP; F042, I45, U22
select
    c.customer_id,                                                      -- Customer
    c.kind,                                                             -- company or person
    masked_name(c.name, c.kind) as display_name,                        -- Name of a company; of a person, or where that is not known, the first character
    c.region,                                                           -- Region, 省-市
    c.industry,                                                         -- Industry
    c.company_size,                                                     -- Size class
    c.credit_code,                                                      -- Unified social credit code of a company
    c.demand_tag,                                                       -- What the customer is looking for
    c.source_channel as channel,                                        -- Channel the customer came through
    c.grade,                                                            -- The CRM's own grade
    c.owner_id,                                                         -- Member of staff who looks after the customer
    c.referred_by,                                                      -- Customer who recommended this one
    c.created_on,                                                       -- Day the customer was entered
    phone_tail(c.phone) as phone_tail,                                  -- Last four digits of the telephone number
    email_domain(c.email) as email_domain,                              -- E-mail address behind the @
    decade(c.birth_year) as birth_decade,                               -- First year of the decade of birth
    gender_group(c.gender) as gender,                                   -- female, male or other, as stated
    is_given(c.address) as has_address,                                 -- Whether an address is known
    keyed_hash(k.hash_key, lower(c.name)) as name_hash,                 -- Keyed hash of the name
    keyed_hash(k.hash_key, c.phone) as phone_hash,                      -- Keyed hash of the telephone number, digits only
    keyed_hash(k.hash_key, lower(c.email)) as email_hash                -- Keyed hash of the e-mail address
from dwd.customers as c
cross join secret.keys as k
