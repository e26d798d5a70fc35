package fact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
)

func showApp(a *App) string {
	if a == nil {
		return "nil"
	}
	var b strings.Builder
	b.WriteString(a.Name + ":")
	for _, l := range a.Listen {
		b.WriteString(" listen " + showListener(l) + ";")
	}
	for _, p := range []*Pool{a.Write, a.Read} {
		if p == nil {
			continue
		}
		kind := " read"
		if p.Write {
			kind = " write"
		}
		b.WriteString(kind + " by " + p.Name.Text)
		for _, s := range p.Servers {
			addr := s.Unix
			if addr == "" {
				addr = fmt.Sprintf("%v:%d", s.Addr, s.Port)
			}
			b.WriteString(fmt.Sprintf(" %s@%d", addr, s.Address.Pos.Col))
		}
		if p.Partial {
			b.WriteString(" partial")
		}
		b.WriteString(";")
	}
	return strings.TrimSuffix(b.String(), ";")
}

func appOf(text string) *App { return appAt("/etc/default/shop", text) }

func appAt(path, text string) *App {
	return readApp(&Host{Name: "app1"}, conf.Parse(conf.File{Host: "app1", Path: path, Kind: conf.Env, Data: []byte(text)}, "env"))
}

func TestReadAppPort(t *testing.T) {
	for _, test := range []struct{ path, in, want string }{
		{"/srv/shop/.env", "PORT=3000\nHOST=10.0.0.1\n", "shop: listen 10.0.0.1 3000 v4"},
		{"/srv/shop.env", "PORT=3000\n", "shop: listen any 3000 v4 v6"},
		{"/etc/default/exporter", "PORT=3000\n", "nil"},
		{"/etc/default/shop", "PORT=3000\nDB_HOST=10.0.0.1\n", "shop: listen any 3000 v4 v6; write by DB_HOST 10.0.0.1:3306@9"},
	} {
		if diff := cmp.Diff(test.want, showApp(appAt(test.path, test.in))); diff != "" {
			t.Errorf("%s: %s%s", test.path, test.in, diff)
		}
	}
}

func TestReadApp(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"LISTEN=10.0.0.1:8080\nDB_WRITE=10.0.0.41:3306\nDB_READ=10.0.0.42:3306,10.0.0.41:3307\nDB_TIMEOUT_MS=1\n",
			"shop: listen 10.0.0.1 8080 v4; write by DB_WRITE 10.0.0.41:3306@10; read by DB_READ 10.0.0.42:3306@9 10.0.0.41:3307@24"},
		{"LISTEN=[2001:db8::1]:8080\n", "shop: listen 2001:db8::1 8080 v6"},
		{"LISTEN=:8080\n", "shop: listen any 8080 v4 v6"},
		{"LISTEN=0.0.0.0:8080\n", "shop: listen any 8080 v4"},
		{"LISTEN=[::]:8080\n", "shop: listen any 8080 v4 v6"},
		{"LISTEN=8080\n", "shop: listen any 8080 v4 v6"},
		{"LISTEN=unix:/run/app.sock\n", "shop: listen /run/app.sock"},
		{"LISTEN=${HOST}:8080\n", "shop: listen any 8080 unknown"},
		{"LISTEN=app1:8080\n", "shop: listen any 8080 unknown"},
		{"LISTEN=10.0.0.1:1\nLISTEN=10.0.0.1:2\n", "shop: listen 10.0.0.1 2 v4"},
		{"DATABASE_URL=mysql://user:pw@10.0.0.1:3306/db\n", "shop: write by DATABASE_URL 10.0.0.1:3306@30"},
		{"DATABASE_URL=\"mysql2://user:p/w@10.0.0.1/db?x=1\"\n", "shop: write by DATABASE_URL 10.0.0.1:3306@33"},
		{"DATABASE_URL=mysql+pymysql://u:p%40@[2001:db8::1]:3307/db\nREPLICA_DATABASE_URL=mysql://10.0.0.2/db\n",
			"shop: write by DATABASE_URL 2001:db8::1:3307@37; read by REPLICA_DATABASE_URL 10.0.0.2:3306@30"},
		{"DATABASE_URL=postgres://user:pw@10.0.0.1:5432/db\n", "nil"},
		{"DSN=user:pw@tcp(10.0.0.1:3306)/db?parseTime=true\n", "shop: write by DSN 10.0.0.1:3306@17"},
		{"DSN=user:pw@unix(/run/mysqld.sock)/db\n", "shop: write by DSN /run/mysqld.sock@18"},
		{"SPRING_DATASOURCE_URL=jdbc:mysql://10.0.0.1:3306,10.0.0.2/db\n", "shop: write by SPRING_DATASOURCE_URL 10.0.0.1:3306@36 10.0.0.2:3306@50"},
		{"URL=jdbc:mysql:replication://10.0.0.1,10.0.0.2,10.0.0.3/db\n", "shop: write by URL 10.0.0.1:3306@30; read by URL 10.0.0.2:3306@39 10.0.0.3:3306@48"},
		{"URL=jdbc:mysql://address=(host=10.0.0.1)(port=3306)/db\n", "nil"},
		{"DSN=mysql:host=10.0.0.1;port=3307;dbname=x\n", "shop: write by DSN 10.0.0.1:3307@16"},
		{"DB_HOST=10.0.0.1\nDB_PORT=3307\nDB_PASSWORD=x\n", "shop: write by DB_HOST 10.0.0.1:3307@9"},
		{"DB_HOST=db.example.com\nDB_READ_HOST=10.0.0.2\n", "shop: write by DB_HOST invalid IP:3306@9; read by DB_READ_HOST 10.0.0.2:3306@14"},
		{"WORDPRESS_DB_HOST=10.0.0.1:3308\n", "shop: write by WORDPRESS_DB_HOST 10.0.0.1:3308@19"},
		{"DB_CONNECTION=pgsql\nDB_HOST=10.0.0.1\n", "nil"},
		{"DB_HOST=10.0.0.1\nDB_PORT=5432\n", "nil"},
		{"DB_MASTER_HOST=10.0.0.1\nDB_HOST_REPLICA=10.0.0.2\n", "shop: write by DB_MASTER_HOST 10.0.0.1:3306@16; read by DB_HOST_REPLICA 10.0.0.2:3306@17"},
		{"MYSQL_ROOT_HOST=10.0.0.1\nMYSQL_HOST=%\nPOSTGRES_DB_HOST=10.0.0.1\nDB_HOST_KEY=10.0.0.3\n", "nil"},
		{"DB_HOST=${DB}\n", "shop: write by DB_HOST partial"},
		{"REDIS_HOST=10.0.0.1\nEXTRAOPTS=-x\n# nothing\nOPTIONS\n", "nil"},
		{"export DB_HOST='10.0.0.1'\n", "shop: write by export DB_HOST 10.0.0.1:3306@17"},
	} {
		if diff := cmp.Diff(test.want, showApp(appOf(test.in))); diff != "" {
			t.Errorf("%s%s", test.in, diff)
		}
	}
}

// TestAppSecrets holds that no fact carries a password on.
func TestAppSecrets(t *testing.T) {
	a := appOf("DATABASE_URL=mysql://user:hunter2@10.0.0.1:3306/db\nDB_PASSWORD=hunter2\nAPI_KEY=hunter2\nJDBC=jdbc:mysql://h/db?user=x&password=hunter2\nDSN=user:hunter2@tcp(h)/d\nNAME=shop\n")
	for name, v := range a.Env {
		if s := fmt.Sprintf("%+v", v); strings.Contains(s, "hunter2") {
			t.Errorf("%s: %s", name, s)
		}
	}
	for _, s := range a.Write.Servers {
		if text := fmt.Sprintf("%+v %+v", s.Address, s.Name); strings.Contains(text, "hunter2") {
			t.Error(text)
		}
	}
	if a.Env["NAME"].V != "shop" {
		t.Errorf("NAME is %v", a.Env["NAME"])
	}
}

func FuzzReadApp(f *testing.F) {
	f.Add("LISTEN=:\nDB_WRITE=,\nDB_READ=[\n")
	f.Add("A=jdbc:mysql:replication://,/\nDB_HOST=:\nDSN=@tcp(\nPORT=\n")
	f.Fuzz(func(t *testing.T, text string) { showApp(appOf(text)) })
}
