#!/bin/sh
# db2: makes this server replicate from the primary. It changes only what is missing.
# Rendered by stackgen; edit the topology, not this file.
set -eu
export LC_ALL=C

me=db2
address=10.0.10.42
port=3306
user=repl
secret=/root/.secrets/repl
unit=mysql
tls=--ssl-mode=REQUIRED
primary=db1
source=10.0.10.41
source_tls=1
ca=''
semi_sync=rpl_semi_sync_source_enabled
reset='RESET BINARY LOGS AND GTIDS'

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

client=mysql
sql() { mysql --protocol=socket --socket=/run/mysqld/mysqld.sock --user=root "$@"; }
common() { cat; }
executed="REPLACE(@@global.gtid_executed, '\n', '')" # a set has a line per server

# ahead SET SET: what the first has and the second lacks.
ahead() { ask "SELECT REPLACE(GTID_SUBTRACT('$1', '$2'), '\n', '')"; }

# received: the transactions in a replica's status that have come in since it was last set up.
received() { awk '/^ *Retrieved_Gtid_Set:/ {on = 1; sub(/^[^:]*:/, "")} /^ *Executed_Gtid_Set:/ {on = 0} on' | tr -d ' \n'; }

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
