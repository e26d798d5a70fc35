package render_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// The versions in the order of testdata/mysql-variables.tsv.
var databaseVersions = []struct{ flavour, version string }{
	{"mysql", "8.0"}, {"mysql", "8.4"}, {"mysql", "9.7"}, {"mariadb", "10.11"}, {"mariadb", "11.8"},
}

// Topologies that between them bring every line of the database's files.
var databaseShapes = map[string]string{
	"plain":    "db: {primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42}}\n",
	"alone":    "db: {primary: {db1: 10.0.10.41}}\n",
	"external": "db: {failover: external, primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42}}\n",
	"vip": "db: {vip: db, buffer_pool: 2G, primary: {db1: {address: 10.0.10.41, address6: '2001:db8::41'}}, " +
		"replicas: {db2: 10.0.10.42, db3: 10.0.10.43}}\n",
	"tls": "db: {max_connections: 5000, tls: {ca: /etc/mysql/ca.pem, certificate: /etc/mysql/db.pem, key: /etc/mysql/db.key}, " +
		"primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42}}\nraw: {mysql: {server: ['innodb_io_capacity = 2000']}}\n",
	"async": "db: {semi_sync: false, replication: {tls: false}, primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42}}\n",
}

func databaseFiles(t *testing.T, shape, flavour, version string) map[string]render.File {
	t.Helper()
	top, problems := model.Load(model.Source{Name: "db.yaml", Data: []byte(dbRoundStack + shape)}, nil, map[string]string{flavour: version})
	if top == nil {
		t.Fatal(problems)
	}
	files := map[string]render.File{}
	for _, f := range render.Render(top) {
		if strings.HasPrefix(f.Host, "db") {
			files[f.Name()] = f
		}
	}
	return files
}

// options are the lines of a my.cnf without comments: "name = value".
func options(data []byte) []string {
	var list []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// Every option that is rendered is known to its version, and none is deprecated there; one of a plugin is loose_.
func TestMySQLNames(t *testing.T) {
	table, err := os.ReadFile("testdata/mysql-variables.tsv")
	if err != nil {
		t.Fatal(err)
	}
	status := map[string][]string{}
	for line := range strings.Lines(string(table)) {
		if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 1+len(databaseVersions) {
			status[fields[0]] = fields[1:]
		}
	}
	rendered := map[string]bool{}
	for shape, text := range databaseShapes {
		for i, v := range databaseVersions {
			for name, f := range databaseFiles(t, text, v.flavour, v.version) {
				if !strings.HasSuffix(name, "/my.cnf") {
					continue
				}
				for _, o := range options(f.Data)[1:] {
					option, _, _ := strings.Cut(o, " = ")
					option, loose := strings.CutPrefix(option, "loose_")
					if option == "innodb_io_capacity" { // raw
						continue
					}
					rendered[option] = true
					s, known := status[option]
					if !known || s[i] != "ok" && (s[i] != "plugin" || !loose) {
						t.Errorf("%s for %s %s: %q is %v there", shape, v.flavour, v.version, o, s)
					}
				}
			}
		}
	}
	for option, s := range status {
		if !rendered[option] && option != "name" {
			t.Errorf("testdata/mysql-variables.tsv lists %q (%v), which no file has", option, s)
		}
	}
}

// Servers differ only in who they are, and the primary in what only it may do.
func TestMySQLServersDiffer(t *testing.T) {
	differ := regexp.MustCompile(`^(bind_address|report_host|server_id|(loose_)?rpl_semi_sync_(source|master)_enabled|(super_)?read_only) = `)
	for shape, text := range databaseShapes {
		for _, v := range databaseVersions {
			files := databaseFiles(t, text, v.flavour, v.version)
			db1, db2 := options(files["db1/etc/mysql/my.cnf"].Data), options(files["db2/etc/mysql/my.cnf"].Data)
			if len(db2) == 0 {
				continue
			}
			same := func(o string) bool { return differ.MatchString(o) }
			a, b := slices.DeleteFunc(slices.Clone(db1), same), slices.DeleteFunc(slices.Clone(db2), same)
			if !slices.Equal(a, b) {
				t.Errorf("%s for %s %s: db1 and db2 differ in more than who they are:\n%s\n\n%s", shape, v.flavour, v.version, strings.Join(a, "\n"), strings.Join(b, "\n"))
			}
			readOnly := "super_read_only = ON"
			if v.flavour == "mariadb" {
				readOnly = "read_only = ON"
			}
			if !slices.Contains(db2, readOnly) {
				t.Errorf("%s for %s %s: the replica does not start read-only", shape, v.flavour, v.version)
			}
			if want := shape == "vip" || shape == "external"; slices.Contains(db1, readOnly) != want {
				t.Errorf("%s for %s %s: the primary starts read-only is %v, want %v", shape, v.flavour, v.version, !want, want)
			}
			if strings.Contains(strings.Join(db2, "\n"), "source_enabled") || strings.Contains(strings.Join(db2, "\n"), "master_enabled") {
				t.Errorf("%s for %s %s: the replica waits for replicas of its own", shape, v.flavour, v.version)
			}
		}
	}
}

// The whole files: as many origins as lines, scripts that a shell can read, raw lines last, modes, the way to promote.
func TestDatabaseFiles(t *testing.T) {
	for shape, text := range databaseShapes {
		for _, v := range databaseVersions {
			files := databaseFiles(t, text, v.flavour, v.version)
			for name, f := range files {
				if lines := bytes.Count(f.Data, []byte("\n")); len(f.Origin) != lines {
					t.Errorf("%s: %s has %d lines and %d origins", shape, name, lines, len(f.Origin))
				}
				if script := strings.HasSuffix(name, ".sh"); script != (f.Mode == 0o755) {
					t.Errorf("%s: %s has mode %o", shape, name, f.Mode)
				} else if script {
					cmd := exec.Command("sh", "-n")
					cmd.Stdin = bytes.NewReader(f.Data)
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("%s for %s %s: %s: %v\n%s", shape, v.flavour, v.version, name, err, out)
					}
				}
			}
			for _, host := range []string{"db1", "db2", "db3"} {
				_, there := files[host+"/etc/mysql/my.cnf"]
				if _, promote := files[host+"/etc/mysql/promote.sh"]; promote != (there && host != "db1") {
					t.Errorf("%s: %s has a promote.sh is %v", shape, host, promote)
				}
			}
		}
	}
	raw := options(databaseFiles(t, databaseShapes["tls"], "mysql", "9.7")["db2/etc/mysql/my.cnf"].Data)
	if last := raw[len(raw)-1]; last != "innodb_io_capacity = 2000" {
		t.Errorf("the last option is %q, want the raw line", last)
	}
}

// A drop-in only where the distribution's unit would break something.
func TestMySQLUnit(t *testing.T) {
	tests := []struct {
		shape, flavour, version string
		want                    []string
	}{
		{"plain", "mysql", "9.7", []string{"[Unit]", "Wants=network-online.target", "After=network-online.target"}},
		{"tls", "mysql", "9.7", []string{"[Unit]", "Wants=network-online.target", "After=network-online.target", "[Service]", "LimitNOFILE=13010"}},
		{"plain", "mariadb", "11.8", nil},
		{"tls", "mariadb", "11.8", []string{"[Service]", "LimitNOFILE=37010"}},
	}
	for _, tt := range tests {
		unit := databaseFiles(t, databaseShapes[tt.shape], tt.flavour, tt.version)["db1/etc/systemd/system/"+tt.flavour+".service.d/stackgen.conf"]
		if got := options(unit.Data); !slices.Equal(got, tt.want) {
			t.Errorf("%s for %s: %q, want %q", tt.shape, tt.flavour, got, tt.want)
		}
	}
}
