package fact

import (
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// Text is what an option is set to, or its default.
func (d *Database) Text(name string) Value[string] {
	if o := d.Options[name]; o != nil {
		return o.Value
	}
	v := Value[string]{Word: d.header()}
	var ok bool
	if v.V, ok = defaultOf(name, d.Flavour.V, d.Version); !ok || d.Partial {
		v.State = Unknown
	}
	return v
}

// Bool is the value of an option that is on or off.
func (d *Database) Bool(name string) Value[bool] {
	t := d.Text(name)
	return Value[bool]{t.V == "ON", t.Word, t.State}
}

// Number is the value of an option that is a number; of what is none the server says nothing good, and it is unknown.
func (d *Database) Number(name string) Value[int64] {
	t := d.Text(name)
	v := Value[int64]{Word: t.Word, State: t.State}
	var err error
	if v.V, err = strconv.ParseInt(t.V, 10, 64); err != nil {
		v.State = Unknown
	}
	return v
}

// BinaryLog says whether the server writes one. The value of log_bin is a file name: "log_bin = OFF" turns it on.
func (d *Database) BinaryLog() Value[bool] {
	o := d.Options["log_bin"]
	switch {
	case o == nil:
		v := Value[bool]{V: d.Flavour.V == flavourMySQL, Word: d.header()}
		old := d.Flavour.V == flavourMySQL && d.Version.Before(8, 0)
		if !d.Flavour.Known() || d.Partial || old {
			v.State = Unknown
		}
		return v
	case o.prefixed():
		return Value[bool]{o.Value.V == "ON", o.Word, o.Value.State}
	}
	return Value[bool]{true, o.Word, o.Value.State}
}

// prefixed reports whether the line sets the option by a prefix of its name: skip_log_bin.
func (o *Option) prefixed() bool {
	name := strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(o.Word.Text), "-", "_"), "loose_")
	return slices.ContainsFunc(prefixes, func(p struct{ name, value string }) bool {
		return strings.HasPrefix(name, p.name) && !strings.HasPrefix(o.Name, p.name)
	})
}

// header is the place where an option that is not written would stand: the last group that the server reads.
func (d *Database) header() conf.Word {
	for _, g := range slices.Backward(d.Tree.Body) {
		if g.Block && serverGroup(g.Name()) != groupOther {
			return g.Arg(0)
		}
	}
	var w conf.Word
	w.Pos.File = d.Host.Source.Place(d.Tree.File.Path)
	return w
}

// optionKind is how the server reads a value.
type optionKind int

const (
	otherOption optionKind = iota // not known here
	textOption
	boolOption
	numberOption
)

// Boolean reports whether the option is one that is on or off, as far as that is known here.
func (o *Option) Boolean() bool { return kindOf(o.Name) == boolOption }

// Numeric reports whether the option is a number, as far as that is known here.
func (o *Option) Numeric() bool { return kindOf(o.Name) == numberOption }

func kindOf(name string) optionKind { return kinds[name] }

var kinds = func() map[string]optionKind {
	m := map[string]optionKind{}
	for kind, names := range map[optionKind]string{
		textOption: `log_bin log_error relay_log bind_address report_host datadir socket user plugin_load plugin_load_add`,
		boolOption: `binlog_expire_logs_auto_purge general_log group_replication_bootstrap_group group_replication_start_on_boot
			group_replication_single_primary_mode gtid_strict_mode innodb_read_only local_infile log_replica_updates offline_mode read_only
			relay_log_purge relay_log_recovery replica_allow_higher_version_source replica_preserve_commit_order replicate_same_server_id
			require_secure_transport rpl_semi_sync_replica_enabled rpl_semi_sync_source_enabled rpl_semi_sync_source_wait_no_replica
			skip_grant_tables skip_name_resolve skip_networking skip_replica_start slow_query_log super_read_only wsrep_on`,
		numberOption: `admin_port auto_increment_increment auto_increment_offset binlog_expire_logs_seconds expire_logs_days extra_port
			group_replication_member_expel_timeout group_replication_unreachable_majority_timeout gtid_domain_id
			innodb_buffer_pool_size innodb_flush_log_at_trx_commit innodb_force_recovery innodb_log_file_size innodb_page_size
			innodb_redo_log_capacity interactive_timeout lower_case_table_names max_allowed_packet max_connect_errors max_connections
			mysqlx_port port replica_net_timeout replica_parallel_workers report_port rpl_semi_sync_source_timeout
			rpl_semi_sync_source_wait_for_replica_count server_id slave_parallel_threads sync_binlog wait_timeout`,
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = kind
		}
	}
	return m
}()

// enums are options with a list of values, in the order of their numbers.
var enums = map[string][]string{
	"gtid_mode":                       {"OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"},
	"enforce_gtid_consistency":        {"OFF", "ON", "WARN"},
	"binlog_format":                   {"MIXED", "STATEMENT", "ROW"},
	"binlog_row_image":                {"MINIMAL", "NOBLOB", "FULL"},
	"event_scheduler":                 {"OFF", "ON", "DISABLED"},
	"innodb_doublewrite":              {"OFF", "ON", "DETECT_AND_RECOVER", "DETECT_ONLY"},
	"replica_parallel_type":           {"DATABASE", "LOGICAL_CLOCK"},
	"rpl_semi_sync_source_wait_point": {"AFTER_SYNC", "AFTER_COMMIT"},
	"slave_ddl_exec_mode":             {"STRICT", "IDEMPOTENT"},
}

// take is what the server makes of a written value: ON and OFF for what is on or off, digits for numbers, an enum's whole
// name. What the server refuses stays as written.
func take(name, s string) string {
	switch kindOf(name) {
	case boolOption: // what is no boolean counts as OFF, with a warning
		return boolText(s == "1" || strings.EqualFold(s, "on") || strings.EqualFold(s, "true"))
	case numberOption:
		if n, ok := number(s); ok {
			return strconv.FormatInt(n, 10)
		}
		return s
	}
	names := enums[name]
	if names == nil || s == "" {
		return s
	}
	if n, err := strconv.Atoi(s); err == nil {
		if n >= 0 && n < len(names) {
			return names[n]
		}
		return s
	}
	prefix := ""
	for _, e := range names {
		switch {
		case strings.EqualFold(e, s):
			return e
		case len(s) < len(e) && strings.EqualFold(e[:len(s)], s):
			if prefix != "" {
				return s // of several
			}
			prefix = e
		}
	}
	if prefix != "" {
		return prefix
	}
	return s
}

func boolText(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

// number reads digits and a suffix: K, M, G, T, P or E, and whatever letters follow it.
func number(s string) (int64, bool) {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[end] == '-') {
		end++
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	if err != nil {
		return 0, false
	}
	if end == len(s) {
		return n, true
	}
	i := strings.IndexByte("KMGTPE", s[end]&^0x20)
	if i < 0 {
		return 0, false
	}
	for range i + 1 {
		if n > 1<<53 || n < -1<<53 {
			return 0, false
		}
		n *= 1024
	}
	return n, true
}
