package sim

import (
	"testing"

	"pgregory.net/rapid"
)

// conditions is a random graph, and the same as functions that ask one another.
type conditions struct {
	graph
	nodes []node
	holds []func(down map[ID]bool) bool
}

func drawConditions(t *rapid.T, leaves int) *conditions {
	c := &conditions{graph: newGraph()}
	for i := range leaves {
		c.nodes = append(c.nodes, c.leaf(ID(i)))
		c.holds = append(c.holds, func(down map[ID]bool) bool { return !down[ID(i)] })
	}
	c.nodes = append(c.nodes, always, never)
	c.holds = append(c.holds, func(map[ID]bool) bool { return true }, func(map[ID]bool) bool { return false })
	for range rapid.IntRange(1, 12).Draw(t, "joints") {
		of := rapid.SliceOfN(rapid.IntRange(0, len(c.nodes)-1), 0, 4).Draw(t, "of")
		kids := make([]node, len(of))
		for i, k := range of {
			kids[i] = c.nodes[k]
		}
		every := rapid.Bool().Draw(t, "every")
		holds := c.holds
		if every {
			c.nodes = append(c.nodes, c.all(kids...))
		} else {
			c.nodes = append(c.nodes, c.any(kids...))
		}
		c.holds = append(c.holds, func(down map[ID]bool) bool {
			for _, k := range of {
				if holds[k](down) != every {
					return !every
				}
			}
			return every
		})
	}
	return c
}

// TestGraph holds the graph against conditions that are asked one by one, for every set of components.
func TestGraph(t *testing.T) {
	const leaves = 5
	rapid.Check(t, func(t *rapid.T) {
		c := drawConditions(t, leaves)
		var given []node // while 0 and 1 are up
		for _, n := range c.nodes {
			given = append(given, c.given(n, map[node]bool{c.leaf(0): true, c.leaf(1): true}, map[node]node{}))
		}
		held := make([][]bool, 1<<leaves) // by set, then by condition
		for bits := range held {
			var down Set
			set := map[ID]bool{}
			for i := range leaves {
				if bits&(1<<i) != 0 {
					down = append(down, ID(i))
					set[ID(i)] = true
				}
			}
			failed := c.failed(down)
			for i, n := range c.nodes {
				got := n != never && !failed[n]
				if want := c.holds[i](set); got != want {
					t.Fatalf("with %v down condition %d holds: %v, want %v", down, i, got, want)
				}
				held[bits] = append(held[bits], got)
				if got := given[i] != never && !failed[given[i]]; got != held[bits&^3][i] {
					t.Fatalf("with %v down condition %d holds though 0 and 1 are up: %v", down, i, got)
				}
				for j := range leaves {
					if less := bits &^ (1 << j); got && !held[less][i] {
						t.Fatalf("condition %d holds with %05b down and not with %05b", i, bits, less)
					}
				}
			}
		}
	})
}
