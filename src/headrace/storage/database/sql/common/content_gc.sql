-- Content that no annotation of its dataset uses any more.

-- name: due
select s.no, s.organization, s.garbage, s.next_content from dataset s
where s.garbage >= :least and s.state = 'ACTIVE' and not exists (
    select 1 from job j where j.kind = 'COLLECT' and j.subject = s.no and j.state = 'RUNNING')

-- name: hurry
update dataset set garbage = garbage + :least where no = :dataset and sharing = 1 and garbage > 0

-- name: dataset
select s.bucket from dataset s where s.no = :dataset and s.state = 'ACTIVE'

-- name: page
select c.no from content c
where c.dataset_bucket = :bucket and c.dataset = :dataset and c.no >= :first and c.no < :end
order by c.no limit :limit

-- name: stop_sharing
update dataset set sharing = 0
where no = :dataset and garbage = 0
  and (select count(*) from (select 1 from version v where v.dataset = :dataset limit 2)) < 2
