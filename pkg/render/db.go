package render

import (
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// dbFiles returns the files of the database servers, the primary's first.
func dbFiles(t *model.Topology) []File {
	if t.DB == nil {
		return nil
	}
	var files []File
	for _, s := range dbServers(t) {
		files = append(files, myCnf(t, s))
		if f, ok := mysqlUnit(t, s); ok {
			files = append(files, f)
		}
		if s.primary {
			files = append(files, bootstrapPrimary(t, s))
		} else {
			files = append(files, bootstrapReplica(t, s), promote(t, s))
		}
	}
	return files
}

// dbServer is one database host in its role.
type dbServer struct {
	model.Database
	primary bool
	path    string // in the topology
}

func dbServers(t *model.Topology) []dbServer {
	var servers []dbServer
	for _, d := range t.DB.Primary {
		servers = append(servers, dbServer{d, true, "db.primary." + d.Name})
	}
	for _, d := range t.DB.Replicas {
		servers = append(servers, dbServer{d, false, "db.replicas." + d.Name})
	}
	return servers
}

// openedByHand reports whether the primary, too, starts read-only: where something else promotes, or where a balancer
// sends writes to whichever server takes them, a primary that comes back after a failover must not take any.
func openedByHand(t *model.Topology) bool { return t.DB.Failover == "external" || t.DB.VIP != "" }

// mysqlUnit is a drop-in for the server's unit, where Debian's would break the stack.
func mysqlUnit(t *model.Topology, s dbServer) (File, bool) {
	// What the server asks of the system: MySQL 10 + connections + 2 × table_open_cache (4000), MariaDB 2 × 2000 tables in each
	// of 8 instances, which it gives up before it gives up connections. Beyond the unit's limit both cut max_connections
	// without an error.
	unit, files, limit := "mysql", t.DB.MaxConnections+8010, 10000
	if t.MariaDB() {
		unit, files, limit = "mariadb", t.DB.MaxConnections+32010, 32768
	}
	boots := !t.MariaDB() // MariaDB binds an address that is not there yet (IP_FREEBIND)
	if !boots && files <= limit {
		return File{}, false
	}
	p := &page{}
	p.note("db", 0, s.Name+": what Debian's unit of the database server lacks.\nRendered by stackgen; edit the topology, not this file.")
	if boots {
		p.put("db", 0, "[Unit]", "")
		p.note(s.path+".address", 0, "bind_address must be there: without it the server does not start")
		p.put("db", 0, "Wants=network-online.target", "")
		p.put("db", 0, "After=network-online.target", "")
	}
	if files > limit {
		p.put("db", 0, "[Service]", "")
		p.note("db.max_connections", 0, "at the unit's "+strconv.Itoa(limit)+" files the server would cut max_connections or its table cache")
		p.put("db.max_connections", 0, "LimitNOFILE="+strconv.Itoa(files), "")
	}
	return p.file(s.Name, "/etc/systemd/system/"+unit+".service.d/stackgen.conf", conf.Other, configMode), true
}

// script is a page that begins as every script of the database servers does: what it is, then the values of the topology.
func script(t *model.Topology, s dbServer, what string) *page {
	d := t.DB
	p := &page{}
	p.put("db", 0, "#!/bin/sh", "")
	p.note("db", 0, s.Name+": "+what+"\nRendered by stackgen; edit the topology, not this file.")
	p.put("db", 0, "set -eu", "")
	p.put("db", 0, "export LC_ALL=C", "")
	p.gap()
	p.assign(s.path, "me", s.Name)
	p.assign(s.path+".address", "address", s.Address.String())
	p.assign("db.port", "port", strconv.Itoa(d.Port))
	p.assign("db.replication.user", "user", d.Replication.User)
	p.assign("db.replication.password.file", "secret", d.Replication.Password.File)
	if t.MariaDB() {
		p.assign("db", "unit", "mariadb")
	} else {
		p.assign("db", "unit", "mysql")
	}
	p.assign("db.replication.tls", "tls", clientTLS(t))
	return p
}

// clientTLS are the client's options for a login as the replication account.
func clientTLS(t *model.Topology) string {
	switch {
	case !t.MariaDB() && t.DB.Replication.TLS:
		return "--ssl-mode=REQUIRED"
	case !t.MariaDB():
		return "--ssl-mode=DISABLED --get-server-public-key" // caching_sha2_password without TLS encrypts the password itself
	case t.DB.Replication.TLS:
		return "--ssl --skip-ssl-verify-server-cert"
	default:
		return "--skip-ssl"
	}
}

// assign sets a shell variable. Nothing in a valid topology holds a quote.
func (p *page) assign(path, name, value string) {
	if value == "" || strings.ContainsAny(value, " ") {
		value = "'" + value + "'"
	}
	p.put(path, 0, name+"="+value, "")
}

// lines writes an empty line and then lines that no topology changes.
func (p *page) lines(text string) {
	p.gap()
	p.text = grow(p.text, len(text))
	p.origin = grow(p.origin, strings.Count(text, "\n"))
	for line := range strings.SplitSeq(strings.TrimPrefix(strings.TrimSuffix(text, "\n"), "\n"), "\n") {
		if line == "" {
			p.gap()
			continue
		}
		p.put("db", 0, line, "")
	}
}

// peersOf lists the other servers as NAME=ADDRESS; the primary only where withPrimary.
func peersOf(t *model.Topology, s dbServer, withPrimary bool) string {
	var peers []string
	for _, o := range dbServers(t) {
		if o.Name != s.Name && (withPrimary || !o.primary) {
			peers = append(peers, o.Name+"="+o.Address.String())
		}
	}
	return strings.Join(peers, " ")
}

// addressWords lists all addresses of nodes.
func addressWords(nodes ...model.Node) string {
	var list []string
	for _, n := range nodes {
		for _, a := range n.AddressList() {
			list = append(list, a.String())
		}
	}
	return strings.Join(list, " ")
}

// Every script: how it speaks, and how it asks this server.
const sayScript = `
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
`

// MySQL's side of what the scripts call.
const mysqlScript = `
client=mysql
sql() { mysql --protocol=socket --socket=/run/mysqld/mysqld.sock --user=root "$@"; }
common() { cat; }
executed="REPLACE(@@global.gtid_executed, '\n', '')" # a set has a line per server

# ahead SET SET: what the first has and the second lacks.
ahead() { ask "SELECT REPLACE(GTID_SUBTRACT('$1', '$2'), '\n', '')"; }

# received: the transactions in a replica's status that have come in since it was last set up.
received() { awk '/^ *Retrieved_Gtid_Set:/ {on = 1; sub(/^[^:]*:/, "")} /^ *Executed_Gtid_Set:/ {on = 0} on' | tr -d ' \n'; }
`

// MariaDB's side of what the scripts call.
const mariadbScript = `
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
`
