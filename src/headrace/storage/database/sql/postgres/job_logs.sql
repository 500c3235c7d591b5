-- Logs of programs. Lakes keep them in files.

-- name: add
insert into job_log (job, start, content) values (:job, :start, :content)
on conflict (job, start) do update set content = excluded.content

-- name: drop_middle
delete from job_log where job = :job and start >= :first and start < :end

-- name: drop_old
delete from job_log where job < (
    select coalesce(min(n.job), 0) from (select distinct l.job from job_log l order by l.job desc limit :kept) n)

-- name: end
select coalesce(max(l.start + length(l.content)), 0) from job_log l where l.job = :job

-- name: read
select l.start, l.content from job_log l
where l.job = :job and l.start + length(l.content) > :offset
order by l.start limit :limit
