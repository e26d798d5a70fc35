package lint

import (
	"os"
	"strings"
	"testing"

	"stackgen/pkg/fact"
)

// TestMySQLOptions holds the table to the facts: what each version said of each name.
func TestMySQLOptions(t *testing.T) {
	data, err := os.ReadFile("testdata/mysql-variables.tsv")
	if err != nil {
		t.Fatal(err)
	}
	letters := map[string]byte{"ok": 'o', "UNKNOWN": 'u', "ignored": 'i', "deprecated": 'd'}
	n := 0
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if fields[0] == "name" {
			continue
		}
		n++
		row := mysqlOptions()[strings.ToLower(fields[0])]
		if len(row) != len(mysqlVersions) {
			t.Fatalf("%s: row %q", fields[0], row)
		}
		for i, said := range fields[1:] {
			want, asked := letters[said]
			if asked && row[i] != want {
				t.Errorf("%s: %s %v is %q in the table, and %q in the facts", fields[0], mysqlVersions[i].flavour, mysqlVersions[i].Version, row[i], said)
			}
			if !asked && row[i] != 'u' && row[i] != '?' { // not in the manual's list of that version
				t.Errorf("%s: nothing tells that version %v takes it", fields[0], mysqlVersions[i].Version)
			}
		}
	}
	if got := len(mysqlOptions()); got != n {
		t.Errorf("%d names in the table, %d in the facts", got, n)
	}
}

func TestColumns(t *testing.T) {
	for _, tt := range []struct {
		flavour string
		version fact.Version
		want    string
	}{
		{"", fact.Version{}, "01234"},
		{mysql, fact.Version{}, "012"},
		{mysql, fact.Version{Major: 5, Minor: 7}, ""},
		{mysql, fact.Version{Major: 8}, "0"},
		{mysql, fact.Version{Major: 8, Minor: 4}, "1"},
		{mysql, fact.Version{Major: 9, Minor: 2}, "12"},
		{mysql, fact.Version{Major: 10}, ""},
		{mariadb, fact.Version{Major: 10, Minor: 5}, ""},
		{mariadb, fact.Version{Major: 11, Minor: 4}, "34"},
	} {
		d := &fact.Database{Version: tt.version, Flavour: fact.Value[string]{V: tt.flavour}}
		if tt.flavour == "" {
			d.Flavour.State = fact.Unknown
		}
		var got strings.Builder
		for _, i := range columns(d) {
			got.WriteByte(byte('0' + i))
		}
		if got.String() != tt.want {
			t.Errorf("%s %v: columns %q, want %q", tt.flavour, tt.version, got.String(), tt.want)
		}
	}
}
