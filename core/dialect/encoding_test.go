package dialect

import (
	"net/http"
	"testing"
)

func TestLimitEncodings(t *testing.T) {
	for _, tt := range []struct {
		in, plain, streamed string
	}{
		{"gzip, deflate, br, zstd", "gzip", "identity"},
		{"br;q=1.0, GZIP;q=0.8", "gzip", "identity"},
		{"br", "br", "identity"},
		{"identity", "identity", "identity"},
		{"gzip;q=0, br", "gzip;q=0, br", "identity"},
		{"*", "*", "identity"},
		{"gzip, identity;q=0", "gzip", "gzip"},
		{"br, identity; q=0.0", "br, identity; q=0.0", "br, identity; q=0.0"},
		{"gzip, *;q=0", "gzip", "gzip"},
		{"gzip, identity, *;q=0", "gzip", "identity"},
		{"", "", "identity"},
	} {
		for _, streamed := range []bool{false, true} {
			want := tt.plain
			if streamed {
				want = tt.streamed
			}
			h := http.Header{"Accept-Encoding": {tt.in}}
			if LimitEncodings(h, streamed); h.Get("Accept-Encoding") != want {
				t.Errorf("%q, streamed %v: %q, want %q", tt.in, streamed, h.Get("Accept-Encoding"), want)
			}
		}
	}
	h := http.Header{}
	if LimitEncodings(h, false); len(h) != 0 {
		t.Errorf("without Accept-Encoding: %v", h)
	}
	if LimitEncodings(h, true); h.Get("Accept-Encoding") != "identity" {
		t.Errorf("without Accept-Encoding, streamed: %v", h)
	}
}
