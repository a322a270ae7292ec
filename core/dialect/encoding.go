package dialect

import (
	"net/http"
	"strconv"
	"strings"
)

var (
	onlyIdentity = []string{"identity"}
	onlyGzip     = []string{"gzip"}
)

// NarrowEncodings changes the Accept-Encoding of a request to a site to what
// serves its answer best, within what the caller accepts. A streamed answer is
// asked for without compression, which would hold events back. Another one may
// be compressed with gzip, if the caller takes that; what the caller accepts
// beside is left out.
func NarrowEncodings(h http.Header, streamed bool) {
	values := h["Accept-Encoding"]
	switch {
	case streamed && accepts(values, "identity", true):
		h["Accept-Encoding"] = onlyIdentity
	case accepts(values, "gzip", false):
		h["Accept-Encoding"] = onlyGzip
	}
}

// accepts reports whether the values of Accept-Encoding allow an encoding;
// unnamed is the answer for one that they do not name.
func accepts(values []string, encoding string, unnamed bool) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			name, params, _ := strings.Cut(part, ";")
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, encoding):
				return quality(params) > 0
			case name == "*" && encoding == "identity":
				unnamed = quality(params) > 0
			}
		}
	}
	return unnamed
}

// quality returns the q of an encoding, 1 if there is none.
func quality(params string) float64 {
	value, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 1
	}
	return q
}
