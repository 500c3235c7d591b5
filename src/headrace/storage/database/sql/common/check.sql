-- What headrace check reads of the whole catalog, in the order of the tables, and what it mends.

-- name: versions
select v.no, v.bucket, v.dataset, s.bucket, s.name || '/' || v.name
from version v cross join dataset s
where v.state = 'ACTIVE' and s.no = v.dataset
order by v.no

-- name: assets
select a.seq, a.filename, d.no is null or k.no is null
from asset a
left join data d on d.lake_bucket = a.lake_bucket and d.no = a.data
left join lake k on k.no = d.lake
where a.bucket = :bucket and a.version = :version
order by a.seq

-- name: annotations
select n.asset, n.no, n.shapes_n, n.counts, coalesce(n.shapes, c.shapes), n.attributes,
       exists (select 1 from asset a where a.bucket = n.bucket and a.version = n.version and a.seq = n.asset),
       exists (select 1 from account u where u.no = n.account)
from annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version
order by n.asset, n.no

-- name: marks
select m.block, m.label, m.assets_n, m.assets
from label_mark m
where m.bucket = :bucket and m.version = :version
order by m.block, m.label

-- name: drop_marks
delete from label_mark where bucket = :bucket and version = :version and block = :block

-- Rows that name others which do not exist: what it is, and which.

-- name: labels_of_no_version
select 'label ' || b.name, 'its version does not exist' from label b
where not exists (select 1 from version v where v.no = b.version)

-- name: labels_of_no_group
select 'label ' || b.name, 'its group does not exist' from label b
where b.grp is not null
  and not exists (select 1 from label_group g where g.version = b.version and g.key = b.grp)

-- name: groups_of_no_group
select 'label group ' || g.name, 'the group around it does not exist' from label_group g
where g.parent is not null
  and not exists (select 1 from label_group p where p.version = g.version and p.key = g.parent)

-- name: assets_of_no_version
select 'asset ' || a.seq || ' of version ' || a.version, 'its version does not exist'
from (select distinct bucket, version from asset) t cross join asset a
where not exists (select 1 from version v where v.no = t.version)
  and a.bucket = t.bucket and a.version = t.version

-- name: annotations_of_no_version
select 'annotation ' || n.no || ' of version ' || n.version, 'its version does not exist'
from (select distinct bucket, version from annotation) t cross join annotation n
where not exists (select 1 from version v where v.no = t.version)
  and n.bucket = t.bucket and n.version = t.version

-- name: content_of_no_dataset
select 'shapes ' || c.no || ' of dataset ' || c.dataset, 'its dataset does not exist'
from (select distinct dataset_bucket, dataset from content) t cross join content c
where not exists (select 1 from dataset s where s.no = t.dataset)
  and c.dataset_bucket = t.dataset_bucket and c.dataset = t.dataset

-- name: tags_of_assets
select 'tag ' || l.tag || ' of asset ' || l.asset || ' of version ' || l.version, 'the tag or the asset does not exist'
from asset_tag l
where not exists (select 1 from tag t where t.family = 2 and t.scope = l.version and t.key = l.tag)
   or not exists (select 1 from asset a where a.bucket = l.bucket and a.version = l.version and a.seq = l.asset)

-- name: tags_of_data
select 'tag ' || l.tag || ' of data ' || l.data, 'the tag or the data does not exist'
from data_tag l
where not exists (select 1 from tag t where t.family = 1 and t.scope = l.lake and t.key = l.tag)
   or not exists (select 1 from data d where d.lake_bucket = l.lake_bucket and d.no = l.data)

-- name: tasks
select 'task of asset ' || t.asset || ' of campaign ' || t.campaign, 'the campaign, its step or the asset does not exist'
from assignment t
left join campaign g on g.no = t.campaign
where g.no is null
   or (g.state <> 'DELETING'
       and (not exists (select 1 from asset a where a.bucket = g.bucket and a.version = g.version and a.seq = t.asset)
            or (t.step <> 0 and not exists (select 1 from campaign_step p where p.campaign = g.no and p.key = t.step))))

-- name: campaigns
select 'campaign ' || g.no, 'its version does not exist' from campaign g
where g.state <> 'DELETING' and not exists (select 1 from version v where v.no = g.version)

-- name: lakes_of_data
select 'data ' || d.no || ' ' || d.filename, 'its datalake or its source does not exist' from data d
where not exists (select 1 from lake k where k.no = d.lake)
   or (d.source is not null and not exists (select 1 from source s where s.no = d.source))

-- Numbers that the next row would get, although a row has it: the name of the counter, what it must be at least, and
-- the object that it belongs to.

-- name: sequences
select t.name, t.most, 0 from (
    select 'data' as name, max(no) as most from data
    union all select 'dataset', max(no) from dataset
    union all select 'version', max(no) from version
    union all select 'job', max(no) from job
    union all select 'removal', max(no) from removal
    union all select 'campaign', max(no) from campaign
    union all select 'processing', max(no) from processing) t
left join sequence q on q.name = t.name
where t.most is not null and coalesce(q.last, 0) < t.most

-- name: numbers_of_datasets
select s.no, s.name, s.next_label, s.next_content,
       coalesce((select max(b.key) from version v cross join label b where v.dataset = s.no and b.version = v.no), 0),
       coalesce((select max(c.no) from content c where c.dataset_bucket = s.bucket and c.dataset = s.no), 0)
from dataset s order by s.no

-- Objects, removals and jobs.

-- name: data
select d.object_name, d.size, d.sha256, d.lake_bucket, d.no
from data d
where d.size is not null
order by d.lake_bucket, d.no

-- name: set_digests
update data set sha256 = ? where lake_bucket = ? and no = ? and sha256 is null

-- name: removals
select r.no, r.bytes, r.restorable from removal r where r.undone is null order by r.no

-- name: jobs
select j.no, j.kind, j.owner, j.lease, j.updated from job j where j.state = 'RUNNING' and j.owner is not null order by j.no

-- name: release
update job set owner = null, lease = 0 where no = :no and state = 'RUNNING' and lease = :lease
