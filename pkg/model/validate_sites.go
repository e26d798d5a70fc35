package model

import (
	"slices"
	"strings"
)

func checkSites(t *Topology, p *problems) {
	if len(t.Sites) == 0 && !p.broken("sites") {
		p.at("sites", "write domain: example.com", "the stack answers no domain")
	}
	var vips, tiers []string
	for _, v := range t.VIPs {
		vips = append(vips, v.Name)
	}
	for _, a := range t.Apps {
		tiers = append(tiers, a.Name)
	}
	seen := map[string]string{}
	for _, s := range t.Sites {
		path := "sites." + s.Name
		if len(s.Domains) == 0 && !p.broken(path+".domains") {
			p.atKey(path, "write domains: [www.example.com]", "site %q has no domain", s.Name)
		}
		for i, d := range s.Domains {
			at := item(path+".domains", i)
			if p.broken(at) || !p.domain(at, d) {
				continue
			}
			if first, ok := seen[d]; ok {
				p.at(at, "leave it in one place", "the domain %q is listed twice", d)
				p.related(first, "the first time")
			} else {
				seen[d] = at
			}
		}
		if at := path + ".vip"; t.written(at) && !p.broken(at) && !slices.Contains(vips, s.VIP) && !p.broken("vips") {
			p.at(at, didYouMean(s.VIP, vips), "no virtual IP is called %q", s.VIP)
		}
		if s.TLS != nil {
			p.filePath(path+".tls.certificate", s.TLS.Certificate)
			p.span(path+".tls.hsts", s.TLS.HSTS, 0, 36500*day)
		}
		p.filePath(path+".root", s.Root)
		if at := path + ".body_max"; !p.broken(at) && (s.BodyMax < 1 || s.BodyMax > 1<<40) {
			p.at(at, "write a size up to 1T, such as 20M", "%s is no largest size of a request body", s.BodyMax)
		}
		if at := path + ".health"; !p.broken(at) && p.urlPath(at, s.Health) {
			for _, r := range s.Routes {
				if r.Prefix == s.Health {
					p.at(at, "take a path that nobody asks for, such as /healthz", "the health check would answer %s instead of the site", s.Health)
				}
			}
		}
		for _, r := range s.Routes {
			checkRoute(t, p, path+".routes."+r.Prefix, r, tiers)
		}
	}
}

func checkRoute(t *Topology, p *problems, path string, r Route, tiers []string) {
	if p.broken(path) {
		return
	}
	if !urlPath.MatchString(r.Prefix) || hasDots(r.Prefix) || strings.Contains(r.Prefix, "//") || len(r.Prefix) > 255 {
		p.atKey(path, "start with / and use letters, digits and ._~-, such as /api/", "%q is no prefix of a path that every daemon reads alike", r.Prefix)
	}
	switch {
	case r.App != "" && r.Static:
		p.atKey(path, "keep app or static", "route %s has both an application and static files", r.Prefix)
	case r.App == "" && !r.Static:
		p.atKey(path, "write app: with a tier's name, or static: true", "nobody answers route %s", r.Prefix)
	case r.Static:
		if r.WebSocket {
			p.at(path+".websocket", "give the route an app", "static files cannot speak WebSocket")
		}
		// Explained, it has the one of all others.
		if r.RequestTimeout != t.Timeouts.Request && !p.broken("timeouts.request") {
			p.at(path+".request_timeout", "leave it out", "no application works on route %s, so its request_timeout has no effect", r.Prefix)
		}
		return
	case !slices.Contains(tiers, r.App):
		if !p.broken("apps") {
			p.at(path+".app", didYouMean(r.App, tiers), "no application tier is called %q", r.App)
		}
	case r.WebSocket && t.AppTier(r.App).Protocol != "http" && !p.broken("apps."+r.App+".protocol"):
		p.at(path+".websocket", "send it to a tier with protocol: http", "%s cannot carry WebSocket", t.AppTier(r.App).Protocol)
		p.related("apps."+r.App+".protocol", "the tier's protocol")
	}
	p.span(path+".request_timeout", r.RequestTimeout, minRequest, maxRequest)
}
