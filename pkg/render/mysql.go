package render

import (
	"fmt"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// Of the database servers, whatever the topology says.
const (
	binlogExpiry = 7 * 24 * 3600 // s: above the time between backups and the longest absence of a replica
	waitTimeout  = 8 * 3600      // s: above the idle time of the applications' pools, 1 h
	netTimeout   = 10            // s until a replica takes a silent source for dead; heartbeats come every 2 s
)

// myCnf is one server's whole configuration: it includes nothing, so that nothing of the distribution's changes it.
func myCnf(t *model.Topology, s dbServer) File {
	p := &page{}
	role, group := "a replica", "[mysqld]"
	if s.primary {
		role = "the primary"
	}
	if t.MariaDB() {
		group = "[mariadb]"
	}
	p.note(s.path, 0, s.Name+": "+role+" of the database of "+t.Name+". It includes no other file.\nRendered by stackgen; edit the topology, not this file.")
	p.put("db", 0, group, "")
	p.paths(t)
	p.network(t, s)
	if t.MariaDB() {
		p.mariadbReplication(t, s)
	} else {
		p.mysqlReplication(t, s)
	}
	p.readOnly(t, s)
	p.characters(t)
	p.limits(t)
	if len(t.Raw.MySQL.Server) > 0 {
		p.gap()
		p.note("raw.mysql.server", 0, "raw: the topology's own lines")
		for i, line := range t.Raw.MySQL.Server {
			p.put("raw.mysql.server."+strconv.Itoa(i), 0, line, "")
		}
		p.note("raw.mysql.server", 0, "raw ends")
	}
	return p.file(s.Name, "/etc/mysql/my.cnf", conf.MySQL, configMode)
}

// set writes one option; dashes and underscores are equal, so the form is that of the servers' own variables.
func (p *page) set(path, name, value, why string) { p.put(path, 0, name+" = "+value, why) }

func (p *page) paths(t *model.Topology) {
	p.set("db", "user", "mysql", "also when root starts it by hand")
	p.set("db", "datadir", "/var/lib/mysql", "")
	p.set("db", "socket", "/run/mysqld/mysqld.sock", "root's way in, bootstrap.sh's too")
	p.set("db", "pid_file", "/run/mysqld/mysqld.pid", "the name must not follow the host's")
	if !t.MariaDB() {
		p.set("db", "log_error", "/var/log/mysql/error.log", "the default is the journal")
		p.set("db", "secure_file_priv", "NULL", "no SQL reads or writes files of the host")
	}
	p.set("db", "local_infile", "OFF", "no client sends its files, whoever asks for them")
}

func (p *page) network(t *model.Topology, s dbServer) {
	p.gap()
	bind, why := s.path+".address", "this host's own; a virtual IP is on another one at times"
	if s.Address6.IsValid() {
		bind = s.path + ".address6"
	}
	p.set(bind, "bind_address", strings.ReplaceAll(addressWords(s.Node), " ", ","), why)
	p.set("db.port", "port", strconv.Itoa(t.DB.Port), "")
	if !t.MariaDB() {
		p.set("db", "loose_mysqlx", "OFF", "nobody speaks it, and it would listen on port 33060")
	}
	p.set("db", "skip_name_resolve", "ON", "no login waits for DNS; accounts name addresses")
	p.set(s.path+".address", "report_host", s.Address.String(), "what the primary shows; else a name that may not resolve")
	p.set("db.port", "report_port", strconv.Itoa(t.DB.Port), "")
	if tls := t.DB.TLS; tls != nil {
		p.set("db.tls.ca", "ssl_ca", tls.CA, "instead of what the server makes itself, if any")
		p.set("db.tls.certificate", "ssl_cert", tls.Certificate, "")
		p.set("db.tls.key", "ssl_key", tls.Key, "readable by mysql alone")
	}
}

func (p *page) mysqlReplication(t *model.Topology, s dbServer) {
	p.gap()
	p.set(s.path+".server_id", "server_id", strconv.FormatUint(uint64(s.ServerID), 10), "unique in the stack; equal ids do not replicate")
	p.set("db", "gtid_mode", "ON", "a replica finds its place at any source")
	p.set("db", "enforce_gtid_consistency", "ON", "gtid_mode needs it")
	p.set("db", "log_bin", "binlog", "unnamed it would follow the host's name")
	p.set("db", "log_replica_updates", "ON", "once promoted, it has what its replicas need")
	p.binlog()
	p.set("db", "replica_net_timeout", strconv.Itoa(netTimeout), "seconds until a silent source counts as dead (default 60)")
	if !t.DB.SemiSync {
		return
	}
	p.gap()
	p.set("db.semi_sync", "plugin_load_add", "semisync_source.so", "each server can be source or replica")
	p.set("db.semi_sync", "plugin_load_add", "semisync_replica.so", "")
	p.set("db.semi_sync", "loose_rpl_semi_sync_replica_enabled", "ON", "loose_: --initialize loads no plugin")
	if s.primary {
		p.set("db.semi_sync", "loose_rpl_semi_sync_source_enabled", "ON", "here alone: on a replica it holds up what is applied")
	}
	p.set("db.semi_sync_wait", "loose_rpl_semi_sync_source_timeout", strconv.FormatInt(t.DB.SemiSyncWait.Milliseconds(), 10), "ms a commit waits for a replica, then goes on without")
	p.set("db.semi_sync", "loose_rpl_semi_sync_source_wait_point", "AFTER_SYNC", "nobody reads a row that a failover would lose")
	p.set("db.semi_sync", "loose_rpl_semi_sync_source_wait_no_replica", "OFF", "nor waits when no replica is connected")
}

func (p *page) mariadbReplication(t *model.Topology, s dbServer) {
	p.gap()
	p.set(s.path+".server_id", "server_id", strconv.FormatUint(uint64(s.ServerID), 10), "unique in the stack; equal ids do not replicate")
	p.set("db", "gtid_domain_id", "0", "one stream of writes, one domain, on every server")
	p.set("db", "gtid_strict_mode", "ON", "a write on a replica stops replication, not unnoticed")
	p.set("db", "log_bin", "binlog", "off by default; unnamed it would follow the host's name")
	p.set("db", "log_slave_updates", "ON", "off by default: once promoted, it has what its replicas need")
	p.set("db", "binlog_format", "ROW", "MIXED by default: a statement may do another thing there")
	p.binlog()
	p.set("db", "slave_net_timeout", strconv.Itoa(netTimeout), "seconds until a silent source counts as dead (default 60)")
	p.set("db", "slave_parallel_threads", "4", "0 by default: one thread, and it lags")
	p.set("db", "slave_ddl_exec_mode", "STRICT", "the default turns CREATE into CREATE OR REPLACE")
	if !t.DB.SemiSync {
		return
	}
	p.gap()
	p.set("db.semi_sync", "rpl_semi_sync_slave_enabled", "ON", "each server can be source or replica")
	if s.primary {
		p.set("db.semi_sync", "rpl_semi_sync_master_enabled", "ON", "here alone: on a replica it holds up what is applied")
	}
	p.set("db.semi_sync_wait", "rpl_semi_sync_master_timeout", strconv.FormatInt(t.DB.SemiSyncWait.Milliseconds(), 10), "ms a commit waits for a replica, then goes on without")
	p.set("db.semi_sync", "rpl_semi_sync_master_wait_point", "AFTER_SYNC", "nobody reads a row that a failover would lose")
	p.set("db.semi_sync", "rpl_semi_sync_master_wait_no_slave", "OFF", "nor waits when no replica is connected")
}

func (p *page) binlog() {
	p.set("db", "sync_binlog", "1", "with the next: no commit that was answered is lost")
	p.set("db", "innodb_flush_log_at_trx_commit", "1", "in a crash, and binlog and tables agree")
	p.set("db", "binlog_expire_logs_seconds", strconv.Itoa(binlogExpiry), "7 days: above the longest absence of a replica")
	p.set("db", "relay_log", "relay", "unnamed it would follow the host's name")
	p.set("db", "relay_log_recovery", "ON", "after a crash: fetch again what was not applied")
}

func (p *page) readOnly(t *model.Topology, s dbServer) {
	name := "super_read_only" // root, too, which read_only lets through
	if t.MariaDB() {
		name = "read_only" // there is no other
	}
	switch {
	case !s.primary:
		p.gap()
		p.set(s.path, name, "ON", "promote.sh opens it")
	case t.DB.VIP != "":
		p.gap()
		p.set("db.vip", name, "ON", "back from a crash it may be the second one; bootstrap.sh opens it")
	case openedByHand(t):
		p.gap()
		p.set("db.failover", name, "ON", "back from a crash it may be the second one; what promotes opens it")
	}
}

func (p *page) characters(t *model.Topology) {
	p.gap()
	p.set("db", "character_set_server", "utf8mb4", "the default differs between versions")
	if t.MariaDB() {
		p.set("db", "collation_server", "utf8mb4_uca1400_ai_ci", "the same on 10.11 and 11.8, so an upgrade changes nothing")
	} else {
		p.set("db", "collation_server", "utf8mb4_0900_ai_ci", "")
	}
}

func (p *page) limits(t *model.Topology) {
	p.gap()
	p.set("db.max_connections", "max_connections", strconv.Itoa(t.DB.MaxConnections), "above all pools together, replicas and checks")
	p.set("db", "wait_timeout", strconv.Itoa(waitTimeout), "seconds: above the idle time of the pools, 1 h")
	if t.DB.BufferPool > 0 {
		p.set("db.buffer_pool", "innodb_buffer_pool_size", fmt.Sprint(t.DB.BufferPool), "of the smallest server: each may become the primary")
	}
}
