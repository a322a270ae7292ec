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

// LimitEncodings limits the Accept-Encoding of a request to a site, within what the caller
// accepts: to no compression if the answer is streamed, since compression would delay
// events, and otherwise to gzip.
func LimitEncodings(h http.Header, streamed bool) {
	values := h["Accept-Encoding"]
	switch {
	case streamed && accepts(values, "identity", true):
		h["Accept-Encoding"] = onlyIdentity
	case accepts(values, "gzip", false):
		h["Accept-Encoding"] = onlyGzip
	}
}

// accepts reports whether the values of Accept-Encoding allow an encoding; unnamed is the
// result for an encoding that is not in them.
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

// quality returns the q value of an encoding, 1 if it has none.
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
