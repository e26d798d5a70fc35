package fact

import (
	"testing"

	"stackgen/pkg/conf"
)

func TestProbeCommand(t *testing.T) {
	for command, want := range map[string]string{
		"/usr/bin/curl -fsS -m 2 -o /dev/null http://127.0.0.1:8404/healthz":     "http scheme=http addr=127.0.0.1 name=127.0.0.1 port=8404 path=/healthz limit=2s",
		"/usr/bin/curl -sfk --max-time=2.5 https://localhost:6443/livez?verbose": "http scheme=https addr=127.0.0.1 name=localhost port=6443 path=/livez limit=2.5s lax=yes",
		"curl -m2 [::1]": "http scheme=http addr=::1 name=::1 port=80 path=/ limit=2s",
		"curl --resolve a.b:443:10.0.0.1 -w '%{http_code}' https://a.b/":                "http scheme=https addr=10.0.0.1 name=a.b port=443 path=/",
		"curl --unix-socket /run/h.sock http://x/":                                      "socket path=/run/h.sock",
		"curl --new-option http://127.0.0.1/":                                           "",
		"curl -x http://p http://127.0.0.1/":                                            "",
		"curl http://a/ http://b/":                                                      "",
		"curl ftp://a/":                                                                 "",
		"/usr/bin/timeout 3 /usr/bin/curl -s http://10.0.0.1:8080":                      "http scheme=http addr=10.0.0.1 name=10.0.0.1 port=8080 path=/ limit=3s",
		"timeout -k 1 1m pidof haproxy":                                                 "process process=haproxy limit=1m0s",
		"/usr/bin/wget -q -O /dev/null -T 2 --no-check-certificate https://127.0.0.1/x": "http scheme=https addr=127.0.0.1 name=127.0.0.1 port=443 path=/x lax=yes",
		"/usr/bin/nc -z -w 2 127.0.0.1 443":                                             "tcp addr=127.0.0.1 name=127.0.0.1 port=443 limit=2s",
		"nc -zv localhost 80":                                                           "tcp addr=127.0.0.1 name=localhost port=80",
		"nc -z 127.0.0.1 80-90":                                                         "",
		"nc -u 127.0.0.1 53":                                                            "",
		"nc -U /run/haproxy.sock":                                                       "socket path=/run/haproxy.sock",
		"killall -0 haproxy":                                                            "process process=haproxy",
		"/usr/bin/killall -s 0 haproxy":                                                 "process process=haproxy",
		"killall haproxy":                                                               "",
		"pkill -0 -x nginx":                                                             "process process=nginx",
		"/bin/pidof -s haproxy":                                                         "process process=haproxy",
		"pidof haproxy nginx":                                                           "",
		"pgrep -x ^haproxy$":                                                            "process process=haproxy",
		"pgrep -f haproxy.*cfg":                                                         "",
		"/bin/systemctl is-active --quiet haproxy.service":                              "process process=haproxy",
		"systemctl restart haproxy":                                                     "",
		"service nginx status":                                                          "process process=nginx",
		"socat - UNIX-CONNECT:/run/h.sock":                                              "socket path=/run/h.sock",
		"socat /run/h.sock stdio":                                                       "socket path=/run/h.sock",
		"socat /dev/null TCP4:10.0.0.1:80,connect-timeout=1":                            "tcp addr=10.0.0.1 name=10.0.0.1 port=80",
		"ping -c 1 -W 1 10.0.0.1":                                                       "ping addr=10.0.0.1 name=10.0.0.1",
		"/usr/bin/test -e /run/x":                                                       "file path=/run/x",
		"/usr/bin/true":                                                                 "other",
		"/bin/sh -c 'curl -s http://127.0.0.1/ >/dev/null'":                             "http scheme=http addr=127.0.0.1 name=127.0.0.1 port=80 path=/",
		"/usr/bin/curl -s http://127.0.0.1/ || exit 1":                                  "",
		"/usr/local/bin/check":                                                          "",
		"":                                                                              "",
	} {
		w := conf.Word{Text: command, Raw: `"` + command + `"`}
		_, p := probe(vrrpCommand(w), nil)
		got := ""
		if p != nil {
			got = probeText(p)
		}
		if got != want {
			t.Errorf("%s\n got %q\nwant %q", command, got, want)
		}
	}
}

// A command in single quotes is read whole; the words of the file are those of keepalived's other statements.
func TestQuotedCommand(t *testing.T) {
	words := []conf.Word{{Text: "'killall", Raw: "'killall", Off: 10}, {Text: "-0", Raw: "-0", Off: 19}, {Text: "haproxy'", Raw: "haproxy'", Off: 22}}
	if w := quotedCommand(words); w.Text != "killall -0 haproxy" {
		t.Errorf("got %q", w.Text)
	}
	if _, p := probe(vrrpCommand(quotedCommand(words)), nil); p == nil || p.Process != "haproxy" {
		t.Errorf("asks %+v", p)
	}
	if w := quotedCommand(words[:2]); w.Text != "'killall" {
		t.Errorf("an open quote: got %q", w.Text)
	}
}

func TestProbeShell(t *testing.T) {
	const local = "http scheme=http addr=127.0.0.1 name=127.0.0.1 port=8404 path=/healthz"
	for name, test := range map[string]struct{ text, want string }{
		"exec":                  {renderedCheck, local + " limit=800ms"},
		"if not":                {"#!/bin/bash\nif ! pidof haproxy &>/dev/null; then\n  service haproxy start &>/dev/null\n  sleep 1\n  if ! pidof haproxy; then\n    exit 1\n  fi\nfi\n", "process process=haproxy"},
		"count":                 {"if [ $(ps -C haproxy --no-header | wc -l) -eq 0 ]; then\n systemctl restart haproxy\nfi", "process process=haproxy"},
		"backtick":              {"N=`ps -C nginx --no-heading|wc -l`\nif [ \"$N\" -eq \"0\" ];then exit 1;fi", "process process=nginx"},
		"code":                  {"code=$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8404/healthz)\n[ \"$code\" = 200 ] || exit 1", local},
		"variable":              {"PORT=8404\nURL=\"http://127.0.0.1:${PORT}/healthz\"\ncurl -s \"$URL\" >/dev/null 2>&1 || exit 1\n", local},
		"command in a variable": {"CURL=\"curl -s -m 2\"\n$CURL http://127.0.0.1:8404/healthz\n", local + " limit=2s"},
		"function":              {"#!/bin/sh\nerrorExit() {\n echo \"*** $*\" 1>&2\n exit 1\n}\ncurl -sf http://127.0.0.1:8404/healthz -o /dev/null || errorExit \"no\"\n", local},
		"maintenance":           {"if [ -f /etc/keepalived/down ]; then exit 1; fi\nnc -z 127.0.0.1 80 </dev/null", "tcp addr=127.0.0.1 name=127.0.0.1 port=80"},
		"kill":                  {"kill -0 $(cat /run/haproxy.pid)", "process"},
		"kill of pidof":         {"kill -0 $(pidof haproxy)", "process process=haproxy"},
		"socket":                {"echo 'show info' | socat stdio /run/haproxy.sock | grep -q Uptime", "socket path=/run/haproxy.sock"},
		"retries":               {"for i in 1 2 3\ndo\n  curl -s http://127.0.0.1:8404/healthz && exit 0\n  sleep 1\ndone\nexit 1", local},

		"two questions": {"pidof haproxy || exit 1\ncurl -s http://127.0.0.1/ || exit 1", ""},
		"argument":      {"curl -s http://$1/", ""},
		"set twice":     {"P=80\nP=81\ncurl -s http://127.0.0.1:$P/", ""},
		"unknown":       {"pidof haproxy\n/usr/local/bin/mycheck", ""},
		"case":          {"case $1 in\na) pidof haproxy;;\nesac", ""},
		"here":          {"pidof haproxy\ncat <<E\nE\n", ""},
		"quote":         {"pidof \"haproxy", ""},
		"nothing":       {"exit 0\n", ""},
		"arithmetic":    {"i=$((1+2))\npidof haproxy", "process process=haproxy"},
	} {
		p := probeShell(test.text, func(off int) conf.Word { return conf.Word{Off: off} })
		got := ""
		if p != nil {
			got = probeText(p)
		}
		if got != test.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, test.want)
		}
	}
}
