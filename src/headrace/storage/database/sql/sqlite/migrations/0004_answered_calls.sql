-- What calls with an Idempotency-Key were answered, written in the very transaction that did what they asked.
create table answered_call (
    no integer primary key,
    organization integer not null,
    account integer not null,
    key text not null,
    operation text not null,
    digest blob not null,
    answer blob not null,
    expires integer not null
) strict;
create unique index answered_call_key on answered_call (organization, account, key);
create index answered_call_expires on answered_call (expires);
