-- Annotation campaigns: at most one a version. "state": ACTIVE, CLOSED, or DELETING while its tasks go in ranges.
-- Entries are keys of steps; null: the first one, or the same as the other; 0: done at once.
create table campaign (
    no integer primary key,
    bucket integer not null,
    version integer not null,
    state text not null,
    description text,
    instructions_text text,
    instructions_object_name text,
    end_date text,
    auto_add integer not null,
    auto_close integer not null,
    default_entry integer,
    annotated_entry integer,
    next_step integer not null,
    created integer not null
) strict;
create unique index campaign_version on campaign (version) where state <> 'DELETING';
create index campaign_state on campaign (state);

create table campaign_step (
    campaign integer not null,
    key integer not null,
    position integer not null,
    name text not null,
    type text not null,
    description text,
    sample_rate real,
    primary key (campaign, key)
) without rowid, strict;

-- "dealt": how many tasks were given to the account since the assignees of the step were named.
create table step_assignee (
    campaign integer not null,
    step integer not null,
    account integer not null,
    weight real not null,
    dealt integer not null,
    primary key (campaign, step, account)
) without rowid, strict;

-- The one task of an asset in a campaign: where it is. Nobody's where "account" is null.
create table assignment (
    bucket integer not null,
    campaign integer not null,
    asset integer not null,
    step integer not null,
    status text not null,
    account integer,
    primary key (bucket, campaign, asset)
) without rowid, strict;
create index assignment_status on assignment (bucket, campaign, status, account);

-- Who did which step of a task, and how often it was refused.
create table assignment_trail (
    bucket integer not null,
    campaign integer not null,
    asset integer not null,
    step integer not null,
    account integer,
    refused integer not null,
    primary key (bucket, campaign, asset, step)
) without rowid, strict;
create index assignment_refused on assignment_trail (bucket, campaign, account, step) where refused > 0;
