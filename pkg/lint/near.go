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
	return nil, fmt.Errorf("%s", notRule(id))
}

// notRule says that no rule has the name, and which one may have been meant.
func notRule(name string) string {
	best, least := "", 1+len(name)/3
	for _, r := range Rules {
		d := distance(name, r.ID)
		if name != "" && strings.Contains(r.ID, name) {
			d = 0
		}
		if d < least {
			best, least = r.ID, d
		}
	}
	text := fmt.Sprintf("no rule is named %q", name)
	if best != "" {
		text += fmt.Sprintf("; did you mean %q?", best)
	}
	return text + "; see: stackgen rules"
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
