package render

import (
	"strings"

	"github.com/haproxytech/config-parser/v5/params"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// A tlsProfile is a configuration of Mozilla's "Server Side TLS".
type tlsProfile struct {
	minVersion   string
	ciphers      string // up to TLS 1.2; empty: none
	ciphersuites string // TLS 1.3
	curves       string
	dhBits       int // of the DHE ciphers; 0: none
}

// The guideline of the tables below: https://ssl-config.mozilla.org/guidelines/5.7.json
const tlsGuideline = "5.7"

const (
	tlsSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
	tlsCurves = "X25519:prime256v1:secp384r1"
)

var tlsProfiles = map[string]tlsProfile{
	"modern": {minVersion: "TLSv1.3", ciphersuites: tlsSuites, curves: tlsCurves},
	"intermediate": {
		minVersion: "TLSv1.2",
		ciphers: strings.Join([]string{
			"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
			"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
			"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
			"DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305",
		}, ":"),
		ciphersuites: tlsSuites,
		curves:       tlsCurves,
		dhBits:       2048,
	},
}

// tlsDefault is the profile of all binds, and the path of the site that asks for it: intermediate as soon as one site
// needs it. A site with the modern one then raises the version itself. The name is empty without TLS.
func tlsDefault(sites []model.Site) (name, path string) {
	for _, s := range sites {
		if s.TLS != nil && (name == "" || s.TLS.Profile == "intermediate") {
			name, path = s.TLS.Profile, "sites."+s.Name+".tls.profile"
		}
	}
	return name, path
}

func (p *proxyPage) tlsGlobal(sites []model.Site) {
	name, path := tlsDefault(sites)
	if name == "" {
		return
	}
	profile := tlsProfiles[name]
	p.note(path, 4, "Mozilla's "+name+" TLS, guideline "+tlsGuideline)
	if profile.ciphers != "" {
		p.word(path, "ssl-default-bind-ciphers", profile.ciphers, "")
	}
	p.word(path, "ssl-default-bind-ciphersuites", profile.ciphersuites, "")
	p.word(path, "ssl-default-bind-curves", profile.curves, "")
	p.word(path, "ssl-default-bind-options", "prefer-client-ciphers ssl-min-ver "+profile.minVersion+" no-tls-tickets",
		"the members share no ticket keys")
	if profile.dhBits > 0 {
		p.number(path, "tune.ssl.default-dh-param", profile.dhBits, "without it the DHE ciphers are off")
	}
}

// bindTLS opens port 443 of an entrance for its sites with TLS. Where one port serves both profiles, each certificate
// brings its own version: that takes a list of certificates, which is returned.
func (p *proxyPage) bindTLS(t *model.Topology, e entrance) []File {
	var secure []model.Site
	modern := 0
	for _, s := range e.sites {
		if s.TLS != nil {
			secure = append(secure, s)
			if s.TLS.Profile == "modern" {
				modern++
			}
		}
	}
	if len(secure) == 0 {
		return nil
	}
	options := []params.BindOption{bindWord("ssl")}
	var lists []File
	common, _ := tlsDefault(t.Sites)
	if modern > 0 && modern < len(secure) {
		list := certList(e, secure)
		options = append(options, bindValue("crt-list", list.Path))
		lists = []File{list}
	} else {
		seen := map[string]bool{}
		for _, s := range secure {
			if !seen[s.TLS.Certificate] {
				seen[s.TLS.Certificate] = true
				options = append(options, bindValue("crt", s.TLS.Certificate))
			}
		}
		if modern > 0 && common != "modern" {
			options = append(options, bindValue("ssl-min-ver", tlsProfiles["modern"].minVersion))
		}
	}
	p.bind(e.listen, 443, append(options, bindValue("alpn", "h2,http/1.1"))...)
	return lists
}

// certList is the list of certificates of one port, each with its lowest version.
func certList(e entrance, sites []model.Site) File {
	var p page
	p.note(e.path, 0, "The certificates of "+e.frontend+" in haproxy.cfg; the first answers clients that name no host.\n"+
		"Rendered by stackgen; edit the topology, not this file.")
	seen := map[string]bool{}
	for _, s := range sites {
		if !seen[s.TLS.Certificate] {
			seen[s.TLS.Certificate] = true
			p.put("sites."+s.Name+".tls", 0, s.TLS.Certificate+" [ssl-min-ver "+tlsProfiles[s.TLS.Profile].minVersion+"]", "")
		}
	}
	return p.file("", "/etc/haproxy/"+e.frontend+".crt-list", conf.Other, configMode)
}
