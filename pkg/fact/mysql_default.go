package fact

// The versions whose defaults are known.
const (
	my80 = iota
	my84
	my97
	maria1011
	maria118
	generations
)

// defaultOf is what an option is where no line sets it. ok is false where that is not known, or differs between the versions
// that the flavour and version, as far as they are known, leave open.
func defaultOf(option, flavour string, v Version) (value string, ok bool) {
	row, ok := defaults[option]
	if !ok {
		return "", false
	}
	from, to := my80, maria118
	switch flavour {
	case flavourMySQL:
		from, to = my80, my97
		switch {
		case v == Version{}:
		case v.Before(8, 0):
			return "", false
		case v.Before(8, 1):
			to = my80
		case v.Before(8, 5):
			from, to = my84, my84
		case v.Before(9, 7):
			from = my84 // between the two
		default:
			from = my97
		}
	case flavourMariaDB:
		from, to = maria1011, maria118
		switch {
		case v == Version{}:
		case v.Before(10, 5):
			return "", false
		case v.Before(11, 0):
			to = maria1011
		case !v.Before(11, 8):
			from = maria118
		}
	}
	value = row[from]
	for _, other := range row[from : to+1] {
		if other == unknownDefault || other != value {
			return "", false
		}
	}
	return value, true
}

// unknownDefault: the generation does not have the option, or its default changed within it.
const unknownDefault = "?"

func same(v string) [generations]string { return [generations]string{v, v, v, v, v} }

func mysqlMariaDB(mysql, mariadb string) [generations]string {
	return [generations]string{mysql, mysql, mysql, mariadb, mariadb}
}

// defaults as 9.7, 10.11 and 11.8 print them, and as the manual has them for 8.0 and 8.4. super_read_only is OFF for MariaDB
// too, which never holds root back.
var defaults = map[string][generations]string{
	"auto_increment_increment":                       same("1"),
	"auto_increment_offset":                          same("1"),
	"bind_address":                                   same("*"),
	"binlog_expire_logs_seconds":                     mysqlMariaDB("2592000", "0"),
	"binlog_format":                                  mysqlMariaDB("ROW", "MIXED"),
	"binlog_row_image":                               same("FULL"),
	"character_set_server":                           {"utf8mb4", "utf8mb4", "utf8mb4", "latin1", "utf8mb4"},
	"collation_server":                               {"utf8mb4_0900_ai_ci", "utf8mb4_0900_ai_ci", "utf8mb4_0900_ai_ci", "latin1_swedish_ci", "utf8mb4_uca1400_ai_ci"},
	"enforce_gtid_consistency":                       {"OFF", "OFF", "ON", unknownDefault, unknownDefault},
	"event_scheduler":                                mysqlMariaDB("ON", "OFF"),
	"group_replication_bootstrap_group":              mysqlMariaDB("OFF", unknownDefault),
	"group_replication_member_expel_timeout":         mysqlMariaDB("5", unknownDefault),
	"group_replication_start_on_boot":                mysqlMariaDB("ON", unknownDefault),
	"group_replication_single_primary_mode":          mysqlMariaDB("ON", unknownDefault),
	"group_replication_unreachable_majority_timeout": mysqlMariaDB("0", unknownDefault),
	"gtid_domain_id":                                 mysqlMariaDB(unknownDefault, "0"),
	"gtid_mode":                                      {"OFF", "OFF", "ON", unknownDefault, unknownDefault},
	"gtid_strict_mode":                               mysqlMariaDB(unknownDefault, "OFF"),
	"innodb_buffer_pool_size":                        same("134217728"),
	"innodb_doublewrite":                             same("ON"),
	"innodb_flush_log_at_trx_commit":                 same("1"),
	"innodb_force_recovery":                          same("0"),
	"innodb_read_only":                               same("OFF"),
	"local_infile":                                   mysqlMariaDB("OFF", "ON"),
	"log_replica_updates":                            mysqlMariaDB("ON", "OFF"),
	"lower_case_table_names":                         same("0"),
	"max_allowed_packet":                             mysqlMariaDB("67108864", "16777216"),
	"max_connect_errors":                             same("100"),
	"max_connections":                                same("151"),
	"offline_mode":                                   mysqlMariaDB("OFF", unknownDefault),
	"port":                                           same("3306"),
	"read_only":                                      same("OFF"),
	"relay_log_purge":                                same("ON"),
	"relay_log_recovery":                             same("OFF"),
	"replica_net_timeout":                            same("60"),
	"replica_parallel_workers":                       {unknownDefault, "4", "4", unknownDefault, unknownDefault}, // 8.0.27: 4, before 0
	"replica_preserve_commit_order":                  {unknownDefault, "ON", "ON", unknownDefault, unknownDefault},
	"replicate_same_server_id":                       same("OFF"),
	"require_secure_transport":                       same("OFF"),
	"rpl_semi_sync_replica_enabled":                  same("OFF"),
	"rpl_semi_sync_source_enabled":                   same("OFF"),
	"rpl_semi_sync_source_timeout":                   same("10000"),
	"rpl_semi_sync_source_wait_for_replica_count":    mysqlMariaDB("1", unknownDefault),
	"rpl_semi_sync_source_wait_no_replica":           same("ON"),
	"rpl_semi_sync_source_wait_point":                mysqlMariaDB("AFTER_SYNC", "AFTER_COMMIT"),
	"server_id":                                      same("1"),
	"skip_grant_tables":                              same("OFF"),
	"skip_name_resolve":                              same("OFF"),
	"skip_networking":                                same("OFF"),
	"skip_replica_start":                             same("OFF"),
	"slave_ddl_exec_mode":                            mysqlMariaDB(unknownDefault, "IDEMPOTENT"),
	"slave_parallel_threads":                         mysqlMariaDB(unknownDefault, "0"),
	"source_retry_count":                             {"86400", "10", "10", "100000", "100000"}, // of CHANGE REPLICATION SOURCE
	"source_ssl":                                     {"0", "0", "1", "0", unknownDefault},      // of the same
	"super_read_only":                                same("OFF"),
	"sync_binlog":                                    mysqlMariaDB("1", "0"),
	"wait_timeout":                                   same("28800"),
}
