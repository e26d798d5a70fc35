package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// fingerprint names a finding for as long as its rule, file and statement are the same, whatever its line. ordinal
// counts equal ones in a file.
func fingerprint(key string, ordinal int) string {
	sum := sha256.Sum256([]byte(key + "\x00" + strconv.Itoa(ordinal)))
	return hex.EncodeToString(sum[:8])
}
