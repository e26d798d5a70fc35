package model

// merge puts the mapping over onto the mapping base, as RFC 7396 says: mappings are merged, null deletes, and anything
// else replaces. Keys of base keep their order; new ones follow. Every value keeps the place where it was written.
func merge(base, over *node) {
	at := make(map[string]int, len(base.entries))
	for i, e := range base.entries {
		at[e.key.text] = i
	}
	deleted := map[string]bool{}
	for _, e := range over.entries {
		i, known := at[e.key.text]
		switch {
		case e.value.isNull():
			deleted[e.key.text] = true
		case known && e.value.kind == mapping && base.entries[i].value.kind == mapping:
			merge(base.entries[i].value, e.value)
		default:
			if e.value.kind == mapping { // its own nulls delete nothing, and are gone
				bare := &node{pos: e.value.pos, kind: mapping}
				merge(bare, e.value)
				e.value = bare
			}
			if known {
				base.entries[i] = e
			} else {
				base.entries = append(base.entries, e)
			}
		}
	}
	if len(deleted) > 0 {
		kept := base.entries[:0]
		for _, e := range base.entries {
			if !deleted[e.key.text] {
				kept = append(kept, e)
			}
		}
		base.entries = kept
	}
}
