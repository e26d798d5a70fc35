package render

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/haproxytech/config-parser/v5/params"
	"github.com/haproxytech/config-parser/v5/parsers"
	"github.com/haproxytech/config-parser/v5/parsers/actions"
	"github.com/haproxytech/config-parser/v5/parsers/tcp"
	tcpactions "github.com/haproxytech/config-parser/v5/parsers/tcp/actions"
	tcptypes "github.com/haproxytech/config-parser/v5/parsers/tcp/types"
	"github.com/haproxytech/config-parser/v5/types"

	"stackgen/pkg/model"
)

const (
	dbWrite = "be_db_write"
	dbRead  = "be_db_read"
	// Above what connection pools keep idle connections for.
	dbIdle = model.Duration(time.Hour)
	// After a start every server counts as up until its first check, due within one interval.
	dbCheck  = model.Duration(500 * time.Millisecond)
	dbSettle = 2 * dbCheck
)

// database is the two ports through which the applications reach the database servers.
func (h *haproxy) database(t *model.Topology) {
	h.section("db.vip", "defaults database")
	h.word("db.vip", "mode", "tcp", "")
	h.say("db.vip", &parsers.Log{}, types.Log{Global: true}, "without it nothing is logged")
	h.option("db.vip", "tcplog", "")
	h.option("db.vip", "dontlognull", "")
	h.option("db.vip", "log-health-checks", "why a server went down")
	h.option("db.vip", "clitcpka", "a vanished application host is noticed within the long timeout")
	h.option("db.vip", "srvtcpka", "")
	h.say("db.vip", &parsers.OptionRedispatch{}, types.OptionRedispatch{Interval: ptr(int64(1))}, "")
	h.number("db.vip", "retries", 1, "")
	h.timeout("timeouts.connect", "connect", t.Timeouts.Connect, "")
	h.timeout("db.vip", "client", dbIdle, "above the idle time of connection pools")
	h.timeout("db.vip", "server", dbIdle, "")
	h.timeout("db.vip", "check", model.Duration(2*time.Second), "a busy server logs in slowly")

	listen := anyAddress(t)
	if bindsVIPs(t) {
		listen = vipAddresses(t.VIP(t.DB.VIP))
	}
	h.databaseFrontend(t, "fe_db_write", "db.port", t.DB.Port, listen)
	h.say("db.vip", &tcp.Requests{}, &tcptypes.InspectDelay{Timeout: haproxyTime(dbSettle)}, "after a start: until the first checks are in")
	h.content("db.vip", &tcpactions.Accept{Cond: "unless", CondTest: "{ nbsrv(" + dbWrite + ") gt 1 }"}, "")
	h.content("db.vip", &actions.Reject{Cond: "if", CondTest: "WAIT_END"}, "more than one is writable: no write beats one that is lost")
	h.say("db.vip", &parsers.DefaultBackend{}, &types.StringC{Value: dbWrite}, "")

	h.databaseFrontend(t, "fe_db_read", "db.read_port", t.DB.ReadPort, listen)
	h.say("db.vip", &parsers.UseBackend{}, types.UseBackend{Name: dbRead, Cond: "if", CondTest: "{ nbsrv(" + dbRead + ") ge 1 }"}, "")
	h.say("db.vip", &parsers.DefaultBackend{}, &types.StringC{Value: dbWrite}, "no replica is up: the primary")

	h.databaseBackend(t, dbWrite, "writable", "0")
	h.databaseBackend(t, dbRead, "read-only", "1")
}

func (h *haproxy) databaseFrontend(t *model.Topology, name, path string, port int, listen []listenAddress) {
	h.section(path, "frontend "+name+" from database")
	h.bind(listen, port)
	h.maxconn("db.max_connections", databaseMaxConn(t), "leaves the sites theirs")
	for _, a := range t.Apps {
		tier := "apps." + a.Name + ".nodes"
		for _, n := range a.Nodes {
			for _, addr := range n.AddressList() {
				h.say(nodePath(tier, n.Node, addr), &parsers.ACL{}, types.ACL{Name: "application", Criterion: "src", Value: addr.String()}, "")
			}
		}
	}
	h.connection("apps", &actions.Reject{Cond: "unless", CondTest: "application"}, "nobody else")
}

// databaseBackend lists all servers; the check finds those whose read-only flag has the given value. It logs in as a
// client without a password and asks.
func (h *haproxy) databaseBackend(t *model.Topology, name, state, flag string) {
	plugin, charset, variable := "caching_sha2_password", byte(255), "super_read_only"
	if t.MariaDB() {
		plugin, charset, variable = "mysql_native_password", 45, "read_only"
	}
	h.section("db.vip", "backend "+name+" from database")
	h.say("db.vip", &parsers.Balance{}, &types.Balance{Algorithm: "leastconn"}, "")
	h.option("db.vip", "tcp-check", "asks each server for @@"+variable)
	h.tcpCheck("db.vip", &actions.CheckConnect{}, "")
	h.tcpCheck("db.vip", &actions.CheckExpect{CheckComment: "greeting", Match: "rbinary", Pattern: "^.{8}0A"}, "")
	h.tcpCheck("db.check_user", &tcpactions.CheckSendBinary{HexString: hex.EncodeToString(mysqlLogin(t.DB.CheckUser, plugin, charset)),
		CheckComment: "login"}, "user "+t.DB.CheckUser+", no password")
	h.tcpCheck("db.vip", &actions.CheckExpect{CheckComment: "login-ok", Match: "rbinary", Pattern: "^.{6}0200"}, "")
	h.tcpCheck("db.vip", &tcpactions.CheckSendBinary{HexString: hex.EncodeToString(mysqlQuery("SELECT @@global." + variable)),
		CheckComment: "query"}, "")
	h.tcpCheck("db.vip", &tcpactions.CheckSendBinary{HexString: hex.EncodeToString(mysqlPacket(0, []byte{comQuit})),
		CheckComment: "quit"}, "before the answer: then a wrong one ends at once, not at the timeout")
	h.tcpCheck("db.vip", &actions.CheckExpect{CheckComment: state, Match: "rbinary",
		Pattern: hex.EncodeToString(mysqlPacket(4, []byte("\x01"+flag)))}, "one row: "+flag)
	h.say("db.vip", &parsers.DefaultServer{}, types.DefaultServer{Params: []params.ServerOption{
		serverWord("check"), serverValue("inter", haproxyTime(dbCheck)), serverValue("fastinter", "200ms"),
		serverValue("fall", "2"), serverValue("rise", "1"), serverValue("on-marked-down", "shutdown-sessions"),
	}}, "pools must not keep a demoted server")
	for i, n := range t.DB.Servers() {
		role := "db.replicas."
		if i < len(t.DB.Primary) {
			role = "db.primary."
		}
		h.say(role+n.Name+".address", &parsers.Server{}, types.Server{Name: n.Name, Address: hostPort(n.Address, t.DB.Port)}, "")
	}
}

const (
	comQuit  = 0x01
	comQuery = 0x03
)

// mysqlPacket frames a payload of the MySQL protocol: three bytes of length, the sequence number.
func mysqlPacket(sequence byte, payload []byte) []byte {
	n := len(payload)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}, payload...)
}

func mysqlQuery(sql string) []byte { return mysqlPacket(0, append([]byte{comQuery}, sql...)) }

// mysqlLogin is HandshakeResponse41 for a user without a password.
func mysqlLogin(user, plugin string, charset byte) []byte {
	const (
		longPassword     = 0x00000001
		protocol41       = 0x00000200
		secureConnection = 0x00008000
		pluginAuth       = 0x00080000
		maxPacket        = 1<<24 - 1
	)
	b := binary.LittleEndian.AppendUint32(nil, longPassword|protocol41|secureConnection|pluginAuth)
	b = binary.LittleEndian.AppendUint32(b, maxPacket)
	b = append(b, charset)
	b = append(b, make([]byte, 23)...)
	b = append(b, user...)
	b = append(b, 0, 0) // the end of the name, an empty password
	b = append(b, plugin...)
	return mysqlPacket(1, append(b, 0))
}
