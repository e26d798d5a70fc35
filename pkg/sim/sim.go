// Package sim says what a stack still serves while some of its parts are down. It follows a request from the virtual
// address to the application, and an application's query to the database, through the facts that the files give. What is
// not known is taken to be up, and listed. There is no time in it: what is down stays down.
package sim

import (
	"slices"

	"stackgen/pkg/fact"
)

// Kind is what sort of part a component is.
type Kind int

// The kinds of components.
const (
	Host Kind = iota
	Process
	Machine // what hosts run on
	Zone
	Outside // an address that no host of the stack has
)

// Component is a part that can be down.
type Component struct {
	Kind Kind
	Name string     // of the host, machine or zone; of a process: its daemon's
	Host *fact.Host // of a host or process
}

// String is the component as users write it: lb1, haproxy@lb1, machine:hv1, zone:az1.
func (c Component) String() string {
	switch c.Kind {
	case Process:
		return c.Name + "@" + c.Host.Name
	case Machine:
		return "machine:" + c.Name
	case Zone:
		return "zone:" + c.Name
	}
	return c.Name
}

// ID is a component's place in Model.Components.
type ID int32

// Set are the components that are down.
type Set []ID

// Service is something that a stack does for others: SITE/static, SITE/dynamic, db/read, db/write.
type Service struct {
	Name string
	Site string // empty for a database
	Kind Want
	node node
}

// Want is what is asked for.
type Want int

// What can be asked for: files of the web servers, answers of the applications, a database that reads or that writes.
const (
	Static Want = iota
	Dynamic
	Read
	Write
)

func (w Want) String() string { return [...]string{"static", "dynamic", "read", "write"}[w] }

// Model is a stack made ready for questions. It does not change: any number of goroutines may ask it.
type Model struct {
	Components []Component
	Services   []Service // sites by name, then databases
	Unknown    []Unknown // what is taken to be up, since no file tells

	graph graph
	ids   map[string]ID  // by the component's text
	at    map[node][]int // the services that a node carries
}

// Unknown is a thing that was taken to be well.
type Unknown struct {
	Host *fact.Host // whose file leaves it open
	At   string     // the thing: an address, a backend, a script
	Why  string
}

// Result is what is served.
type Result struct {
	Lost    []Service // in the order of Model.Services
	Unknown []Unknown
}

// Serves reports whether a service is still there.
func (r Result) Serves(name string) bool {
	return !slices.ContainsFunc(r.Lost, func(s Service) bool { return s.Name == name })
}

// Names are the names of the lost services.
func (r Result) Names() []string {
	var names []string
	for _, s := range r.Lost {
		names = append(names, s.Name)
	}
	return names
}

// Served is what a stack serves while these components are down. For more than one question, New is asked once.
func Served(stack *fact.Stack, down ...string) Result {
	m := New(stack)
	var set Set
	for _, name := range down {
		if id, ok := m.Find(name); ok {
			set = append(set, id)
		}
	}
	return m.Served(set)
}

// Served is what is served while these components are down; what was never served is lost too. The cost grows with
// what depends on them, not with the stack.
func (m *Model) Served(down Set) Result {
	failed := m.graph.failed(down)
	r := Result{Unknown: m.Unknown}
	lost := slices.Clone(m.at[never])
	for n := range failed {
		lost = append(lost, m.at[n]...)
	}
	slices.Sort(lost)
	for _, i := range lost {
		r.Lost = append(r.Lost, m.Services[i])
	}
	return r
}

// Find is the component with this text: lb1, haproxy@lb1, machine:hv1, zone:az1, or an address outside of the stack.
func (m *Model) Find(name string) (ID, bool) {
	id, ok := m.ids[name]
	return id, ok
}
