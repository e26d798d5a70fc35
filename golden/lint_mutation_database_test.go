package golden_test

import (
	"strings"

	"stackgen/pkg/conf"
)

var databaseMutations = []mutation{
	{name: "server id twice", fault: func(e *edit) { e.line(replica, "server_id", "server_id = 167774761") }, want: "mysql-server-id-duplicate"},
	{name: "server id missing", fault: func(e *edit) { e.line(replica, "server_id", "") }, want: "mysql-server-id-missing"},
	{name: "server id 0", fault: func(e *edit) { e.line(replica, "server_id", "server_id = 0") }, want: "mysql-server-id-zero"},
	{name: "replica writable", fault: func(e *edit) { e.line(replica, "super_read_only", "") }, want: "mysql-replica-writable"},
	{name: "replica writable for root", fault: func(e *edit) { e.line(replica, "super_read_only", "read_only = ON") }, want: "mysql-replica-root-writable"},
	{name: "replica writable by a later line", fault: func(e *edit) { e.end(replica, "[mysqld]\nsuper-read-only = 0\nread-only = 0\n") }, want: "mysql-replica-writable"},
	{name: "primary read-only", fault: func(e *edit) { // bootstrap.sh would open it
		e.end(primary, "read_only = ON\n")
		e.drop("db1/etc/mysql/bootstrap.sh")
	}, want: "mysql-primary-read-only"},
	{name: "gtid off on the replica", fault: func(e *edit) { e.line(replica, "gtid_mode", "gtid_mode = OFF") }, want: "mysql-gtid-mismatch"},
	{name: "gtid off", fault: func(e *edit) { e.line(databases, "gtid_mode", "gtid_mode = OFF") }, want: "mysql-gtid-off"},
	{name: "gtid without consistency", fault: func(e *edit) { e.line(databases, "enforce_gtid_consistency", "") }},
	{name: "binary log off on the replica", fault: func(e *edit) { e.line(replica, "log_bin", "skip_log_bin") }, want: "mysql-binlog-off spof-db-primary"},
	{name: "binary log off on the primary", fault: func(e *edit) { e.line(primary, "log_bin", "skip_log_bin") }, want: "mysql-binlog-off"},
	{name: "binary log off of MariaDB", example: "mariadb", fault: func(e *edit) { e.line(databases, "log_bin", "") }, want: "mysql-binlog-off spof-db-primary"},
	{name: "binary log called ON", fault: func(e *edit) { e.line(databases, "log_bin", "log_bin = ON") }, want: "mysql-binlog-boolean"},
	{name: "binary log format of MariaDB", example: "mariadb", fault: func(e *edit) { e.line(databases, "binlog_format", "binlog_format = STATEMENT") }, want: "mysql-binlog-format"},
	{name: "replica updates not logged", fault: func(e *edit) { e.line(replica, "log_replica_updates", "log_replica_updates = OFF") }, want: "mysql-replica-updates-off"},
	{name: "replica updates not logged by MariaDB", example: "mariadb", fault: func(e *edit) { e.line(databases, "log_slave_updates", "") }, want: "mysql-replica-updates-off"},
	{name: "primary on loopback", fault: func(e *edit) { e.line(primary, "bind_address", "bind_address = 127.0.0.1") }, want: "mysql-bind-loopback"},
	{name: "replica on loopback", fault: func(e *edit) { e.line(replica, "bind_address", "bind_address = 127.0.0.1") }, want: "mysql-bind-loopback"},
	{name: "primary on another host's address", fault: func(e *edit) { e.line(primary, "bind_address", "bind_address = 10.0.10.42") }, want: "link-no-listener mysql-bind-foreign"},
	{name: "primary on the virtual address", example: "db-vip", fault: func(e *edit) { e.line(primary, "bind_address", "bind_address = 10.0.10.8") }, want: "link-no-listener mysql-bind-vip"},
	{name: "primary without a network", fault: func(e *edit) { e.end(primary, "skip_networking\n") }, want: "mysql-skip-networking"},
	{name: "primary on another port", fault: func(e *edit) { e.line(primary, "port", "port = 3307") }, want: "link-no-listener mysql-source-unreachable"},
	{name: "filter on the replica", fault: func(e *edit) { e.end(replica, "replicate_do_db = shop\n") }, want: "mysql-replicate-filter"},
	{name: "filter of two in one line", fault: func(e *edit) { e.end(replica, "replicate_do_db = shop,media\n") }, want: "mysql-filter-list mysql-replicate-filter"},
	{name: "filter on the primary", fault: func(e *edit) { e.end(primary, "binlog_do_db = shop\n") }, want: "mysql-binlog-filter"},
	{name: "unknown option", fault: func(e *edit) { e.end(databases, "max_conections = 100\n") }, want: "mysql-unknown-option"},
	{name: "option of another version", fault: func(e *edit) { e.end(databases, "query_cache_size = 0\n") }, want: "mysql-unknown-option"},
	{name: "option of the other flavour", fault: func(e *edit) { e.end(databases, "gtid_strict_mode = ON\n") }, want: "mysql-unknown-option"},
	{name: "boolean not recognised", fault: func(e *edit) { e.line(replica, "super_read_only", "super_read_only = yes") }, want: "mysql-boolean-value mysql-replica-writable"},
	{name: "plugin option without loose", fault: func(e *edit) {
		e.text(databases, "loose_rpl_semi_sync_replica_enabled", "rpl_semi_sync_replica_enabled")
	}, want: "mysql-plugin-not-loose"},
	{name: "semi-sync source on the replica", fault: func(e *edit) { e.end(replica, "loose_rpl_semi_sync_source_enabled = ON\n") }, want: "mysql-semisync-on-replica"},
	{name: "semi-sync replica off", fault: func(e *edit) { e.line(replica, "loose_rpl_semi_sync_replica_enabled", "") }, want: "mysql-semisync-one-side"},
	{name: "semi-sync waits for two", fault: func(e *edit) { e.end(primary, "loose_rpl_semi_sync_source_wait_for_replica_count = 2\n") }, want: "mysql-semisync-count"},
	{name: "semi-sync after commit", fault: func(e *edit) {
		e.line(databases, "loose_rpl_semi_sync_source_wait_point", "loose_rpl_semi_sync_source_wait_point = AFTER_COMMIT")
	}, want: "mysql-semisync-after-commit"},
	{name: "sync_binlog 0", fault: func(e *edit) { e.line(databases, "sync_binlog", "sync_binlog = 0") }, want: "mysql-durability"},
	{name: "flush at commit 2", fault: func(e *edit) {
		e.line(databases, "innodb_flush_log_at_trx_commit", "innodb_flush_log_at_trx_commit = 2")
	}, want: "mysql-durability"},
	{name: "relay log not recovered", fault: func(e *edit) { e.line(replica, "relay_log_recovery", "relay_log_recovery = OFF") }, want: "mysql-relay-log-recovery"},
	{name: "binary logs kept for ten minutes", fault: func(e *edit) { e.line(databases, "binlog_expire_logs_seconds", "binlog_expire_logs_seconds = 600") }, want: "mysql-binlog-expire"},
	{name: "report_host twice", fault: func(e *edit) { e.line(replica, "report_host", "report_host = 10.0.10.41") }, want: "mysql-report-host-duplicate"},
	{name: "lower_case_table_names of one server", fault: func(e *edit) { e.end(replica, "lower_case_table_names = 1\n") }, want: "mysql-lower-case-mismatch"},
	{name: "character set of one server", fault: func(e *edit) {
		e.line(replica, "character_set_server", "character_set_server = latin1")
		e.line(replica, "collation_server", "collation_server = latin1_swedish_ci")
	}, want: "mysql-charset-mismatch"},
	{name: "source is another host", fault: func(e *edit) { e.text("db2/etc/mysql/bootstrap.sh", "source=10.0.10.41", "source=10.0.10.49") }, want: "mysql-source-unknown"},
	{name: "source is itself", fault: func(e *edit) { e.text("db2/etc/mysql/bootstrap.sh", "source=10.0.10.41", "source=10.0.10.42") }, want: "mysql-source-self"},
	{name: "writes go to the replica", fault: func(e *edit) { e.line(apps, "DB_WRITE", "DB_WRITE=10.0.10.42:3306") }, want: "mysql-app-replica"},
	{name: "writes of one application go to the replica", fault: func(e *edit) { e.line(app1, "DB_WRITE", "DB_WRITE=10.0.10.42:3306") }, want: "mysql-app-replica"},
	{name: "writes go to another port", fault: func(e *edit) { e.line(apps, "DB_WRITE", "DB_WRITE=10.0.10.41:3307") }, want: "link-no-listener"},
	{name: "writes go nowhere", fault: func(e *edit) { e.line(apps, "DB_WRITE", "DB_WRITE=10.0.10.49:3306") }, want: "link-unknown-host"},
	{name: "reads go to the primary alone", fault: func(e *edit) { e.line(apps, "DB_READ", "DB_READ=10.0.10.41:3306") }},
	{name: "replica gone", fault: func(e *edit) { e.without("db2") }, want: "link-unknown-host spof-db-replica"},
	{name: "replica gone everywhere", fault: func(e *edit) {
		e.without("db2")
		e.line(apps, "DB_READ", "DB_READ=10.0.10.41:3306")
	}, want: "spof-db-replica"},
	{name: "promote.sh gone", fault: func(e *edit) { e.drop("db2/etc/mysql/promote.sh") }, want: "spof-db-primary"},
	{name: "option before any group", fault: func(e *edit) { e.line(primary, "[mysqld]", "") }, want: "mysql-semisync-one-side mysql-server-id-missing spof-db-primary syntax"},
	{name: "reads go to the replica alone", fault: func(e *edit) { e.line(apps, "DB_READ", "DB_READ=10.0.10.42:3306") }, want: "spof-db-replica"},
}

var textMutations = []mutation{
	{name: "CRLF in haproxy.cfg", fault: func(e *edit) { e.text(haproxy1, "\n", "\r\n") }},
	{name: "CRLF in keepalived.conf", fault: func(e *edit) { e.text(keepalived1, "\n", "\r\n") }},
	{name: "CRLF in nginx.conf", fault: func(e *edit) { e.text(nginx1, "\n", "\r\n") }},
	{name: "CRLF in my.cnf", fault: func(e *edit) { e.text(primary, "\n", "\r\n") }},
	{name: "CRLF in the check", fault: func(e *edit) { e.text(checks, "\n", "\r\n") }, want: "vrrp-script-file"},
	{name: "last line of haproxy.cfg without LF", fault: func(e *edit) { e.each(haproxy1, func(s string) string { return strings.TrimSuffix(s, "\n") }) }, want: "syntax"},
	{name: "last line of nginx.conf without LF", fault: func(e *edit) { e.each(nginx1, func(s string) string { return strings.TrimSuffix(s, "\n") }) }},
	{name: "NUL in haproxy.cfg", fault: func(e *edit) { e.text(haproxy1, "balance leastconn", "balance least\x00conn") }, want: "members-mode syntax"},
	{name: "quote missing in haproxy.cfg", fault: func(e *edit) { e.first(haproxy1, `id=%ID"`, "id=%ID") }, want: "syntax"},
	{name: "section misspelt in haproxy.cfg", fault: func(e *edit) { e.line(haproxy1, "backend be_foobar", "backnd be_foobar") }, want: "members-rule members-servers"},
	{name: "brace missing in nginx.conf", fault: func(e *edit) { e.each(nginx1, func(s string) string { return strings.TrimSuffix(s, "}\n") }) }, want: "syntax"},
	{name: "quote missing in nginx.conf", fault: func(e *edit) { e.first(nginx1, `"ok\n";`, `"ok\n;`) }, want: "members-location members-site syntax"},
	{name: "group not closed in my.cnf", fault: func(e *edit) { e.line(primary, "[mysqld]", "[mysqld") }, want: "mysql-semisync-one-side mysql-server-id-missing spof-db-primary syntax"},
	{name: "manifest cut", fault: func(e *edit) {
		e.each(conf.ManifestName, func(s string) string { return s[:len(s)/2] })
	}, want: "spof-db-primary syntax"},
	{name: "semicolon missing in nginx.conf", fault: func(e *edit) { e.first(nginx1, "listen 80 default_server;", "listen 80 default_server") }, want: "nginx-directive"},
}
