#!/bin/sh
# db1: sets up the primary of the database. It changes only what is missing.
# Rendered by stackgen; edit the topology, not this file.
set -eu
export LC_ALL=C

me=db1
address=10.0.10.41
port=3306
user=repl
secret=/root/.secrets/repl
unit=mysql
tls=--ssl-mode=REQUIRED
require=SSL
servers='10.0.10.41 10.0.10.42'
peers=db2=10.0.10.42
check=stackgen_check
balancers=''
semi_sync=''

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

rights='REPLICATION SLAVE, REPLICATION CLIENT' # the second shows promote.sh how much a server has received
authentication='WITH caching_sha2_password BY'

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
