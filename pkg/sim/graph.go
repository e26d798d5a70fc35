package sim

import (
	"encoding/binary"
	"slices"
)

// node is a place in a graph of conditions: a component is up, all of some nodes hold, or any of them does. More that is
// down never makes a node hold.
type node int32

const (
	always node = iota
	never
	firstNode
)

// graph holds each condition once: two upstreams with the same servers are one node, so that a thousand web servers in
// front of a thousand applications are two thousand nodes and not a million.
type graph struct {
	leaves  map[ID]node
	needs   []int32 // how many of the children must fail until the node does; 0: a leaf
	kids    [][]node
	parents [][]node
	seen    map[string]node
}

func newGraph() graph {
	return graph{leaves: map[ID]node{}, needs: make([]int32, firstNode), kids: make([][]node, firstNode), parents: make([][]node, firstNode), seen: map[string]node{}}
}

// leaf holds while the component is up.
func (g *graph) leaf(c ID) node {
	n, ok := g.leaves[c]
	if !ok {
		n = g.add(0, nil)
		g.leaves[c] = n
	}
	return n
}

// all holds while all of the nodes do.
func (g *graph) all(nodes ...node) node {
	return g.join(nodes, always, never, func(int) int32 { return 1 })
}

// any holds while any of the nodes does.
func (g *graph) any(nodes ...node) node {
	return g.join(nodes, never, always, func(n int) int32 { return int32(n) })
}

// join makes a node of others, without those that change nothing; decides is the one that settles it.
func (g *graph) join(nodes []node, neutral, decides node, needs func(int) int32) node {
	kids := slices.DeleteFunc(slices.Clone(nodes), func(n node) bool { return n == neutral })
	slices.Sort(kids)
	kids = slices.Compact(kids)
	switch {
	case slices.Contains(kids, decides):
		return decides
	case len(kids) == 0:
		return neutral
	case len(kids) == 1:
		return kids[0]
	}
	need := needs(len(kids))
	key := make([]byte, 0, 4+4*len(kids))
	key = binary.LittleEndian.AppendUint32(key, uint32(need))
	for _, k := range kids {
		key = binary.LittleEndian.AppendUint32(key, uint32(k))
	}
	n, ok := g.seen[string(key)]
	if !ok {
		n = g.add(need, kids)
		g.seen[string(key)] = n
	}
	return n
}

func (g *graph) add(needs int32, kids []node) node {
	n := node(len(g.needs))
	g.needs = append(g.needs, needs)
	g.kids = append(g.kids, kids)
	g.parents = append(g.parents, nil)
	for _, k := range kids {
		g.parents[k] = append(g.parents[k], n)
	}
	return n
}

// failed are the nodes that do not hold while the components are down. It goes upwards from them.
func (g *graph) failed(down Set) map[node]bool {
	failed := map[node]bool{}
	var todo []node
	for _, c := range down {
		if n, ok := g.leaves[c]; ok && !failed[n] {
			failed[n] = true
			todo = append(todo, n)
		}
	}
	lost := map[node]int32{}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range g.parents[n] {
			if lost[p]++; lost[p] == g.needs[p] {
				failed[p] = true
				todo = append(todo, p)
			}
		}
	}
	return failed
}

// given is a node under the condition that some leaves hold.
func (g *graph) given(n node, holds map[node]bool, known map[node]node) node {
	if holds[n] {
		return always
	}
	if g.needs[n] == 0 {
		return n
	}
	if out, ok := known[n]; ok {
		return out
	}
	kids := make([]node, len(g.kids[n]))
	same := true
	for i, k := range g.kids[n] {
		kids[i] = g.given(k, holds, known)
		same = same && kids[i] == k
	}
	out := n
	switch {
	case same:
	case g.needs[n] == 1:
		out = g.all(kids...)
	default:
		out = g.any(kids...)
	}
	known[n] = out
	return out
}
