-- Long jobs: who works on one and until when that counts, and how often it was begun.
alter table job add column owner text;
alter table job add column lease integer not null default 0;
alter table job add column attempts integer not null default 0;
create index job_state on job (state, kind);

-- "sharing": whether versions of the dataset may share content (0 as long as none was forked with its annotations).
-- "garbage": how many references to shared content have gone since it was last looked through.
alter table dataset add column sharing integer not null default 0;
alter table dataset add column garbage integer not null default 0;
