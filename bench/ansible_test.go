package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// BenchmarkAnsible has Ansible write the files of one ten-host stack, and stackgen the same in the same run, both as processes
// and into new folders. x-stackgen is how many times longer Ansible takes. It fails unless bytes and modes are the same.
func BenchmarkAnsible(b *testing.B) {
	playbook, err := exec.LookPath("ansible-playbook")
	if err != nil {
		b.Skip("ANSIBLE IS NOT MEASURED: no ansible-playbook here; scripts/daemons --ansible installs it")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		b.Skip("ANSIBLE IS NOT MEASURED: no python3 here")
	}
	play, err := filepath.Abs("ansible/play.yml")
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("ANSIBLE_CONFIG", filepath.Join(filepath.Dir(play), "ansible.cfg"))
	dir := b.TempDir()
	b.Setenv("ANSIBLE_LOCAL_TEMP", filepath.Join(dir, "local"))
	b.Setenv("ANSIBLE_REMOTE_TEMP", filepath.Join(dir, "remote"))

	src := fleet(1)[0]
	t := load(b, src)
	list := files(t)
	inventory := writeInventory(b, dir, t, list)
	topology := filepath.Join(dir, src.Name)
	if err := os.WriteFile(topology, src.Data, 0o644); err != nil {
		b.Fatal(err)
	}
	stackgen := program(b)
	theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
	ansible := func() time.Duration {
		return timed(b, playbook, "-i", inventory, "-c", "local", "-e", "ansible_python_interpreter="+python, "-e", "output="+theirs, play)
	}
	render := func() time.Duration { return timed(b, stackgen, "render", "-q", "-o", ours, topology) }

	var own time.Duration
	for b.Loop() {
		b.StopTimer()
		wipe(b, 1, ours, theirs)
		own += render()
		b.StartTimer()
		ansible()
		b.StopTimer()
		same(b, list, ours, theirs)
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()/own.Seconds(), "x-stackgen")
	b.ReportMetric(own.Seconds()*1000/float64(b.N), "stackgen-ms")
	reportTree(b, [][]conf.File{list})
}

// same fails unless each folder holds the files as they were rendered.
func same(b *testing.B, list []conf.File, dirs ...string) {
	for _, f := range list {
		for _, dir := range dirs {
			name := filepath.Join(dir, f.Name())
			data, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(name)
			if err != nil {
				b.Fatal(err)
			}
			if !bytes.Equal(data, f.Data) || uint32(info.Mode().Perm()) != f.Mode {
				b.Fatalf("%s is not what stackgen renders: there is nothing to compare", name)
			}
		}
	}
}

// writeInventory writes a stack's templates below dir, and the inventory that names them, and returns the inventory.
func writeInventory(b *testing.B, dir string, t *model.Topology, list []conf.File) string {
	m := newTemplater(t)
	type item struct {
		Src  string `json:"src"`
		Path string `json:"path"`
		Mode string `json:"mode"`
	}
	type host struct {
		Address string   `json:"address,omitempty"`
		Folder  string   `json:"folder"`
		Folders []string `json:"folders"`
		Files   []item   `json:"files"`
	}
	type group struct {
		Hosts map[string]*host `json:"hosts"`
		Vars  map[string]any   `json:"vars,omitempty"`
	}
	const stack = "stack" // the host of the files that belong to none
	hosts := map[string]*host{"": {}}
	groups := map[string]group{stack: {Hosts: map[string]*host{stack: hosts[""]}}}
	for _, h := range t.Hosts() {
		hosts[h.Name] = &host{Address: h.Address.String(), Folder: h.Name}
		if _, ok := groups[h.Tier]; !ok {
			groups[h.Tier] = group{Hosts: map[string]*host{}}
		}
		groups[h.Tier].Hosts[h.Name] = hosts[h.Name]
	}
	sources := map[string]string{} // template → file: hosts whose templates are equal share one
	for _, f := range list {
		text := m.template(f)
		name, ok := sources[text]
		if !ok {
			name = filepath.Join(dir, "templates", fmt.Sprintf("%d.j2", len(sources)))
			sources[text] = name
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				b.Fatal(err)
			}
		}
		h := hosts[f.Host]
		p := f.Path
		if f.Host == "" {
			p = "/" + p
		}
		h.Files = append(h.Files, item{name, p, fmt.Sprintf("%04o", f.Mode)})
		if folder := path.Dir(p); !slices.Contains(h.Folders, folder) {
			h.Folders = append(h.Folders, folder)
		}
	}
	all := map[string]any{"all": map[string]any{"children": groups, "vars": m.variables()}}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	inventory := filepath.Join(dir, "inventory.json")
	if err := os.WriteFile(inventory, data, 0o644); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d files from %d templates", len(list), len(sources))
	return inventory
}
