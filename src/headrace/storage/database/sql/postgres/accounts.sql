-- Organizations, accounts, memberships, tokens, signing keys and connectors.

-- name: tokens
select t.no, t.name, a.username, o.name, t.created, t.expires, t.revoked, t.last_used, t.read_only
from token t join account a on a.no = t.account
left join organization o on o.no = t.organization
order by t.no
