package conf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const manifestVersion = 1

// Encode gives the one text of m: equal manifests have equal bytes. It panics on a number that JSON does not have.
func (m *Manifest) Encode() []byte {
	out := *m
	out.Files = slices.Clone(m.Files)
	slices.SortFunc(out.Files, func(a, b ManifestFile) int { return strings.Compare(a.Host+a.Path, b.Host+b.Path) })
	var dense, text bytes.Buffer
	enc := json.NewEncoder(&dense)
	enc.SetEscapeHTML(false)
	err := enc.Encode(&out)
	if err == nil {
		err = json.Indent(&text, dense.Bytes(), "", "  ") // in one allocation, where SetIndent takes a dozen
	}
	if err != nil {
		panic(err)
	}
	return text.Bytes()
}

// DecodeManifest reads a manifest, rendered or written by hand. Fields it does not know are left out; an error begins
// with its line and column where it has one.
func DecodeManifest(data []byte) (*Manifest, error) {
	m := new(Manifest)
	if err := json.Unmarshal(data, m); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			// The offset counts the byte that made the text wrong.
			return nil, fmt.Errorf("%s: %w", lineCol(data, syntax.Offset-1), err)
		case errors.As(err, &kind):
			if kind.Field == "" {
				return nil, fmt.Errorf("a manifest is an object, not this %s", kind.Value)
			}
			return nil, fmt.Errorf("%s: %q cannot be this %s", lineCol(data, kind.Offset-1), kind.Field, kind.Value)
		}
		return nil, err
	}
	switch {
	case m.Version == 0:
		return nil, fmt.Errorf(`"version" is missing; a manifest has "version": %d`, manifestVersion)
	case m.Version != manifestVersion:
		return nil, fmt.Errorf("version %d is not known; this stackgen reads version %d", m.Version, manifestVersion)
	}
	return m, nil
}

func lineCol(data []byte, offset int64) string {
	before := data[:min(max(offset, 0), int64(len(data)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return fmt.Sprintf("%d:%d", bytes.Count(before, []byte("\n"))+1, bytes.Count(before[start:], nil))
}
