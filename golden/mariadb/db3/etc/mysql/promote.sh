#!/bin/sh
# db3: makes this replica the primary when the primary is lost.
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
sources=10.0.10.41
peers=db2=10.0.10.42
semi_sync=rpl_semi_sync_master_enabled
vip=''

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

usage() {
    cat <<END
usage: $0 [--yes] [--without NAME]...
Makes $me the primary. It refuses while $primary answers, and while another replica has received more than $me.
Applies what $me has received, prints where it stands, asks, then opens $me for writes and prints what to do next.
--yes: do not ask. --without NAME: do not ask replica NAME what it has: you know that it is off.
Do not restart $unit on $me before: that drops what it has received and not applied.
To hand over while $primary is well: stop the applications' writes, stop $unit on $primary, then run this.
END
}

yes= without=
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit ;;
    --yes) yes=1; shift ;;
    --without)
        [ $# -gt 1 ] || fail "--without needs the name of a replica"
        case " $peers" in *" $2="*) ;; *) fail "\"$2\" is no other replica${peers:+: $peers}" ;; esac
        without="$without $2 "
        shift 2
        ;;
    *) usage >&2; exit 2 ;;
    esac
done

# Any answer is one, a refused password too; only a connection that cannot be made is none.
primary_is_gone() {
    for host in $sources; do
        if answer=$(peer_ask "$host" 'SELECT @@global.read_only'); then
            case $answer in
            0) answer="it takes writes" ;;
            *) answer="it is read-only, but it runs" ;;
            esac
        else
            case $answer in
            *'ERROR 200'[23]' '*"Can't connect to"*) silence=$answer; continue ;;
            esac
        fi
        fail "$primary still answers at $host: ${answer:-it takes connections and hangs}
Nothing was changed. Stop it first, on $primary: systemctl stop $unit; then run this again"
    done
}

# What came in and what was applied, as one set or position.
have() { printf '%s,%s\n' "$(ask "SELECT $executed")" "$(status | received)"; }

peers_have_less() {
    for peer in $peers; do
        name=${peer%%=*} host=${peer#*=}
        case $without in *" $name "*) continue ;; esac
        answer=$(peer_ask "$host" "SELECT CONCAT(@@global.read_only + 0, ' ', $executed)") || fail "cannot ask $name what it has received: $answer
Start it, or, if it is off and will stay off: $0 --without $name"
        case $answer in
        0*) fail "$name takes writes already: it is the primary. Point $me at it: exchange them in the topology, render, copy, bootstrap.sh" ;;
        esac
        theirs=$(peer "$host" --vertical -e 'SHOW REPLICA STATUS') || fail "cannot ask $name what it has received: $theirs"
        theirs=$(printf '%s\n' "$theirs" | common | received)
        more=$(ahead "${answer#* },$theirs" "$(have)")
        [ -z "$more" ] || fail "$name has received more than $me: $more
Nothing was changed. Run promote.sh on $name instead"
    done
}

ready
read_password
from=$(status | field Source_Host)
if [ "$(read_only)" = 0 ]; then
    [ -z "$from" ] || fail "takes writes and replicates from $from at once: somebody changed it by hand. Make it read-only (systemctl restart $unit), then run this again"
    say "nothing to change: this is the primary already"
    exit
fi
if [ -z "$from" ] && [ "$(ask "SELECT COUNT(*) FROM mysql.user WHERE user = '$user'")" = 0 ]; then
    fail "was never a replica: it may hold no data. Run bootstrap.sh while there is a primary"
fi
case " $sources " in *" $from "*) ;; *) sources="$sources $from" ;; esac
primary_is_gone
peers_have_less

behind=
if [ -n "$from" ]; then
    behind=$(ahead "$(status | received)" "$(ask "SELECT $executed")")
    say "received:     $(status | received)"
    say "applied:      $(ask "SELECT $executed")"
    say "not applied:  ${behind:-nothing}"
    say "seconds behind by the last word of $primary: $(status | field Seconds_Behind_Source)"
fi
say "$primary does not answer: $silence"
say "What $primary committed and never sent is not here. If $primary only cannot be reached from here, it may still take writes: be sure that it is off."
if [ -z "$yes" ]; then
    printf '%s: to promote it, type its name: ' "$me"
    read -r answer || answer=
    [ "$answer" = "$me" ] || fail "not confirmed; nothing was changed"
fi

if [ -n "$from" ]; then
    ask 'STOP REPLICA IO_THREAD' # from here on what was received does not change
    ask 'START REPLICA SQL_THREAD'
    last=$(status | received)
    tries=0
    while :; do
        behind=$(ahead "$last" "$(ask "SELECT $executed")")
        [ -n "$behind" ] || break
        error=$(status | field Last_SQL_Error)
        [ -z "$error" ] || fail "cannot apply what it has received: $error
It stays a replica. Mend that, or promote another replica"
        tries=$((tries + 1))
        if [ $tries -gt 60 ]; then
            ask 'START REPLICA IO_THREAD'
            fail "after a minute still not applied: $behind
It stays a replica and goes on applying; run this again when it has caught up"
        fi
        sleep 1
    done
    primary_is_gone
    ask 'STOP REPLICA'
    ask 'RESET REPLICA ALL'
fi
[ -z "$semi_sync" ] || ask "SET GLOBAL $semi_sync = ON"
ask 'SET GLOBAL read_only = OFF'
say "is the primary now, and takes writes"

events=$(ask "SELECT COUNT(*) FROM information_schema.events WHERE status LIKE '%SIDE_DISABLED'")
[ "$events" = 0 ] || say "$events events were disabled on replicas: ALTER EVENT NAME ENABLE for each of them"
cat <<END
Next:
  1. Keep $primary from coming back as it was, with writes of its own: give it the new my.cnf of step 2 before its $unit starts.
  2. In the topology: $me becomes the primary, $primary a replica. Render and copy; no restart of $unit on $me is needed,
     but until its new my.cnf is there a restart makes it read-only.
  3. Every other replica, and $primary when it is back: the new bootstrap.sh. It says so if $primary holds what $me never got.
END
if [ -n "$vip" ]; then
    echo "The balancers find $me by themselves: it is the server that takes writes."
else
    echo "  4. Applications write to $me from now on: copy their /etc/default files and restart them."
fi
