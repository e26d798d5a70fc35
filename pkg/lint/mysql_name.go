package lint

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlNameRules = []*Rule{unknownOption, idleOption}

//go:embed mysql_options.txt
var mysqlOptionTable string

// mysqlOptions says of each name what the versions of mysqlVersions make of it, a letter for each.
var mysqlOptions = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(mysqlOptionTable) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		for _, name := range fields[1:] {
			m[strings.ToLower(name)] = fields[0]
		}
	}
	return m
})

var mysqlVersions = []struct {
	flavour string
	fact.Version
}{{mysql, fact.Version{Major: 8}}, {mysql, fact.Version{Major: 8, Minor: 4}}, {mysql, fact.Version{Major: 9, Minor: 7}},
	{mariadb, fact.Version{Major: 10, Minor: 11}}, {mariadb, fact.Version{Major: 11, Minor: 8}}}

// columns are the versions that the server may be: the target, or both of those it lies between; all of its flavour where
// the version is not known. Empty: a version that the table knows nothing of.
func columns(d *fact.Database) []int {
	var all []int
	for i, v := range mysqlVersions {
		if d.Flavour.Known() && d.Flavour.V != v.flavour {
			continue
		}
		all = append(all, i)
	}
	v := d.Version
	if v == (fact.Version{}) || len(all) == 0 {
		return all
	}
	for n, i := range all {
		switch at := mysqlVersions[i].Version; {
		case v == at, v.Major == at.Major && v.Major == 8 && v.Before(8, 1):
			return []int{i}
		case v.Before(at.Major, at.Minor) && n == 0:
			return nil
		case v.Before(at.Major, at.Minor):
			return []int{all[n-1], i}
		}
	}
	return nil // newer than all
}

// answers are what the versions make of a name; empty where no version knows it.
func answers(name string, columns []int) string {
	row, ok := mysqlOptions()[name]
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, i := range columns {
		b.WriteByte(row[i])
	}
	return b.String()
}

// optionName is the option's name as the table has it: without loose_, and without a prefix that sets a value.
func optionName(o *fact.Option) string {
	name := bareName(o)
	if _, ok := mysqlOptions()[name]; ok {
		return name
	}
	for _, p := range []string{"skip_", "disable_", "enable_", "maximum_"} {
		if rest, ok := strings.CutPrefix(name, p); ok && rest != "" {
			return rest
		}
	}
	return name
}

// Options of plugins, components and forks, which may be loaded or not.
var foreignPrefixes = strings.Fields(`audit_ authentication_ aws_ cassandra_ clone_ columnstore_ component_ connect_ connection_control
	cracklib daemon_memcached ddl_rewriter encrypt_ expand_fast federated feedback file_key_management group_replication handlersocket hashicorp
	innodb_memcached innodb_tmpdir_ jemalloc kerberos keyring mroonga mysql_firewall mysqlx ndb oqgraph percona performance_schema plugin_ proxysql pxc
	query_response_time rocksdb rpl_semi_sync s3_ secure_ server_audit simple_password slow_query_log_ sphinx spider telemetry thread_pool thread_statistics tokudb
	userstat validate_password version_tokens wsrep xtradb binlog_space innodb_compressed_columns innodb_parallel_dblwr extra_ proxy_protocol`)

func foreign(name string) bool {
	return strings.ContainsAny(name, ".{}$<>%") || slices.ContainsFunc(foreignPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// oldOptions are names of MySQL 5 that later versions do not start with.
var oldOptions = strings.Fields(`binlogging_impossible_mode bootstrap date_format datetime_format default_character_set engine_condition_pushdown
	flush_caches have_query_cache ignore_builtin_innodb ignore_db_dirs innodb_additional_mem_pool_size innodb_adaptive_flushing_method
	innodb_buffer_pool_populate innodb_checkpoint_age_target innodb_checksums innodb_fake_changes innodb_file_format innodb_file_format_check
	innodb_file_format_max innodb_file_io_threads innodb_flush_neighbor_pages innodb_large_prefix innodb_lazy_drop_table innodb_locks_unsafe_for_binlog
	innodb_mirrored_log_groups innodb_stats_sample_pages innodb_support_xa innodb_undo_logs innodb_use_sys_malloc internal_tmp_disk_storage_engine
	key_buffer large_files_support lock_wait log log_slow_queries log_syslog log_syslog_facility log_syslog_tag log_update log_warnings long_query
	max_tmp_tables metadata_locks_cache_size metadata_locks_hash_instances multi_range_count myisam_recover named_pipe old_passwords partition
	query_cache_limit query_cache_min_res_unit query_cache_size query_cache_strip_comments query_cache_type query_cache_wlock_invalidate record_buffer
	safe_show_database secure_auth set_variable show_compatibility_56 sort_buffer sql_bin_update_same sql_log_update storage_engine sync_frm
	table_cache temp_pool thread_cache thread_concurrency time_format timed_mutexes tx_isolation tx_read_only innodb_log_arch_dir innodb_log_archive
	default_table_type skip_locking skip_bdb bdb locking symbolic ssl_cert_file rpl_recovery_rank tmp_table des_key_file myisam_block_size`)

var unknownOption = &Rule{ID: "mysql-unknown-option", Severity: diag.Error, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		cols := columns(d)
		if len(cols) == 0 {
			continue
		}
		for _, o := range d.All {
			if o.Loose || !o.Value.Known() || o.Word.Text == "" {
				continue
			}
			p.unknownOption(d, o, cols)
		}
	}
}}

func (p *Pass) unknownOption(d *fact.Database, o *fact.Option, cols []int) {
	name := optionName(o)
	known := answers(name, cols)
	exact := strings.ReplaceAll(o.Word.Text, "-", "_")
	if strings.Trim(known, "u") != "" {
		// MySQL takes names as they are; a few have capitals.
		if is(d, mysql) && d.Version != (fact.Version{}) && exact != strings.ToLower(exact) && !strings.Contains(mysqlOptionTable, exact) {
			p.Report(o.Word, "MySQL distinguishes capitals in names: %q is none of its options, and it does not start", o.Word.Text).On(d.Host).In(o.Node).
				Help("write %q", strings.ToLower(o.Word.Text))
		}
		return
	}
	if foreign(name) && !(known != "" && d.Version != (fact.Version{}) && is(d, mariadb)) {
		return
	}
	if !is(d, mysql) && abbreviates(name) {
		return
	}
	old := slices.Contains(oldOptions, name)
	server := flavour(d)
	if d.Version != (fact.Version{}) {
		server = fmt.Sprintf("%s %d.%d", server, d.Version.Major, d.Version.Minor)
	}
	f := p.Report(o.Word, "%s does not know the option %q, and does not start", server, o.Word.Text).On(d.Host).In(o.Node).Same(name)
	if !d.Flavour.Known() {
		f.Message = fmt.Sprintf("no server knows the option %q: it does not start", o.Word.Text)
	}
	near := nearOption(name, cols)
	switch {
	case known != "":
		f.Help("remove the line, or write \"loose_%s\", which never stops the server", name)
		if to := movedOption(name, cols); to != "" {
			f.Help("write %q", to)
		}
	case near != "":
		f.Help("did you mean %q?", near)
	default:
		f.Help("remove the line; an option of a plugin is written \"loose_%s\"", name)
	}
	switch {
	case d.Version != (fact.Version{}):
	case old: // the server may be an old one
		f.Message = fmt.Sprintf("%s does not know the option %q since MySQL 8.0, and does not start", server, o.Word.Text)
		f.Weigh(diag.Info)
	case known == "" && near == "":
		f.Weigh(diag.Warning)
	}
}

// movedOptions are what took an option's place.
var movedOptions = map[string]string{
	"expire_logs_days": "binlog_expire_logs_seconds", "default_authentication_plugin": "authentication_policy", "tx_isolation": "transaction_isolation",
	"innodb_log_file_size": "innodb_redo_log_capacity", "storage_engine": "default_storage_engine", "default_character_set": "character_set_server",
	"log_replica_updates": "log_slave_updates", "replica_net_timeout": "slave_net_timeout", "replica_skip_errors": "slave_skip_errors",
	"skip_replica_start": "skip_slave_start", "super_read_only": "read_only", "log_slow_queries": "slow_query_log", "table_cache": "table_open_cache",
	"skip_host_cache": "host_cache_size", "replica_parallel_workers": "slave_parallel_threads", "slave_parallel_threads": "replica_parallel_workers",
}

func movedOption(name string, cols []int) string {
	if to := movedOptions[name]; strings.Trim(answers(to, cols), "u") != "" {
		return to
	}
	return ""
}

// nearOption is the known name that may have been meant.
func nearOption(name string, cols []int) string {
	best, least := "", min(3, 1+len(name)/5)
	for known := range mysqlOptions() {
		if n := len(known) - len(name); n > 2 || n < -2 || strings.Trim(answers(known, cols), "u") == "" {
			continue
		}
		if n := distance(name, known); n < least || n == least && best != "" && known < best {
			best, least = known, n
		}
	}
	return best
}

// abbreviates reports whether the name is the beginning of an option of MariaDB, which takes it for that.
func abbreviates(name string) bool {
	for known, row := range mysqlOptions() {
		if strings.HasPrefix(known, name) && strings.Trim(row[3:], "u") != "" {
			return true
		}
	}
	return false
}

var idleOption = &Rule{ID: "mysql-idle-option", Severity: diag.Info, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		cols := columns(d)
		if d.Version == (fact.Version{}) || len(cols) != 1 {
			continue
		}
		for _, o := range d.All {
			name := optionName(o)
			f := func(format string) {
				p.Report(o.Word, format, flavour(d), d.Version.Major, d.Version.Minor, o.Word.Text).On(d.Host).In(o.Node).
					Help("remove the line, if nothing needs it").Same(name)
			}
			switch answers(name, cols) {
			case "i":
				f("%s %d.%d ignores the option %q: it does nothing")
			case "d":
				f("%s %d.%d will lose the option %q: a later version does not start with it")
			}
		}
	}
}}

// versions are the oldest and newest that a file's options allow.
type versions struct {
	least, most     fact.Version
	leastAt, mostAt conf.Word
}

func versionsOf(d *fact.Database) versions {
	var v versions
	cols := columns(d)
	for _, o := range d.All {
		row := answers(optionName(o), cols)
		if o.Loose || row == "" || !o.Value.Known() || strings.Contains(row, "?") {
			continue
		}
		first := strings.IndexFunc(row, func(c rune) bool { return c != 'u' })
		last := strings.LastIndexFunc(row, func(c rune) bool { return c != 'u' })
		if first < 0 {
			continue
		}
		if at := mysqlVersions[cols[first]].Version; first > 0 && (v.least == fact.Version{} || v.least.Before(at.Major, at.Minor)) {
			v.least, v.leastAt = at, o.Word
		}
		if at := mysqlVersions[cols[last]].Version; last < len(cols)-1 && (v.most == fact.Version{} || at.Before(v.most.Major, v.most.Minor)) {
			v.most, v.mostAt = at, o.Word
		}
	}
	return v
}
