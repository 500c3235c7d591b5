-- Tasks by the step they are in: how a campaign gets on is read from this alone.
create index assignment_step on assignment (bucket, campaign, step, status, account);
