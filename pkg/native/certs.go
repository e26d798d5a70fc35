package native

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"stackgen/pkg/conf"
)

// Words that name a file which must be there when a daemon checks its configuration, and is never rendered.
var (
	haproxyCertificate = regexp.MustCompile(`(?m)\s(?:crt|ca-file)\s+(/\S+)`)
	crtListCertificate = regexp.MustCompile(`(?m)^\s*(/\S+)`)
	mysqlCertificate   = regexp.MustCompile(`(?m)^\s*ssl_(?:ca|cert|key)\s*=\s*(/\S+)`)
	nginxCertificate   = regexp.MustCompile(`(?m)^\s*ssl_\w*certificate\w*\s+(/[^\s;]+)`)
)

// certificates puts throwaway certificates where the files name some. Each holds its key too.
func certificates(files []conf.File, upper string) error {
	for _, f := range files {
		var pattern *regexp.Regexp
		switch f.Kind {
		case conf.HAProxy:
			pattern = haproxyCertificate
		case conf.MySQL:
			pattern = mysqlCertificate
		case conf.Nginx:
			pattern = nginxCertificate
		default:
			if !strings.HasSuffix(f.Path, ".crt-list") {
				continue
			}
			pattern = crtListCertificate
		}
		for _, m := range pattern.FindAllSubmatch(f.Data, -1) {
			text, err := throwaway()
			if err != nil {
				return err
			}
			name := filepath.Join(upper, filepath.FromSlash(string(m[1])))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(name, text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// throwaway makes one self-signed certificate for the life of the process.
var throwaway = sync.OnceValues(func() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stackgen check"}, DNSNames: []string{"stackgen.invalid"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, b := range []*pem.Block{{Type: "CERTIFICATE", Bytes: cert}, {Type: "PRIVATE KEY", Bytes: der}} {
		if err := pem.Encode(&out, b); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
})
