package lint

import (
	"fmt"
	"strings"
)

// Find returns the rule with this id. The error says which one may have been meant.
func Find(id string) (*Rule, error) {
	for _, r := range Rules {
		if r.ID == id {
			return r, nil
		}
	}
	var ids []string
	for _, r := range Rules {
		ids = append(ids, r.ID)
	}
	return nil, fmt.Errorf("%s", notRule(id, ids))
}

// beginnings are all that may be selected: "vrrp", "vrrp-router", "vrrp-router-id".
func beginnings() []string {
	var out []string
	for _, r := range Rules {
		for i, c := range r.ID {
			if c == '-' {
				out = append(out, r.ID[:i])
			}
		}
		out = append(out, r.ID)
	}
	return out
}

// notRule says that no rule has the name, and which one of the known may have been meant.
func notRule(name string, known []string) string {
	best, least := "", 1+len(name)/3
	for _, k := range known {
		d := distance(name, k)
		if name != "" && strings.Contains(k, name) {
			d = 1
		}
		if d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("no rule is named %q; did you mean %q? see: stackgen rules", name, best)
	}
	return fmt.Sprintf("no rule is named %q; see: stackgen rules", name)
}

// distance counts the letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
