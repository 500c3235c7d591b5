-- Registered processings; the built-in ones are not in the table.

-- name: add
insert into processing (
    no, organization, name, target, type, description, program, folder, parameters, version_types, cpu, gpu, created
) values (
    :no, :organization, :name, :target, :type, :description, :program, :folder, :parameters, :version_types, :cpu, :gpu,
    :created
)

-- name: page
select r.no, r.created, r.name, r.target, r.type, r.description, r.program, r.folder, r.parameters, r.version_types,
       r.cpu, r.gpu
from processing r where r.organization = :organization
order by r.no

-- name: remove
delete from processing where no = :no
