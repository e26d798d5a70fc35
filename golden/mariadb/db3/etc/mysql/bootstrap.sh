#!/bin/sh
# db3: makes this server replicate from the primary. It changes only what is missing.
# Rendered by stackgen; edit the topology, not this file.
set -eu
export LC_ALL=C

me=db3
address=10.0.10.43
port=3306
user=repl
secret=/root/.secrets/repl
unit=mariadb
tls=--skip-ssl
primary=db1
source=10.0.10.41
source_tls=0
ca=''
semi_sync=rpl_semi_sync_master_enabled
reset='RESET MASTER'

say() { printf '%s: %s\n' "$me" "$1"; }
fail() {
    printf '%s: %s\n' "$me" "$1" >&2
    exit 1
}

# ask STATEMENT: the rows of this server's answer, asked as root.
ask() { sql --batch --raw --skip-column-names -e "$1"; }
read_only() { ask 'SELECT @@global.read_only'; }
status() { sql --vertical -e 'SHOW REPLICA STATUS' | common; }
field() { sed -n "s/^ *$1: *//p"; }

# The password goes to the client through a pipe and to the server as a statement's text: ps shows neither.
read_password() {
    [ -r "$secret" ] || fail "cannot read \"$secret\": put the password of $user into its first line, the same on every database server, then: chmod 600 $secret"
    case $(ls -ldL "$secret") in
    ???????r*) fail "every user can read \"$secret\": chmod 600 $secret" ;;
    esac
    password=
    IFS= read -r password <"$secret" || [ -n "$password" ] || fail "\"$secret\" is empty: put the password of $user into its first line"
    case $password in
    '' | *[!\ -~]* | *[\'\"\\]*) fail "the first line of \"$secret\" is no password that can be used: printable ASCII without ' \" and \\, such as openssl rand -hex 16 prints" ;;
    esac
    [ ${#password} -le 32 ] || fail "the password in \"$secret\" has more than 32 characters: replication takes no longer one"
}

ready() {
    [ "$(id -u)" = 0 ] || fail "run this as root"
    ask 'SELECT 1' >/dev/null || fail "the server does not let root in at its socket: systemctl status $unit"
}

# peer ADDRESS OPTION...: what another server answers to the replication account, or the client's error.
peer() {
    host=$1
    shift
    # shellcheck disable=SC2086
    printf '[client]\nuser=%s\npassword="%s"\n' "$user" "$password" |
        timeout 10 "$client" --defaults-file=/dev/stdin --host="$host" --port="$port" --connect-timeout=3 $tls "$@" 2>&1
}
peer_ask() { peer "$1" --batch --raw --skip-column-names -e "$2"; }

client=mariadb
sql() { mariadb --protocol=socket --socket=/run/mysqld/mysqld.sock --user=root "$@"; }
common() { sed 's/^\( *\)Master_/\1Source_/; s/^\( *\)Slave_/\1Replica_/; s/^\( *Seconds_Behind_\)Master:/\1Source:/'; }
executed='@@global.gtid_current_pos'

# ahead POSITION POSITION: in each domain where the first is further than the second, its last transaction.
ahead() {
    printf '%s\n%s\n' "$2" "$1" | awk '{
        n = split($0, gtids, ",")
        for (i = 1; i <= n; i++) {
            split(gtids[i], part, "-")
            if (NR == 2) { if (part[3] + 0 > reached[part[1]] + 0) print gtids[i] }
            else if (part[3] + 0 > reached[part[1]] + 0) reached[part[1]] = part[3]
        }
    }'
}

# received: the position in a replica's status up to which transactions have come in.
received() { field Gtid_IO_Pos; }

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
