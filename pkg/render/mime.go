package render

import (
	"strings"
	"sync"
)

// mimeTypes is the table that nginx.conf includes: nginx has one of its own only in the package's folder, and a staged
// tree must be complete.
var mimeTypes = sync.OnceValue(func() []byte {
	var n nginxPage
	n.say("", "The type of a static file by its extension; rendered by stackgen, the same for every stack.")
	n.open("", "", "types")
	for line := range strings.Lines(mimeTable) {
		words := strings.Fields(line)
		n.set("", "", words[0], words[1:]...)
	}
	n.shut("")
	return n.text
})

// Types as registered with IANA, with the extensions in use for them. JavaScript is RFC 9239.
const mimeTable = `text/html html htm
text/css css
text/javascript js mjs
text/plain txt log conf
text/csv csv
text/calendar ics
text/markdown md markdown
text/vcard vcf
text/vtt vtt
text/xml xml
application/json json map
application/ld+json jsonld
application/geo+json geojson
application/manifest+json webmanifest
application/atom+xml atom
application/rss+xml rss
application/xhtml+xml xhtml
application/xslt+xml xsl xslt
application/wasm wasm
application/pdf pdf
application/rtf rtf
application/postscript ps eps ai
application/epub+zip epub
application/zip zip
application/gzip gz tgz
application/zstd zst
application/x-bzip2 bz2
application/x-xz xz
application/x-tar tar
application/x-7z-compressed 7z
application/vnd.rar rar
application/java-archive jar war ear
application/sql sql
application/x-x509-ca-cert der pem crt
application/pgp-signature asc sig
application/vnd.android.package-archive apk
application/vnd.apple.mpegurl m3u8
application/dash+xml mpd
application/msword doc
application/vnd.ms-excel xls
application/vnd.ms-powerpoint ppt
application/vnd.ms-fontobject eot
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.oasis.opendocument.text odt
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.graphics odg
application/vnd.google-earth.kml+xml kml
application/vnd.google-earth.kmz kmz
application/octet-stream bin exe dll deb rpm dmg iso img msi
font/woff woff
font/woff2 woff2
font/ttf ttf
font/otf otf
font/collection ttc
image/png png
image/jpeg jpg jpeg
image/gif gif
image/webp webp
image/avif avif
image/heic heic
image/jxl jxl
image/apng apng
image/bmp bmp
image/tiff tif tiff
image/svg+xml svg svgz
image/vnd.microsoft.icon ico
audio/mpeg mp3
audio/mp4 m4a
audio/aac aac
audio/flac flac
audio/ogg ogg oga opus
audio/wav wav
audio/midi mid midi
audio/matroska mka
video/mp4 mp4 m4v
video/mpeg mpeg mpg
video/webm webm
video/ogg ogv
video/matroska mkv
video/quicktime mov
video/mp2t ts
video/3gpp 3gp
video/x-msvideo avi
`
