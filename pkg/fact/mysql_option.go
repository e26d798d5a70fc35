package fact

import (
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// option reads one line of a group the server reads.
func (d *Database) option(n *conf.Node) *Option {
	o := &Option{Word: n.Arg(0), Node: n}
	written := strings.ReplaceAll(n.Name(), "-", "_")
	if d.Flavour.V == flavourMariaDB {
		written = strings.ToLower(written) // MySQL takes names as they are
	}
	name := written
	if rest, ok := strings.CutPrefix(name, "loose_"); ok {
		o.Loose = true
		name = rest
	}
	on := "" // what a prefix sets
	if !ownPrefix[name] {
		for _, p := range prefixes {
			if rest, ok := strings.CutPrefix(name, p.name); ok && rest != "" {
				name, on = rest, p.value
				break
			}
		}
	}
	o.Name = d.canonical(name)
	bare := len(n.Words) == 1
	o.Value = Value[string]{V: n.Arg(1).Text, Word: n.Arg(1), State: Written}
	if bare {
		o.Value.Word = n.Arg(0)
	}
	switch {
	case on != "":
		// The server looks for a "0" alone: skip_log_bin = OFF is off, skip_log_bin = 0 is on.
		if !bare && o.Value.V == "0" {
			on = boolText(on == "OFF")
		}
		o.Value.V = on
	case bare:
		if kindOf(o.Name) != textOption {
			o.Value.V = "ON"
		}
	default:
		o.Value.V = take(o.Name, o.Value.V)
	}
	if d.Flavour.V == flavourMariaDB && o.Name == "expire_logs_days" { // one variable, two units
		if days, err := strconv.ParseFloat(o.Value.V, 64); err == nil {
			o.Name, o.Value.V = "binlog_expire_logs_seconds", strconv.FormatInt(int64(days*86400), 10)
		}
	}
	if n.Cond != nil {
		o.Value.State = Unknown
	}
	return o
}

// prefixes of an option's name that set its value.
var prefixes = []struct{ name, value string }{{"skip_", "OFF"}, {"disable_", "OFF"}, {"enable_", "ON"}}

// canonical is the one name that an option has here, whatever the server calls it: the newer of MySQL's.
func (d *Database) canonical(name string) string {
	if d.Flavour.V == flavourMariaDB {
		switch name {
		case "slave_parallel_workers": // MariaDB's alias
			return "slave_parallel_threads"
		case "slave_parallel_threads", "slave_parallel_mode", "slave_ddl_exec_mode":
			return name
		}
	}
	if to := renamed[name]; to != "" {
		return to
	}
	return name
}

// renamed are old names of what MySQL 8.0.26 calls replica and source; MariaDB has the old ones only. Other options whose
// names begin so are options of their own.
var renamed = map[string]string{
	"log_slave_updates":                         "log_replica_updates",
	"slave_parallel_workers":                    "replica_parallel_workers",
	"slave_parallel_type":                       "replica_parallel_type",
	"slave_preserve_commit_order":               "replica_preserve_commit_order",
	"slave_net_timeout":                         "replica_net_timeout",
	"slave_skip_errors":                         "replica_skip_errors",
	"slave_exec_mode":                           "replica_exec_mode",
	"slave_compressed_protocol":                 "replica_compressed_protocol",
	"slave_load_tmpdir":                         "replica_load_tmpdir",
	"slave_max_allowed_packet":                  "replica_max_allowed_packet",
	"slave_pending_jobs_size_max":               "replica_pending_jobs_size_max",
	"slave_sql_verify_checksum":                 "replica_sql_verify_checksum",
	"slave_transaction_retries":                 "replica_transaction_retries",
	"slave_type_conversions":                    "replica_type_conversions",
	"slave_allow_batching":                      "replica_allow_batching",
	"slave_checkpoint_group":                    "replica_checkpoint_group",
	"slave_checkpoint_period":                   "replica_checkpoint_period",
	"skip_slave_start":                          "skip_replica_start",
	"master_verify_checksum":                    "source_verify_checksum",
	"rpl_semi_sync_master_enabled":              "rpl_semi_sync_source_enabled",
	"rpl_semi_sync_master_timeout":              "rpl_semi_sync_source_timeout",
	"rpl_semi_sync_master_wait_point":           "rpl_semi_sync_source_wait_point",
	"rpl_semi_sync_master_wait_no_slave":        "rpl_semi_sync_source_wait_no_replica",
	"rpl_semi_sync_master_trace_level":          "rpl_semi_sync_source_trace_level",
	"rpl_semi_sync_slave_enabled":               "rpl_semi_sync_replica_enabled",
	"rpl_semi_sync_slave_trace_level":           "rpl_semi_sync_replica_trace_level",
	"rpl_semi_sync_master_wait_for_slave_count": "rpl_semi_sync_source_wait_for_replica_count",
}

// ownPrefix are options whose own names look like a prefix and an option.
var ownPrefix = map[string]bool{
	"skip_external_locking": true, "skip_grant_tables": true, "skip_host_cache": true, "skip_name_resolve": true,
	"skip_networking": true, "skip_replica_start": true, "skip_show_database": true, "skip_slave_start": true,
	"skip_stack_trace": true, "skip_replication": true, "skip_parallel_replication": true,
	"enable_cascade_triggers": true, "enable_secondary_engine_statistics": true,
}

// accumulates are options whose lines add up.
var accumulates = map[string]bool{
	"plugin_load_add": true, "early_plugin_load": true, "binlog_do_db": true, "binlog_ignore_db": true,
	"replicate_do_db": true, "replicate_ignore_db": true, "replicate_do_table": true, "replicate_ignore_table": true,
	"replicate_wild_do_table": true, "replicate_wild_ignore_table": true, "replicate_rewrite_db": true,
}

// onlyIn are options that the other flavour does not start with, written without loose_; forks of MySQL have more than MySQL,
// so what Percona Server shares with MariaDB is not here.
var onlyIn = map[string]string{
	"gtid_mode": flavourMySQL, "enforce_gtid_consistency": flavourMySQL, "super_read_only": flavourMySQL,
	"log_replica_updates": flavourMySQL, "replica_parallel_workers": flavourMySQL, "replica_parallel_type": flavourMySQL,
	"replica_preserve_commit_order": flavourMySQL, "replica_net_timeout": flavourMySQL, "replica_skip_errors": flavourMySQL,
	"skip_replica_start": flavourMySQL, "mysqlx": flavourMySQL, "skip_mysqlx": flavourMySQL, "mysqlx_port": flavourMySQL,
	"mysqlx_bind_address": flavourMySQL, "admin_address": flavourMySQL, "admin_port": flavourMySQL,
	"authentication_policy": flavourMySQL, "binlog_transaction_dependency_tracking": flavourMySQL,
	"innodb_redo_log_capacity": flavourMySQL, "innodb_dedicated_server": flavourMySQL, "slave_preserve_commit_order": flavourMySQL,
	"slave_parallel_type": flavourMySQL, "transaction_write_set_extraction": flavourMySQL,

	"gtid_strict_mode": flavourMariaDB, "gtid_domain_id": flavourMariaDB, "gtid_ignore_duplicates": flavourMariaDB,
	"slave_parallel_threads": flavourMariaDB, "slave_parallel_mode": flavourMariaDB, "slave_ddl_exec_mode": flavourMariaDB,
	"slave_domain_parallel_threads": flavourMariaDB, "log_bin_compress": flavourMariaDB,

	"innodb_defragment": flavourMariaDB, "aria_pagecache_buffer_size": flavourMariaDB,
}
