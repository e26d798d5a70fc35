package fact

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"stackgen/pkg/conf"
)

func database(t *testing.T, cnf string, targets map[string]Version, more ...conf.File) *Database {
	t.Helper()
	files := append([]conf.File{{Host: "db1", Path: "/etc/mysql/my.cnf", Kind: conf.MySQL, Data: []byte(cnf)}}, more...)
	return Read(conf.FromFiles("", files), Options{Targets: targets})[0].Hosts[0].Database
}

func TestDatabaseOptions(t *testing.T) {
	mysql97 := map[string]Version{"mysql": {9, 7}}
	maria118 := map[string]Version{"mariadb": {11, 8}}
	for _, tt := range []struct {
		name, cnf    string
		targets      map[string]Version
		option, want string // "?": unknown; "-": not written
	}{
		{"dashes", "[mysqld]\nserver-id = 7", mysql97, "server_id", "7"},
		{"last line", "[mysqld]\nserver_id=1\n[server]\nserver-id=2", mysql97, "server_id", "2"},
		{"first user", "[mysqld]\nuser=a\nuser=b", mysql97, "user", "a"},
		{"client", "[mysqld]\n[client]\nport=3307", mysql97, "port", "-"},
		{"own version", "[mysqld]\nport=1\n[mysqld-9.7]\nport=2", mysql97, "port", "2"},
		{"other version", "[mysqld]\nport=1\n[mysqld-8.4]\nport=2", mysql97, "port", "1"},
		{"unknown version", "[mysqld]\nport=1\n[mysqld-8.4]\nport=2", nil, "port", "?"},
		{"group of the other", "[mysqld]\nport=1\n[mariadb]\nport=2", mysql97, "port", "1"},
		{"mariadb", "[mysqld]\nport=1\n[mariadb]\nport=2\n[mariadb-11.8]\nport=3\n[mariadb-11]\nport=4\n[mariadb-10.11]\nport=5", maria118, "port", "4"},
		{"client-server", "[client-server]\nport=2", maria118, "port", "2"},
		{"loose", "[mysqld]\nloose-rpl-semi-sync-source-enabled=1", mysql97, "rpl_semi_sync_source_enabled", "ON"},
		{"old name", "[mysqld]\nlog-slave-updates=0", mysql97, "log_replica_updates", "OFF"},
		{"both names", "[mysqld]\nlog_replica_updates=ON\nlog_slave_updates=OFF", mysql97, "log_replica_updates", "OFF"},
		{"MariaDB's threads", "[mysqld]\nslave_parallel_workers=4", maria118, "slave_parallel_threads", "4"},
		{"days", "[mysqld]\nbinlog_expire_logs_seconds=5\nexpire_logs_days=10", maria118, "binlog_expire_logs_seconds", "864000"},
		{"days of MySQL", "[mysqld]\nexpire_logs_days=10", map[string]Version{"mysql": {8, 0}}, "expire_logs_days", "10"},
		{"skip", "[mysqld]\nskip-local-infile", mysql97, "local_infile", "OFF"},
		{"skip off", "[mysqld]\nskip-local-infile=OFF", mysql97, "local_infile", "OFF"},
		{"skip 0", "[mysqld]\nskip-local-infile=0", mysql97, "local_infile", "ON"},
		{"enable 0", "[mysqld]\nenable-local-infile=0", mysql97, "local_infile", "OFF"},
		{"disable", "[mysqld]\ndisable_log_bin", mysql97, "log_bin", "OFF"},
		{"skip of its own", "[mysqld]\nskip-networking=0", mysql97, "skip_networking", "OFF"},
		{"bare", "[mysqld]\nread-only", mysql97, "read_only", "ON"},
		{"bare text", "[mysqld]\nlog-bin", mysql97, "log_bin", ""},
		{"not a boolean", "[mysqld]\nread_only=yes", mysql97, "read_only", "OFF"},
		{"true", "[mysqld]\nread_only=True", mysql97, "read_only", "ON"},
		{"size", "[mysqld]\nmax_allowed_packet=64M", mysql97, "max_allowed_packet", "67108864"},
		{"size with a letter more", "[mysqld]\ninnodb_buffer_pool_size=1GB", mysql97, "innodb_buffer_pool_size", "1073741824"},
		{"exa", "[mysqld]\nmax_connections=1e2", mysql97, "max_connections", "1152921504606846976"},
		{"no number", "[mysqld]\ninnodb_buffer_pool_size=1.5G", mysql97, "innodb_buffer_pool_size", "1.5G"},
		{"enum by number", "[mysqld]\ngtid_mode=3", mysql97, "gtid_mode", "ON"},
		{"enum by prefix", "[mysqld]\nbinlog_format=r", mysql97, "binlog_format", "ROW"},
		{"enum of two", "[mysqld]\ngtid_mode=O", mysql97, "gtid_mode", "O"},
		{"case of MySQL", "[mysqld]\nServer_Id=4", mysql97, "server_id", "-"},
		{"case of MariaDB", "[mysqld]\nServer_Id=4", maria118, "server_id", "4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := database(t, tt.cnf, tt.targets)
			if d == nil {
				t.Fatal("no database")
			}
			got := "-"
			if o := d.Options[tt.option]; o != nil {
				got = o.Value.V
				if !o.Value.Known() {
					got = "?"
				}
			}
			if got != tt.want {
				t.Errorf("%s is %q, want %q", tt.option, got, tt.want)
			}
		})
	}
}

func TestDatabaseAccumulates(t *testing.T) {
	d := database(t, "[mysqld]\nreplicate_do_db=a\nreplicate-do-db=b\nport=1\nport=2\n", nil)
	var names []string
	for _, o := range d.All {
		names = append(names, o.Name+"="+o.Value.V)
	}
	if want := "replicate_do_db=a replicate_do_db=b port=1 port=2"; strings.Join(names, " ") != want {
		t.Errorf("all: %v", names)
	}
	if lost := d.Options["replicate_do_db"].Lost; len(lost) != 0 {
		t.Errorf("a filter is lost: %v", lost[0].Value.V)
	}
	if lost := d.Options["port"].Lost; len(lost) != 1 || lost[0].Value.V != "1" {
		t.Errorf("lost: %v", lost)
	}
}

func TestFlavour(t *testing.T) {
	for _, tt := range []struct{ name, path, cnf, want string }{
		{"nothing tells", "/etc/my.cnf", "[mysqld]\nport=3306", ""},
		{"group", "/etc/my.cnf", "[mysqld]\n[mariadb]\nport=3306", "mariadb"},
		{"version of a group", "/etc/my.cnf", "[mysqld-8.4]\nport=3306", "mysql"},
		{"both groups, then an option", "/etc/my.cnf", "[mysqld-8.4]\n[mariadb]\n[mysqld]\nsuper-read-only=1", "mysql"},
		{"option", "/etc/my.cnf", "[mysqld]\ngtid_strict_mode=1", "mariadb"},
		{"loose option", "/etc/my.cnf", "[mysqld]\nloose_gtid_strict_mode=1", ""},
		{"options of both", "/etc/my.cnf", "[mysqld]\ngtid_mode=ON\n[server]\ngtid_strict_mode=1", ""},
		{"folder", "/etc/mysql/my.cnf", "[mysqld]\n!includedir /etc/mysql/mariadb.conf.d/", "mariadb"},
		{"main file", "/etc/mysql/mariadb.cnf", "[mysqld]\nport=1", "mariadb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := conf.FromFiles("", []conf.File{{Host: "db1", Path: tt.path, Kind: conf.MySQL, Data: []byte(tt.cnf)}})
			d := Read(in, Options{})[0].Hosts[0].Database
			if d == nil || d.Flavour.V != tt.want || d.Flavour.Known() != (tt.want != "") {
				t.Errorf("got %+v", d)
			}
		})
	}
	if d := database(t, "[client]\nport=1\n[mysqldump]\nquick\n", nil); d != nil {
		t.Error("a file for clients is no server")
	}
}

func TestDefaults(t *testing.T) {
	for _, tt := range []struct {
		option, flavour string
		version         Version
		want            string
	}{
		{"server_id", "", Version{}, "1"},
		{"gtid_mode", "mysql", Version{8, 4}, "OFF"},
		{"gtid_mode", "mysql", Version{9, 7}, "ON"},
		{"gtid_mode", "mysql", Version{9, 2}, "?"},
		{"gtid_mode", "mysql", Version{}, "?"},
		{"sync_binlog", "mysql", Version{}, "1"},
		{"sync_binlog", "mysql", Version{5, 5}, "?"},
		{"sync_binlog", "mariadb", Version{}, "0"},
		{"sync_binlog", "", Version{}, "?"},
		{"character_set_server", "mariadb", Version{10, 11}, "latin1"},
		{"character_set_server", "mariadb", Version{11, 8}, "utf8mb4"},
		{"character_set_server", "mariadb", Version{11, 4}, "?"},
		{"no_such_option", "mysql", Version{9, 7}, "?"},
	} {
		got, ok := defaultOf(tt.option, tt.flavour, tt.version)
		if !ok {
			got = "?"
		}
		if got != tt.want {
			t.Errorf("%s of %s %v is %q, want %q", tt.option, tt.flavour, tt.version, got, tt.want)
		}
	}
}

func TestBinaryLog(t *testing.T) {
	for _, tt := range []struct{ cnf, flavour, want string }{
		{"", "mysql", "ON"},
		{"", "mariadb", "OFF"},
		{"", "", "?"},
		{"log_bin=OFF", "mysql", "ON"},
		{"log-bin", "mariadb", "ON"},
		{"skip-log-bin", "mysql", "OFF"},
		{"loose_skip_log_bin=0", "mysql", "ON"},
		{"!includedir /etc/mysql/conf.d", "mysql", "?"},
	} {
		targets := map[string]Version{}
		if tt.flavour != "" {
			targets[tt.flavour] = Version{}
		}
		v := database(t, "[mysqld]\n"+tt.cnf+"\n", targets).BinaryLog()
		got := boolText(v.V)
		if !v.Known() {
			got = "?"
		}
		if got != tt.want {
			t.Errorf("%q of %q: %s, want %s", tt.cnf, tt.flavour, got, tt.want)
		}
	}
}

func TestDatabaseListen(t *testing.T) {
	for _, tt := range []struct{ cnf, want string }{
		{"", ":3306 46"},
		{"skip-networking", ""},
		{"port=3307\nbind-address=10.0.0.1", "10.0.0.1:3307 4"},
		{"bind-address=127.0.0.1,10.0.0.1", "127.0.0.1:3306 4|10.0.0.1:3306 4"},
		{"bind-address=0.0.0.0", ":3306 4"},
		{"bind-address=::", ":3306 46"},
		{"bind-address=::1", "::1:3306 6"},
		{"bind-address=localhost", "127.0.0.1:3306 4"},
		{"bind-address=db1.example.com", ":3306 4 unknown"},
		{"port=0", ":3306 46"},
		{"port=70000", ":65535 46"},
		{"!includedir /nowhere", ":3306 46 unknown"},
	} {
		d := database(t, "[mysqld]\n"+tt.cnf+"\n", map[string]Version{"mysql": {9, 7}})
		var got []string
		for _, l := range d.Host.Listeners {
			var b strings.Builder
			if l.Addr.IsValid() {
				b.WriteString(l.Addr.String())
			}
			b.WriteString(":" + strconv.Itoa(l.Port) + " ")
			if l.V4 {
				b.WriteByte('4')
			}
			if l.V6 {
				b.WriteByte('6')
			}
			if !l.Known {
				b.WriteString(" unknown")
			}
			got = append(got, b.String())
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%q: %s, want %s", tt.cnf, s, tt.want)
		}
	}
}

func TestDatabaseSource(t *testing.T) {
	for _, tt := range []struct{ name, sql, addr, word string }{
		{"sql", "CHANGE MASTER TO\n  MASTER_HOST='10.0.0.1', MASTER_PORT=3307;", "10.0.0.1", "10.0.0.1"},
		{"new words", "change replication source to source_host = \"10.0.0.1\";", "10.0.0.1", "10.0.0.1"},
		{"variable", "src=10.0.0.2\nmysql <<E\nCHANGE MASTER TO MASTER_HOST='$src';\nE", "10.0.0.2", "10.0.0.2"},
		{"variable in braces", "export src='10.0.0.2'\nmysql -e \"CHANGE MASTER TO MASTER_HOST='${src}';\"", "10.0.0.2", "10.0.0.2"},
		{"set twice", "src=10.0.0.2\nsrc=10.0.0.3\nmysql -e \"CHANGE MASTER TO MASTER_HOST='$src';\"", "", "$src"},
		{"argument", "mysql -e \"CHANGE MASTER TO MASTER_HOST='$1';\"", "", "$1"},
		{"comment", "-- CHANGE MASTER TO MASTER_HOST='10.0.0.1';\n# CHANGE MASTER TO MASTER_HOST='10.0.0.1';", "", ""},
		{"end", "CHANGE MASTER TO MASTER_HOST='';", "", ""},
		{"no host", "CHANGE MASTER TO MASTER_USE_GTID=slave_pos;", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := database(t, "[mysqld]\n", nil, conf.File{Host: "db1", Path: "/etc/mysql/init.sql", Data: []byte(tt.sql)})
			addr, word := "", ""
			if d.Source != nil {
				word = d.Source.Word.Text
				if d.Source.Addr.IsValid() {
					addr = d.Source.Addr.String()
				}
			}
			if addr != tt.addr || word != tt.word {
				t.Errorf("%q %q, want %q %q", addr, word, tt.addr, tt.word)
			}
		})
	}
}

func TestSysctl(t *testing.T) {
	in := conf.FromFiles("", []conf.File{
		{Host: "a", Path: "/etc/sysctl.d/60-x.conf", Data: []byte("# c\nnet.ipv4.ip_nonlocal_bind = 1\n-net/ipv4/conf/eth0.5/rp_filter=2\n;x=1\n")},
		{Host: "a", Path: "/usr/lib/sysctl.d/60-x.conf", Data: []byte("a.b = 1\n")},
		{Host: "a", Path: "/etc/sysctl.conf", Data: []byte("\n  net.ipv4.ip_nonlocal_bind=0")},
	})
	got := Read(in, Options{})[0].Hosts[0].Sysctl
	var keys []string
	for k, v := range got {
		keys = append(keys, k+"="+v.V+" "+v.Word.Pos.String())
	}
	slices.Sort(keys)
	want := []string{"net.ipv4.conf.eth0/5.rp_filter=2 a/etc/sysctl.d/60-x.conf:3:33", "net.ipv4.ip_nonlocal_bind=0 a/etc/sysctl.conf:2:29"}
	if !slices.Equal(keys, want) {
		t.Errorf("got %q", keys)
	}
}
