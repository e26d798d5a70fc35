package render

import (
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

const bootstrapPath = "/etc/mysql/bootstrap.sh"

// bootstrapPrimary makes the accounts and opens the primary for writes.
func bootstrapPrimary(t *model.Topology, s dbServer) File {
	p := script(t, s, "sets up the primary of the database. It changes only what is missing.")
	p.assign("db.replication.tls", "require", map[bool]string{true: "SSL", false: "NONE"}[t.DB.Replication.TLS])
	var nodes []model.Node
	if len(t.DB.Replicas) > 0 {
		for _, d := range t.DB.Servers() {
			nodes = append(nodes, d.Node)
		}
	}
	p.assign("db", "servers", addressWords(nodes...))
	p.assign("db.replicas", "peers", peersOf(t, s, true))
	p.assign("db.check_user", "check", t.DB.CheckUser)
	nodes = nil
	if t.DB.VIP != "" {
		for _, b := range t.LB.Nodes {
			nodes = append(nodes, b.Node)
		}
	}
	p.assign("lb.nodes", "balancers", addressWords(nodes...))
	p.semiSync(t)
	p.lines(sayScript)
	p.flavour(t, mysqlScript+mysqlAccounts, mariadbScript+mariadbAccounts)
	p.lines(primaryScript)
	return p.file(s.Name, bootstrapPath, conf.Other, scriptMode)
}

// bootstrapReplica makes a replica follow the primary.
func bootstrapReplica(t *model.Topology, s dbServer) File {
	p := script(t, s, "makes this server replicate from the primary. It changes only what is missing.")
	primary := t.DB.Primary[0]
	p.assign("db.primary", "primary", primary.Name)
	p.assign("db.primary."+primary.Name+".address", "source", primary.Address.String())
	sourceTLS := "0"
	if t.DB.Replication.TLS {
		sourceTLS = "1"
	}
	p.assign("db.replication.tls", "source_tls", sourceTLS)
	ca := ""
	if t.DB.Replication.TLS && t.DB.TLS != nil {
		ca = t.DB.TLS.CA
	}
	p.assign("db.tls.ca", "ca", ca)
	p.semiSync(t)
	reset := "RESET MASTER"
	if t.Targets.MySQL.AtLeast(8, 4) { // which lacks the old name
		reset = "RESET BINARY LOGS AND GTIDS"
	}
	p.assign("targets.mysql", "reset", reset)
	p.lines(sayScript)
	p.flavour(t, mysqlScript+mysqlFollow, mariadbScript+mariadbFollow)
	p.lines(replicaScript)
	return p.file(s.Name, bootstrapPath, conf.Other, scriptMode)
}

func (p *page) flavour(t *model.Topology, mysql, mariadb string) {
	if t.MariaDB() {
		p.lines(mariadb)
	} else {
		p.lines(mysql)
	}
}

// semiSync sets the name of the switch of a source's semi-synchronous replication; empty: there is none.
func (p *page) semiSync(t *model.Topology) {
	name := ""
	switch {
	case t.DB.SemiSync && t.MariaDB():
		name = "rpl_semi_sync_master_enabled"
	case t.DB.SemiSync:
		name = "rpl_semi_sync_source_enabled"
	}
	p.assign("db.semi_sync", "semi_sync", name)
}

// Empty passwords: the balancers' check speaks the login by itself and can answer no challenge. The account may do nothing.
const mysqlAccounts = `
rights='REPLICATION SLAVE, REPLICATION CLIENT' # the second shows promote.sh how much a server has received
authentication='WITH caching_sha2_password BY'
`

const mariadbAccounts = `
rights='REPLICATION SLAVE, REPLICA MONITOR' # the second shows promote.sh how much a server has received
authentication=BY
`

const primaryScript = `
usage() {
    cat <<END
usage: $0 [--without NAME]...
Makes the account $user, by which replicas log in, and the balancers' account for checks where there is one;
opens this server for writes if it is read-only. What is there already stays as it is.
--without NAME: do not ask server NAME whether it takes writes: you know that it is off.
END
}

without=
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit ;;
    --without)
        [ $# -gt 1 ] || fail "--without needs the name of a server"
        case " $peers" in *" $2="*) ;; *) fail "\"$2\" is no other database server: $peers" ;; esac
        without="$without $2 "
        shift 2
        ;;
    *) usage >&2; exit 2 ;;
    esac
done

# A second writable server, or one that lacks what another has, loses data: be sure of every other server first.
open() {
    for peer in $peers; do
        case $without in *" ${peer%%=*} "*) continue ;; esac
        if ! answer=$(peer_ask "${peer#*=}" "SELECT CONCAT(@@global.read_only + 0, ' ', $executed)"); then
            case $answer in
            *'ERROR 1130 '* | *' 1130 - '*) continue ;; # it has no account for this address yet, so it was never part of the stack
            esac
            fail "cannot ask ${peer%%=*} whether it takes writes: $answer
Start it, or, if it is off and will stay off: $0 --without ${peer%%=*}"
        fi
        case $answer in
        0*) fail "${peer%%=*} takes writes: two such servers lose data. After a failover exchange primary and replicas in the topology" ;;
        esac
        more=$(ahead "${answer#* }" "$(ask "SELECT $executed")")
        [ -z "$more" ] || fail "${peer%%=*} has transactions that this server lacks: $more
It has been the primary since, or somebody wrote to it. Make it the primary in the topology, or give it this server's data again"
    done
    ask 'SET GLOBAL read_only = OFF'
    changed "opened for writes"
}

changes=0
changed() {
    say "$1"
    changes=$((changes + 1))
}

ready
[ -z "$servers" ] || read_password
from=$(status | field Source_Host)
[ -z "$from" ] || fail "replicates from $from, so it is no primary. After a failover exchange primary and replicas in the topology, render and copy"
if [ -n "$semi_sync" ] && [ "$(ask "SELECT @@global.$semi_sync")" = 0 ]; then
    ask "SET GLOBAL $semi_sync = ON"
    changed "commits wait for a replica from now on ($semi_sync)"
fi
[ "$(read_only)" = 0 ] || open

for host in $servers; do
    [ "$(ask "SELECT COUNT(*) FROM mysql.user WHERE user = '$user' AND host = '$host' AND Repl_slave_priv = 'Y'
        AND ssl_type = IF('$require' = 'SSL', 'ANY', '')")" = 0 ] || continue
    sql <<END
CREATE USER IF NOT EXISTS '$user'@'$host' IDENTIFIED $authentication '$password';
ALTER USER '$user'@'$host' IDENTIFIED $authentication '$password' REQUIRE $require;
GRANT $rights ON *.* TO '$user'@'$host';
END
    changed "account $user at $host: made for replication"
done
if [ -n "$servers" ]; then
    answer=$(peer_ask "$address" 'SELECT 1') || fail "$user cannot log in at $address with the password in \"$secret\": $answer
If the password is a new one: ALTER USER for each of its addresses ($servers) here, then bootstrap.sh on every replica"
fi
for host in $balancers; do
    [ "$(ask "SELECT COUNT(*) FROM mysql.user WHERE user = '$check' AND host = '$host'")" = 0 ] || continue
    ask "CREATE USER '$check'@'$host' IDENTIFIED $authentication ''" # no password and no right: the check of the balancers only looks
    changed "account $check at $host: made for the balancers' check"
done
[ $changes -gt 0 ] || say "nothing to change: this is the primary, open for writes"
`

// A replica of MySQL. SOURCE_RETRY_COUNT is 10 by default in 8.4: after a minute it would give up for ever.
const mysqlFollow = `
follow() {
    sql <<END
STOP REPLICA;
CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$source', SOURCE_PORT = $port, SOURCE_USER = '$user', SOURCE_PASSWORD = '$password',
    SOURCE_AUTO_POSITION = 1, SOURCE_SSL = $source_tls, SOURCE_SSL_CA = '$ca', GET_SOURCE_PUBLIC_KEY = $((1 - source_tls)),
    SOURCE_HEARTBEAT_PERIOD = 2, SOURCE_CONNECT_RETRY = 5,
    SOURCE_RETRY_COUNT = 200000; -- 11 days, longer than the binlogs are kept
START REPLICA;
END
}

purged() { # what the primary no longer has and this server lacks
    gone=$(peer_ask "$source" "SELECT REPLACE(@@global.gtid_purged, '\n', '')") || fail "cannot ask $primary ($source): $gone"
    ahead "$gone" "$here"
}

# A server skips transactions that carry its own server_id. One that was installed anew no longer knows its old UUID: so, while
# it is empty, any transaction that the primary has not written itself may be one of its own.
forgotten() {
    lacks=$(ahead "$there" "$here")
    if [ -z "$here" ]; then
        uuid=$(peer_ask "$source" 'SELECT @@global.server_uuid') || fail "cannot ask $primary ($source): $uuid"
        printf '%s\n' "$lacks" | tr , '\n' | sed "/^$uuid/d"
    else
        printf '%s\n' "$lacks" | tr , '\n' | sed -n "/^$(ask 'SELECT @@global.server_uuid')/p"
    fi
}

clone_steps() {
    cat <<END
To give $me the data of $primary, whatever $me holds now being lost:
  1. on $primary, as root:  mysqldump --all-databases --single-transaction --routines --events --set-gtid-purged=ON >/root/all.sql
  2. copy it:         scp root@$source:/root/all.sql /root/all.sql
  3. on $me, as root: mysql -e 'STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF; $reset'
                      mysql </root/all.sql && mysql -e 'FLUSH LOCAL PRIVILEGES; SET GLOBAL super_read_only = ON'
                      $0
Databases that $me has and $primary lacks stay: drop them in step 3. Much data: the clone plugin copies files instead (INSTALL PLUGIN clone).
END
}
`

// A replica of MariaDB. A former primary starts from what it wrote itself, which gtid_current_pos includes.
const mariadbFollow = `
follow() {
    [ -z "$from" ] || ask 'STOP REPLICA'
    sql <<END
SET GLOBAL gtid_slave_pos = @@global.gtid_current_pos;
CHANGE MASTER TO MASTER_HOST = '$source', MASTER_PORT = $port, MASTER_USER = '$user', MASTER_PASSWORD = '$password',
    MASTER_USE_GTID = slave_pos, MASTER_SSL = $source_tls, MASTER_SSL_CA = '$ca', MASTER_SSL_VERIFY_SERVER_CERT = 0,
    MASTER_HEARTBEAT_PERIOD = 2, MASTER_CONNECT_RETRY = 5;
START REPLICA;
END
}

purged() { :; } # only the attempt shows it

# A server skips transactions that carry its own server_id, the middle of a GTID.
forgotten() {
    state=$(peer_ask "$source" 'SELECT @@global.gtid_binlog_state') || fail "cannot ask $primary ($source): $state"
    ahead "$(printf '%s\n' "$state" | tr , '\n' | sed -n "/^[0-9]*-$(ask 'SELECT @@global.server_id')-/p" | tr '\n' ,)" "$here"
}

clone_steps() {
    cat <<END
To give $me the data of $primary, whatever $me holds now being lost:
  1. on $primary, as root:  mariadb-dump --all-databases --single-transaction --routines --events --gtid --master-data=1 >/root/all.sql
  2. copy it:         scp root@$source:/root/all.sql /root/all.sql
  3. on $me, as root: mariadb -e 'STOP REPLICA; RESET REPLICA ALL; $reset'
                      (echo 'SET sql_log_bin = 0;'; cat /root/all.sql) | mariadb && mariadb -e 'FLUSH LOCAL PRIVILEGES'
                      $0
Databases that $me has and $primary lacks stay: drop them in step 3. Much data: mariadb-backup copies files instead.
END
}
`

const replicaScript = `
usage() {
    cat <<END
usage: $0 [--clone-steps]
Makes this server replicate from $primary ($source). It refuses when that would lose transactions or cannot be whole, and
says how to copy the data of $primary instead: a primary that held data before its binary log was on needs that in any case.
--clone-steps: print these steps, change nothing.
END
}

case ${1-} in
'') ;;
--help) usage; exit ;;
--clone-steps) clone_steps; exit ;;
*) usage >&2; exit 2 ;;
esac

ready
read_password
[ "$(read_only)" = 1 ] || fail "takes writes, so it is no replica. If it shall be one: systemctl restart $unit, since its my.cnf says read-only"
from=$(status | field Source_Host)
state() { echo "$(status | field Replica_IO_Running) $(status | field Replica_SQL_Running)"; }
if [ "$from" = "$source" ] && [ "$(state)" = 'Yes Yes' ]; then
    say "nothing to change: replicates from $primary ($source)"
    exit
fi

if ! there=$(peer_ask "$source" "SELECT $executed"); then
    case $there in
    *'ERROR 1045 '* | *'ERROR 1130 '* | *' 1130 - '*) fail "$primary does not let $user in: $there
Run bootstrap.sh on $primary first. If that was done: the passwords in \"$secret\" differ" ;;
    esac
    fail "cannot ask $primary ($source): $there"
fi
here=$(ask "SELECT $executed")
errant=$(ahead "$here" "$there")
if [ -n "$errant" ]; then
    say "has transactions that $primary lacks: $errant" >&2
    say "if this server was just installed and holds no data of its own, forget them ($reset) and run this again. Else save what they wrote; then:" >&2
    clone_steps >&2
    exit 1
fi
gone=$(purged)
if [ -n "$gone" ]; then
    say "$primary has deleted binary logs that this server needs: $gone" >&2
    clone_steps >&2
    exit 1
fi
lost=$(forgotten)
if [ -n "$lost" ]; then
    say "lacks transactions that it may have written itself, before its data was lost; replication would skip them: $lost" >&2
    clone_steps >&2
    exit 1
fi

[ -z "$semi_sync" ] || ask "SET GLOBAL $semi_sync = OFF" # it may have been the primary
follow
tries=0
until [ "$(state)" = 'Yes Yes' ]; do
    tries=$((tries + 1))
    error=$(status | sed -n 's/^ *Last_\(IO\|SQL\)_Error: *\(..*\)/\2/p')
    if [ $tries -eq 20 ] || { [ -n "$error" ] && [ "$(status | field Replica_IO_Running)" != Connecting ]; }; then
        say "does not replicate from $primary: ${error:-no connection within $tries seconds}" >&2
        case $(status | field Last_IO_Errno) in
        1236 | 13114) clone_steps >&2 ;; # the source lacks what this server asks for
        esac
        exit 1
    fi
    sleep 1
done
say "replicates from $primary ($source)${from:+; before from $from}"
`
