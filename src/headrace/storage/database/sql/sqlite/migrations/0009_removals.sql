-- What was removed and can be put back: one row for each action of a user. What the action removed stands in the file
-- of the row's number in the folder "removals", in its first "bytes" bytes. "key" joins the calls of one action, "source"
-- is the removal that this one took back, "restorable" is 0 where only the counts were kept.
create table removal (
    no integer primary key,
    organization integer not null,
    account integer not null,
    kind text not null,
    dataset integer not null,
    version integer,
    name text not null,
    key text,
    source integer,
    restorable integer not null,
    assets integer not null,
    annotations integer not null,
    shapes integer not null,
    bytes integer not null,
    created integer not null,
    updated integer not null,
    undone integer
) strict;
create unique index removal_key on removal (organization, key) where key is not null;
create index removal_version on removal (version);

-- A deleted version or dataset: when its rows may go, and the removal that brings it back.
alter table version add column purge_after integer not null default 0;
alter table version add column removal integer;
alter table dataset add column purge_after integer not null default 0;
alter table dataset add column removal integer;
