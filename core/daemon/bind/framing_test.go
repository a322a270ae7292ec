package bind

import (
	"strings"
	"testing"
)

// requests are the bytes of one connection, and whether one of its requests is ambiguous.
var requests = map[string]struct {
	text    string
	unclear bool
}{
	"one without a body":        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
	"bodies with lengths":       {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\ncontent-length:  2 \r\n\r\n\n\nGET / HTTP/1.1\r\n\r\n", false},
	"headers in bodies":         {"POST / HTTP/1.1\r\nContent-Length: 68\r\n\r\nGET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n1234567POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
	"chunks":                    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nab\r\n\r\n1F\r\n" + strings.Repeat("x", 31) + "\r\n0\r\nT: v\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", false},
	"chunks after a length":     {"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nxPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
	"line ends without returns": {"POST / HTTP/1.1\nContent-Length: 1\n\nxPOST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\r\n\r\n", false},
	"an old protocol":           {"POST / HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nxGET / HTTP/1.1\r\n\r\n", false},
	"an invalid length":         {"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", false},
	"an invalid chunk size":     {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false},
	"long lines":                {"GET /" + strings.Repeat("x", 200) + " HTTP/1.1\r\nAuthorization: " + strings.Repeat("y", 200) + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},

	"both":                        {"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
	"both, the other way around":  {"POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\nA: b\r\nCONTENT-LENGTH: 0\r\n\r\n0\r\n\r\n", true},
	"both, behind another":        {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
	"both, behind chunks":         {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
	"both, behind an old request": {"POST /" + strings.Repeat("x", 200) + " HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nxPOST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
}

// TestFramingOfRequestsInPieces splits the bytes into pieces of every size.
func TestFramingOfRequestsInPieces(t *testing.T) {
	t.Parallel()
	for name, r := range requests {
		for size := 1; size <= len(r.text); size++ {
			var f framing
			for rest := r.text; rest != ""; rest = rest[min(size, len(rest)):] {
				f.follow([]byte(rest[:min(size, len(rest))]))
			}
			if f.unclear != r.unclear {
				t.Errorf("%s, in pieces of %d bytes: ambiguous is %v", name, size, f.unclear)
				break
			}
		}
	}
}

func BenchmarkFraming(b *testing.B) {
	p := []byte("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nUser-Agent: openai-go/3.96.0\r\nAccept: application/json\r\nAuthorization: Bearer sk-0123456789012345678901234567890\r\nContent-Type: application/json\r\nContent-Length: 2048\r\nX-Stainless-Lang: go\r\nX-Stainless-Os: Linux\r\nAccept-Encoding: gzip\r\n\r\n" + strings.Repeat("x", 2048))
	var f framing
	b.ReportAllocs()
	for b.Loop() {
		f.follow(p)
	}
}
