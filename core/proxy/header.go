package proxy

import (
	"net/http"
	"net/textproto"
	"strings"
)

// hopByHop headers belong to one connection (RFC 9110, section 7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// revealing headers tell a site that a proxy is here.
func revealing(name string) bool {
	switch name {
	case "Forwarded", "Via", "X-Real-Ip":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Proxy-")
}

// onward copies the headers of a request that are for the site.
func onward(in http.Header) http.Header {
	out := make(http.Header, len(in)+1)
	named := connectionNames(in)
	for name, values := range in {
		if hopByHop(name) || revealing(name) || name == "Expect" || named[name] {
			continue
		}
		out[name] = values
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = []string{""} // or net/http would add its own
	}
	return out
}

// backward copies the headers of an answer that are for the caller.
func backward(dst, in http.Header) {
	named := connectionNames(in)
	for name, values := range in {
		if hopByHop(name) || named[name] || strings.HasPrefix(name, "Proxy-") {
			continue
		}
		dst[name] = values
	}
}

// connectionNames are the headers that Connection makes hop-by-hop.
func connectionNames(h http.Header) map[string]bool {
	var names map[string]bool
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if name == "" || name == "Close" || name == "Keep-Alive" {
				continue
			}
			if names == nil {
				names = map[string]bool{}
			}
			names[name] = true
		}
	}
	return names
}

// upgradeOf is the protocol that a request or answer switches to, "" for none.
func upgradeOf(h http.Header) string {
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(textproto.TrimString(name), "upgrade") {
				return first(h, "Upgrade")
			}
		}
	}
	return ""
}

func isEventStream(h http.Header) bool {
	return strings.HasPrefix(first(h, "Content-Type"), "text/event-stream")
}

// first is h.Get for a name in its canonical form, which Get makes sure of each
// time.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
