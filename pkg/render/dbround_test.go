package render_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// One generation's database servers, from the rendered files at their real paths.
type dbRound struct {
	suite    string
	targets  map[string]string
	topology string // the db section and what it needs
	hosts    []string
}

var dbRounds = []dbRound{
	{"bookworm", map[string]string{"mariadb": "10.11"}, `
db: {primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42, db3: 10.0.10.43}}
`, []string{"db1", "db2", "db3"}},
	{"trixie", map[string]string{"mariadb": "11.8"}, `
db: {vip: db, primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42}}
`, []string{"db1", "db2"}},
	{"sid", map[string]string{"mysql": "9.7"}, `
db: {vip: db, primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42}}
`, []string{"db1", "db2"}},
}

const dbRoundStack = `
stackgen: 1
name: round
domain: round.example
vips: {www: 10.0.10.10/24, db: 10.0.10.8/24}
lb:  {interface: eth0, nodes: {lb1: 10.0.10.11, lb2: 10.0.10.12}}
web: {web1: 10.0.10.21, web2: 10.0.10.22}
app: {app1: 10.0.10.31, app2: 10.0.10.32}
`

// A password with everything that the scripts let through and a shell, SQL or my.cnf could trip over.
const dbRoundPassword = "p#w $(id) %s `id` ;!&"

func TestDatabaseRound(t *testing.T) {
	if os.Getenv("STACKGEN_NO_NATIVE") != "" {
		t.Skip("STACKGEN_NO_NATIVE is set")
	}
	for _, r := range dbRounds {
		t.Run(r.suite, func(t *testing.T) {
			t.Parallel()
			r.run(t)
		})
	}
}

func (r dbRound) run(t *testing.T) {
	if os.Getuid() != 0 {
		missing(t, "the database round needs root: it runs servers in namespaces")
	}
	net := newNetwork(t)
	maria := r.targets["mariadb"] != ""
	root := databaseRoot(t, r.suite, maria)
	files := r.render(t)
	hosts := map[string]*dbHost{}
	for i, name := range r.hosts {
		h := newDBHost(t, net, root, name, fmt.Sprintf("10.0.10.%d", 41+i), files)
		h.maria = maria
		hosts[name] = h
	}
	app := net.add(t, "10.0.10.31")
	balancer := net.add(t, "10.0.10.11")
	db1, db2 := hosts["db1"], hosts["db2"]
	db1.install(t, nil)
	for _, name := range r.hosts[1:] {
		hosts[name].install(t, db1)
	}
	for _, name := range r.hosts {
		hosts[name].start(t)
	}

	// The replica cannot follow yet, and says what comes first.
	db2.refuses(t, "/etc/mysql/bootstrap.sh", "Run bootstrap.sh on db1 first")
	db1.does(t, "/etc/mysql/bootstrap.sh", "account repl at 10.0.10.42: made")
	db1.does(t, "/etc/mysql/bootstrap.sh", "nothing to change")
	for _, name := range r.hosts[1:] {
		hosts[name].does(t, "/etc/mysql/bootstrap.sh", "replicates from db1 (10.0.10.41)")
		hosts[name].does(t, "/etc/mysql/bootstrap.sh", "nothing to change")
	}

	db1.sql(t, "CREATE DATABASE app; CREATE TABLE app.t (v VARCHAR(20) PRIMARY KEY); INSERT INTO app.t VALUES ('one');"+
		"CREATE USER app@'10.0.10.31' IDENTIFIED BY 'app-pw'; GRANT ALL ON app.* TO app@'10.0.10.31'")
	db2.eventually(t, "SELECT GROUP_CONCAT(v) FROM app.t", "one")
	if out, err := db1.client(app, "10.0.10.42", "app", "app-pw", "INSERT INTO app.t VALUES ('lost')"); err == nil || !strings.Contains(out, "1290") {
		t.Errorf("the replica takes a write of an ordinary account: %v\n%s", err, out)
	}
	if out, err := db1.client(app, "10.0.10.42", "app", "app-pw", "SELECT v FROM app.t"); err != nil || !strings.Contains(out, "one") {
		t.Errorf("the replica does not let an ordinary account read: %v\n%s", err, out)
	}
	clients := "Rpl_semi_sync_source_clients"
	if maria {
		clients = "Rpl_semi_sync_master_clients"
	}
	db1.eventually(t, "SHOW STATUS LIKE '"+clients+"'", fmt.Sprintf("%s\t%d", clients, len(r.hosts)-1))
	if strings.Contains(r.topology, "vip:") {
		if out, err := db1.client(balancer, "10.0.10.41", "stackgen_check", "", "SELECT @@global.read_only"); err != nil || !strings.Contains(out, "0") {
			t.Errorf("the balancers' check cannot log in: %v\n%s", err, out)
		}
	}

	if !maria { // promote.sh joins what was applied and what came in, of which either may be empty
		id := "3e11fa47-71ca-11e1-9e33-c80aa9429562"
		db1.eventually(t, "SELECT GTID_SUBTRACT('"+id+":1-5,', ',"+id+":1-3')", id+":4-5")
	}

	// Promotion: not while the primary answers, not with a wrong password either.
	db2.refuses(t, "/etc/mysql/promote.sh --yes", "db1 still answers at 10.0.10.41: it takes writes")
	db2.sh(t, "echo other >/root/.secrets/repl")
	db2.refuses(t, "/etc/mysql/promote.sh --yes", "db1 still answers at 10.0.10.41: ERROR 1045")
	db2.secret(t)
	db2.sh(t, "chmod 644 /root/.secrets/repl")
	db2.refuses(t, "/etc/mysql/bootstrap.sh", "every user can read")
	db2.secret(t)

	if len(r.hosts) > 2 {
		r.promoteWithThree(t, hosts)
		return
	}
	db1.kill(t)
	db2.refuses(t, "/etc/mysql/promote.sh </dev/null", "not confirmed; nothing was changed")
	db2.does(t, "/etc/mysql/promote.sh --yes", "is the primary now")
	db2.does(t, "/etc/mysql/promote.sh --yes", "this is the primary already")
	started := time.Now()
	if out, err := db1.client(app, "10.0.10.42", "app", "app-pw", "INSERT INTO app.t VALUES ('two')"); err != nil {
		t.Errorf("the new primary takes no write: %v\n%s", err, out)
	}
	if d := time.Since(started); d > 5*time.Second {
		t.Errorf("the first write on the new primary took %v: semi-sync waits for a replica that is not there", d)
	}

	// The old primary comes back as it was: read-only, and it stays so. Its new bootstrap makes it a replica.
	db1.start(t)
	db1.refuses(t, "/etc/mysql/bootstrap.sh", "db2 takes writes")
	db1.copy(t, r.swapped(t))
	db1.restart(t)
	db1.does(t, "/etc/mysql/bootstrap.sh", "replicates from db2 (10.0.10.42)")
	db1.eventually(t, "SELECT GROUP_CONCAT(v ORDER BY v) FROM app.t", "one,two")

	// A replica whose data cannot be made whole says how to copy the data, and the steps do it.
	// What it wrote itself before it was installed anew is in db2's binary logs, but a server skips what carries its own id.
	db1.kill(t)
	db1.install(t, nil)
	db1.start(t)
	db1.refuses(t, "/etc/mysql/bootstrap.sh", "replication would skip them")
	db2.sql(t, "FLUSH BINARY LOGS; INSERT INTO app.t VALUES ('three'); PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
	out := db1.refuses(t, "/etc/mysql/bootstrap.sh", "To give db1 the data of db2")
	if !maria && !strings.Contains(out, "db2 has deleted binary logs that this server needs") {
		t.Errorf("the purged source is not named:\n%s", out)
	}
	if !db1.cloneFrom(t, db2, out) {
		return
	}
	db1.does(t, "/etc/mysql/bootstrap.sh", "replicates from db2")
	db1.eventually(t, "SELECT GROUP_CONCAT(v ORDER BY v) FROM app.t", "one,three,two")
	db2.sql(t, "INSERT INTO app.t VALUES ('four')")
	db1.eventually(t, "SELECT COUNT(*) FROM app.t", "4")
}

// promoteWithThree: the replica that has received less is not promoted, and the other one then follows the new primary.
func (r dbRound) promoteWithThree(t *testing.T, hosts map[string]*dbHost) {
	db1, db2, db3 := hosts["db1"], hosts["db2"], hosts["db3"]
	db2.sql(t, "STOP REPLICA IO_THREAD")
	db1.sql(t, "INSERT INTO app.t VALUES ('two')")
	db3.eventually(t, "SELECT COUNT(*) FROM app.t", "2")
	db1.kill(t)
	db2.refuses(t, "/etc/mysql/promote.sh --yes", "db3 has received more than db2")
	db3.net.link(t, db3.spot, "down")
	db2.refuses(t, "/etc/mysql/promote.sh --yes", "cannot ask db3 what it has received")
	db3.net.link(t, db3.spot, "up")
	db3.does(t, "/etc/mysql/promote.sh --yes", "is the primary now")
	db2.refuses(t, "/etc/mysql/promote.sh --yes", "db3 takes writes already")
	db2.copy(t, r.swapped(t))
	db2.does(t, "/etc/mysql/bootstrap.sh", "replicates from db3 (10.0.10.43); before from 10.0.10.41")
	db3.sql(t, "INSERT INTO app.t VALUES ('three')")
	db2.eventually(t, "SELECT COUNT(*) FROM app.t", "3")

	// The old primary comes back with a write that nobody else has: it must not join silently.
	db1.copy(t, r.swapped(t))
	db1.start(t)
	db1.sql(t, "SET sql_log_bin = 1; INSERT INTO app.t VALUES ('errant'), ('errant too'); INSERT INTO app.t VALUES ('more'); INSERT INTO app.t VALUES ('and more')")
	out := db1.refuses(t, "/etc/mysql/bootstrap.sh", "has transactions that db3 lacks")
	if !db1.cloneFrom(t, db3, out) {
		return
	}
	db1.does(t, "/etc/mysql/bootstrap.sh", "replicates from db3")
	db1.eventually(t, "SELECT GROUP_CONCAT(v ORDER BY v) FROM app.t", "one,three,two")
	db3.sql(t, "INSERT INTO app.t VALUES ('four')")
	db1.eventually(t, "SELECT COUNT(*) FROM app.t", "4")
}

func (r dbRound) load(t *testing.T, topology string) []render.File {
	t.Helper()
	top, problems := model.Load(model.Source{Name: "round.yaml", Data: []byte(dbRoundStack + topology)}, nil, r.targets)
	if top == nil {
		t.Fatal(problems)
	}
	return render.Render(top)
}

func (r dbRound) render(t *testing.T) []render.File { return r.load(t, r.topology) }

// swapped are the files after the last replica became the primary.
func (r dbRound) swapped(t *testing.T) []render.File {
	last := len(r.hosts) - 1
	primary := fmt.Sprintf("%s: 10.0.10.%d", r.hosts[last], 41+last)
	swap := strings.NewReplacer("db1: 10.0.10.41", primary, primary, "db1: 10.0.10.41")
	return r.load(t, swap.Replace(r.topology))
}

// network is a switch in a namespace of its own, and the namespaces connected to it.
type network struct {
	hub   int // process that holds the switch
	spots int
}

// spot is one place in the network: the process that holds its mount, network and process namespaces.
type spot struct {
	pid  int
	port string
}

func newNetwork(t *testing.T) *network {
	n := &network{hub: holder(t, syscall.CLONE_NEWNET)}
	run(t, "nsenter", "-t", fmt.Sprint(n.hub), "-n", "sh", "-ec", "ip link add br0 type bridge; ip link set br0 up")
	return n
}

func (n *network) add(t *testing.T, address string) spot {
	n.spots++
	s := spot{holder(t, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS|syscall.CLONE_NEWPID), fmt.Sprintf("port%d", n.spots)}
	run(t, "ip", "link", "add", "eth0", "netns", fmt.Sprint(s.pid), "type", "veth", "peer", "name", s.port, "netns", fmt.Sprint(n.hub))
	run(t, "nsenter", "-t", fmt.Sprint(n.hub), "-n", "sh", "-ec", "ip link set "+s.port+" master br0 up")
	run(t, "nsenter", "-t", fmt.Sprint(s.pid), "-n", "sh", "-ec", "ip link set lo up; ip link set eth0 up; ip addr add "+address+"/24 dev eth0")
	return s
}

func (n *network) link(t *testing.T, s spot, state string) {
	run(t, "nsenter", "-t", fmt.Sprint(n.hub), "-n", "ip", "link", "set", s.port, state)
}

// holder starts a process in new namespaces; they vanish with it, at the latest when the test's process ends.
func holder(t *testing.T, flags uintptr) int {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		missing(t, "no namespaces here: "+err.Error())
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process.Pid
}

// dbHost is a database server's machine: a writable view of a root folder.
type dbHost struct {
	net    *network
	spot   spot
	name   string
	dir    string // its root, in its mount namespace
	maria  bool
	server *exec.Cmd
	log    string // file with what the server prints
}

func newDBHost(t *testing.T, n *network, root, name, address string, files []render.File) *dbHost {
	h := &dbHost{net: n, spot: n.add(t, address), name: name, dir: filepath.Join(t.TempDir(), "m", "root")}
	if err := os.MkdirAll(filepath.Dir(h.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	// What a server writes lies in memory: the tests ask for no disk's speed.
	h.enter(t, fmt.Sprintf(`mount --make-rprivate /
m=%s
mount -t tmpfs tmpfs "$m"
mkdir "$m/root" "$m/up" "$m/work"
mount -t overlay overlay -o "lowerdir=%s,upperdir=$m/up,workdir=$m/work" "$m/root"
cd "$m/root"
mount -t proc proc proc
mount --rbind /dev dev
for d in run tmp var/lib/mysql var/log/mysql; do mkdir -p $d; mount -t tmpfs tmpfs $d; done
chmod 1777 tmp
chmod 755 run var/lib/mysql var/log/mysql
mkdir -p run/mysqld root
rm -f root/.my.cnf
rm -rf var/run
ln -s /run var/run
chroot . chown mysql:mysql /run/mysqld /var/lib/mysql /var/log/mysql`, filepath.Dir(h.dir), root))
	h.copy(t, files)
	h.secret(t)
	return h
}

// enter runs a script in the host's namespaces, outside its root.
func (h *dbHost) enter(t *testing.T, script string) {
	t.Helper()
	run(t, "nsenter", "-t", fmt.Sprint(h.spot.pid), "-m", "-n", "-p", "sh", "-ec", script)
}

// command is a shell command on the host.
func (h *dbHost) command(script string) *exec.Cmd {
	cmd := exec.Command("nsenter", "-t", fmt.Sprint(h.spot.pid), "-m", "-n", "-p", "timeout", "90",
		"chroot", h.dir, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "sh", "-ec", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (h *dbHost) sh(t *testing.T, script string) string {
	t.Helper()
	out, err := h.command(script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s: %v\n%s", h.name, script, err, out)
	}
	return string(out)
}

// does runs a script that must succeed and say so; it must never show the password.
func (h *dbHost) does(t *testing.T, script, says string) string {
	t.Helper()
	out, err := h.command(script).CombinedOutput()
	if err != nil || !strings.Contains(string(out), says) {
		t.Fatalf("%s: %s: %v, want success and %q:\n%s\n%s", h.name, script, err, says, out, h.errors())
	}
	h.hides(t, script, out)
	return string(out)
}

func (h *dbHost) refuses(t *testing.T, script, says string) string {
	t.Helper()
	out, err := h.command(script).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), says) {
		t.Fatalf("%s: %s: %v, want exit status 1 and %q:\n%s", h.name, script, err, says, out)
	}
	h.hides(t, script, out)
	return string(out)
}

func (h *dbHost) hides(t *testing.T, script string, out []byte) {
	t.Helper()
	if bytes.Contains(out, []byte(dbRoundPassword)) {
		t.Errorf("%s: %s shows the password:\n%s", h.name, script, out)
	}
}

// copy brings files to the host as DEPLOY.md says.
func (h *dbHost) copy(t *testing.T, files []render.File) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		if f.Host != h.name {
			continue
		}
		name := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, fs.FileMode(f.Mode)); err != nil {
			t.Fatal(err)
		}
	}
	h.enter(t, "tar --owner=0 --group=0 -C "+dir+" -cf - . | tar -x --no-overwrite-dir -C "+h.dir)
}

func (h *dbHost) secret(t *testing.T) {
	t.Helper()
	h.sh(t, "umask 077; mkdir -p /root/.secrets; cat >/root/.secrets/repl <<'END'\n"+dbRoundPassword+"\nEND\nchmod 600 /root/.secrets/repl")
}

// install makes an empty server, as the distribution's package does, or copies a new one's files.
func (h *dbHost) install(t *testing.T, from *dbHost) {
	t.Helper()
	h.sh(t, "find /var/lib/mysql -mindepth 1 -delete 2>/dev/null || rm -rf /var/lib/mysql/*")
	switch {
	case from != nil:
		pipe := exec.Command("sh", "-ec", fmt.Sprintf("nsenter -t %d -m tar -C %s/var/lib/mysql --exclude=./auto.cnf -cf - . | nsenter -t %d -m tar -C %s/var/lib/mysql -xf -",
			from.spot.pid, from.dir, h.spot.pid, h.dir))
		if out, err := pipe.CombinedOutput(); err != nil {
			t.Fatalf("copying the empty server: %v\n%s", err, out)
		}
	case h.maria:
		h.sh(t, "mariadb-install-db --no-defaults --user=mysql --datadir=/var/lib/mysql --skip-test-db 2>&1")
	default:
		h.sh(t, "mysqld --initialize-insecure 2>&1 || { cat /var/log/mysql/error.log; exit 1; }; rm /var/log/mysql/error.log")
	}
}

func (h *dbHost) start(t *testing.T) {
	t.Helper()
	h.log = filepath.Join(t.TempDir(), "server.log")
	log, err := os.Create(h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h.server = h.command("exec mysqld")
	// Not bounded by the commands' time, but by the namespace's.
	h.server.Args = append(h.server.Args[:6], h.server.Args[8:]...)
	h.server.Stdout, h.server.Stderr = log, log
	if err := h.server.Start(); err != nil {
		t.Fatal(err)
	}
	server := h.server
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	h.eventually(t, "SELECT 'up'", "up")
	if w := warnings(h.errors()); w != "" {
		t.Errorf("%s: the server complains:\n%s", h.name, w)
	}
}

// kill ends the server as a crash would.
func (h *dbHost) kill(t *testing.T) {
	t.Helper()
	h.sh(t, `kill -9 "$(cat /run/mysqld/mysqld.pid)"`)
	h.server.Wait()
}

func (h *dbHost) restart(t *testing.T) {
	t.Helper()
	h.sh(t, `kill "$(cat /run/mysqld/mysqld.pid)"`)
	h.server.Wait()
	h.start(t)
}

func (h *dbHost) binary() string {
	if h.maria {
		return "mariadb"
	}
	return "mysql"
}

func (h *dbHost) sql(t *testing.T, statements string) {
	t.Helper()
	h.sh(t, h.binary()+" -e \""+statements+"\"")
}

func (h *dbHost) eventually(t *testing.T, query, want string) {
	t.Helper()
	var out []byte
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		var err error
		out, err = h.command(h.binary() + " -N -B -e \"" + query + "\"").CombinedOutput()
		if err == nil && strings.TrimSpace(string(out)) == want {
			return
		}
	}
	t.Fatalf("%s: %s: got %q, want %q\n%s", h.name, query, out, want, h.errors())
}

// client asks a server from another place of the network, with this host's client.
func (h *dbHost) client(from spot, address, user, password, query string) (string, error) {
	flags := "--get-server-public-key"
	if h.maria {
		flags = "--skip-ssl"
	}
	// The client's root is this host's, its network is that of the place.
	cmd := exec.Command("nsenter", "-t", fmt.Sprint(h.spot.pid), "-m", "nsenter", "--net=/proc/"+fmt.Sprint(from.pid)+"/ns/net", "timeout", "30",
		"chroot", h.dir, h.binary(), "--no-defaults", "-h", address, "-u", user, "--password="+password, flags, "-N", "-B", "-e", query)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// cloneFrom does the steps that the bootstrap printed, word by word; only the copying is another. Not every root folder
// has the program that dumps: false then.
func (h *dbHost) cloneFrom(t *testing.T, source *dbHost, printed string) bool {
	t.Helper()
	tool := "mysqldump"
	if h.maria {
		tool = "mariadb-dump"
	}
	if h.command("command -v "+tool).Run() != nil {
		t.Logf("NOT RUN: the steps that copy the data, for want of %s", tool)
		return false
	}
	var dump, apply []string
	for line := range strings.SplitSeq(printed, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "1. "), strings.HasPrefix(line, "3. "):
			_, command, _ := strings.Cut(line, "as root:")
			if line[0] == '1' {
				dump = append(dump, command)
			} else {
				apply = append(apply, command)
			}
		case len(apply) == 1 && strings.Contains(line, "/root/all.sql"):
			apply = append(apply, line)
		}
	}
	if len(dump) != 1 || len(apply) != 2 {
		t.Fatalf("no steps in what the bootstrap printed:\n%s", printed)
	}
	source.sh(t, dump[0])
	run(t, "sh", "-ec", fmt.Sprintf("nsenter -t %d -m cat %s/root/all.sql | nsenter -t %d -m sh -c 'cat >%s/root/all.sql'", source.spot.pid, source.dir, h.spot.pid, h.dir))
	for _, a := range apply {
		h.sh(t, a)
	}
	return true
}

// errors is what the server has said.
func (h *dbHost) errors() string {
	out, _ := h.command("cat /var/log/mysql/error.log 2>/dev/null").Output()
	printed, _ := os.ReadFile(h.log)
	return string(printed) + string(out)
}

// warnings are the lines with which a server complains about its configuration.
func warnings(log string) string {
	var found []string
	for line := range strings.SplitSeq(log, "\n") {
		lower := strings.ToLower(line)
		if !strings.Contains(lower, "[warning]") && !strings.Contains(lower, "[error]") {
			continue
		}
		switch {
		case strings.Contains(line, "max_open_files"), strings.Contains(line, "open_files_limit"): // of this machine, not of the unit
		case strings.Contains(line, "'proxies_priv' entry"), // of the distribution's empty server
			strings.Contains(line, "MY-010068"), // the certificate that the server made itself is self signed
			strings.Contains(line, "MY-010075"): // a copied server makes its own UUID
		default:
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// missing ends a test whose daemon is not there: loudly, and as a failure where all daemons are required.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("STACKGEN_REQUIRE_NATIVE") != "" {
		t.Fatalf("%s (STACKGEN_REQUIRE_NATIVE is set)", what)
	}
	t.Skip("NOT RUN: " + what)
}

// databaseRoot returns the root folder of a generation: the machine's own, or that of scripts/daemons.
func databaseRoot(t *testing.T, suite string, maria bool) string {
	t.Helper()
	root := "/"
	release, _ := os.ReadFile("/etc/os-release")
	if !strings.Contains(string(release), "VERSION_CODENAME="+suite+"\n") {
		cache := os.Getenv("STACKGEN_CACHE")
		if cache == "" {
			dir, err := os.UserCacheDir()
			if err != nil {
				missing(t, "no cache folder: "+err.Error())
			}
			cache = filepath.Join(dir, "stackgen")
		}
		root = filepath.Join(cache, "roots", suite)
		if _, err := os.Stat(filepath.Join(root, "stackgen-versions")); err != nil {
			t.Skipf("NOT RUN: no root folder of %s: scripts/daemons makes it where the archive can supply it", suite)
		}
	}
	out, err := exec.Command("chroot", root, "/usr/sbin/mysqld", "--version").CombinedOutput()
	if err != nil || strings.Contains(string(out), "MariaDB") != maria { // both have a mysqld
		missing(t, fmt.Sprintf("%s has not the database server of this round: %v %s", suite, err, out))
	}
	return root
}
