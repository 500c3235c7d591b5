-- Tasks by where they are, each list in the order of its assets: a page of a listing is read and nothing else.
drop index assignment_status;
create index assignment_status on assignment (bucket, campaign, status, asset, step, account);
create index assignment_account on assignment (bucket, campaign, account, asset, status, step);
create index assignment_place on assignment (bucket, campaign, step, asset, status, account);
