package conf

import (
	"fmt"
	"strings"
	"testing"
)

// benchInputs are files of about size bytes.
func benchInputs(size int) map[Kind]string {
	repeat := func(head, format, tail string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i, i/256%256, i%256)
		}
		b.WriteString(tail)
		return b.String()
	}
	return map[Kind]string{
		HAProxy: repeat("global\n    maxconn 20000\nbackend be\n", "    server web%d 10.0.%d.%d:8080 check inter 2s fall 3 rise 2\n", ""),
		Keepalived: repeat("", "vrrp_instance VI_%d {\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n"+
			"    virtual_ipaddress {\n        10.0.%d.%d/24 dev eth0 # VIP\n    }\n}\n", ""),
		Nginx: repeat("events {}\nhttp {\n", "    server {\n        listen 80;\n        server_name www%d.example.com;\n"+
			"        location / {\n            proxy_set_header Host \"$host\";\n            proxy_pass http://10.0.%d.%d:8080;\n        }\n    }\n", "}\n"),
		MySQL: repeat("[mysqld]\n", "report_host = db%d # 10.0.%d.%d\nserver-id=7\n", ""),
		Env:   repeat("", "APP_%d=\"http://10.0.%d.%d:8080/\"\nDEBUG=0\n", ""),
		JSON:  repeat("{", "\"web%d\": {\"addresses\": [\"10.0.%d.%d\"], \"role\": \"web\"},\n", "\"end\": {}}"),
	}
}

func BenchmarkParse(b *testing.B) {
	for _, size := range []int{1 << 12, 1 << 20, 50 << 20} {
		for kind, data := range benchInputs(size) {
			if size > 1<<20 && kind != Nginx && kind != HAProxy {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", kind, size), func(b *testing.B) {
				f := File{Kind: kind, Data: []byte(data)}
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if t := Parse(f, "f"); len(t.Errors) > 0 || len(t.Body) == 0 {
						b.Fatal(t.Errors)
					}
				}
			})
		}
	}
}
