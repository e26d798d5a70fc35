package render_test

import "testing"

// FuzzInjection looks for a value that breaks out of its place in any file. TestInjection puts each seed into every slot.
func FuzzInjection(f *testing.F) {
	for i, value := range nasty {
		f.Add(value, uint(i))
	}
	f.Fuzz(func(t *testing.T, value string, which uint) {
		if isHarmless(value) {
			t.Skip("two slots with one value are one")
		}
		inject(t, slots[which%uint(len(slots))], value)
	})
}
