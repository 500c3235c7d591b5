-- Removals that can be undone: their rows, and what they read before it goes.

-- name: add
insert into removal (no, organization, account, kind, dataset, version, name, key, source, restorable,
                     assets, annotations, shapes, bytes, created, updated)
values (:no, :organization, :account, :kind, :dataset, :version, :name, :key, :source, :restorable,
        0, 0, 0, 0, :now, :now)

-- name: grow
update removal set bytes = :bytes, assets = assets + :assets, annotations = annotations + :annotations,
                   shapes = shapes + :shapes, updated = :now
where no = :no

-- name: by_no
select r.no, r.kind, r.dataset, r.version,
       coalesce((select s.name || '/' || v.name from version v cross join dataset s
                 where v.no = r.version and v.state = 'ACTIVE' and s.no = v.dataset), r.name), u.username, r.source, r.restorable, r.assets, r.annotations,
       r.shapes, r.bytes, r.created, r.undone, r.key
from removal r cross join account u
where r.no = :no and r.organization = :organization and u.no = r.account

-- name: by_key
select r.no, r.bytes from removal r where r.organization = :organization and r.key = :key

-- name: recent
select r.no, r.bytes from removal r
where r.version = :version and r.organization = :organization and r.account = :account and r.kind = :kind
  and r.key is null and r.source is null and r.undone is null and r.restorable = 1 and r.updated >= :since
order by r.no desc limit 1

-- name: of_source
select r.no, r.bytes, r.created from removal r
where r.version = :version and r.organization = :organization and r.source = :source and r.undone is null
order by r.no desc limit 1

-- name: page
select r.no, r.kind, r.dataset, r.version,
       coalesce((select s.name || '/' || v.name from version v cross join dataset s
                 where v.no = r.version and v.state = 'ACTIVE' and s.no = v.dataset), r.name), u.username, r.source, r.restorable, r.assets, r.annotations,
       r.shapes, r.bytes, r.created, r.undone, r.key
from removal r cross join account u
where r.organization = :organization and u.no = r.account and r.created >= :since and r.restorable = 1
order by r.no desc

-- name: mark_undone
update removal set undone = :now where no = :no

-- name: drop_expired
delete from removal where created < :before

-- name: drop
delete from removal where no = :no
