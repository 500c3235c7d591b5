-- Tokens that can only read, and when each was last used, to within a few minutes.
alter table token add column read_only integer not null default 0;
alter table token add column last_used integer;

-- When a newer key took over from this one; null for the key that signs. What it signed before is valid until its end.
alter table signing_key add column retired integer;
