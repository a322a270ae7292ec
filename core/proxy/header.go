package proxy

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/route"
)

// hopByHop reports whether a header belongs to one connection only (RFC 9110, section
// 7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	}
	return false
}

// revealing reports whether a header tells a site that there is a proxy, or who its
// caller is. Such headers come from proxies in front of this one; Cloudflare refuses
// requests that already have its own.
func revealing(name string) bool {
	switch name {
	case "Forwarded", "Via", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Forwarded-For",
		"X-Envoy-External-Address", "Fly-Client-Ip", "Fastly-Client-Ip", "X-Azure-Clientip", "Cdn-Loop",
		"Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "Cf-Pseudo-Ipv4", "Cf-Ipcountry", "Cf-Ray", "Cf-Visitor", "Cf-Ew-Via", "Cf-Worker":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "Cf-Access-")
}

// copyRequestHeaders returns the headers of a request that are sent to the site.
func copyRequestHeaders(in http.Header) http.Header {
	out := make(http.Header, len(in)+2)
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

// copyAnswerHeaders copies the headers of an answer that are sent to the caller. It
// leaves out cookies: the caller would send them to other sites too.
func copyAnswerHeaders(dst, in http.Header) {
	named := connectionNames(in)
	for name, values := range in {
		if hopByHop(name) || named[name] || name == "Set-Cookie" || strings.HasPrefix(name, "Proxy-") {
			continue
		}
		dst[name] = values
	}
}

// forbiddenTrailer reports whether a field must not come after the body (RFC 9110,
// section 6.5.1).
func forbiddenTrailer(name string) bool {
	switch name {
	case "Authorization", "Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "Host", "Trailer", "Transfer-Encoding", "Set-Cookie", "Cache-Control", "Location", "Retry-After", "Www-Authenticate":
		return true
	}
	return hopByHop(name) || strings.HasPrefix(name, "Proxy-")
}

// answerHeaders adds a site's headers to the answer to the caller.
func (x *exchange) answerHeaders(from http.Header) {
	h := x.caller.w.Header()
	if h["Access-Control-Allow-Origin"] != nil { // set by us: the site's would contradict it
		for name := range from {
			if strings.HasPrefix(name, "Access-Control-") {
				delete(from, name)
			}
		}
	}
	copyAnswerHeaders(h, from)
	setRequestID(h, x.dialect, x.record.ID)
	if isEventStream(from) {
		h["X-Accel-Buffering"] = []string{"no"}
		if h["Cache-Control"] == nil {
			h["Cache-Control"] = []string{"no-cache"}
		}
	}
	x.rewriteLocations(h)
}

// locations are the headers in which a site names addresses of its own.
var locations = []string{"Location", "Content-Location", "Operation-Location", "X-Goog-Upload-Url", "X-Goog-Upload-Control-Url"}

// rewriteLocations replaces addresses of the site by addresses of the entry: a client
// would otherwise send its next request, with its token, directly to the site.
func (x *exchange) rewriteLocations(h http.Header) {
	for _, name := range locations {
		v := first(h, name)
		if v == "" {
			continue
		}
		ch := x.answeredBy()
		if ch == nil {
			return
		}
		if entry, ok := x.entryURL(ch, v); ok {
			h[name] = []string{entry}
		}
	}
}

// entryURL returns the address at the entry for an address of the channel's site.
func (x *exchange) entryURL(ch *route.Channel, address string) (string, bool) {
	u, err := url.Parse(address)
	target := ch.Config.Target
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, target.Host) {
		return "", false
	}
	base := strings.TrimSuffix(target.EscapedPath(), "/")
	path, ok := strings.CutPrefix(u.EscapedPath(), base)
	if !ok || path != "" && path[0] != '/' {
		return "", false
	}
	entry := "http://" + x.in.Host + path
	if query := dialect.RemoveCredentials(http.Header{}, u.RawQuery, nil); query != "" {
		entry += "?" + query
	}
	return entry, true
}

// answeredBy returns the channel whose answer is passed on.
func (x *exchange) answeredBy() *route.Channel {
	for _, ch := range x.setup.table.Channels {
		if ch.Config.Name == x.record.Channel {
			return ch
		}
	}
	return nil
}

// connectionNames returns the headers that Connection declares as hop-by-hop.
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

// upgradeOf returns the protocol that a request or answer switches to, "" for none.
// Only WebSocket is relayed: others, such as the h2c that Java's client offers with
// every request, are not for the site.
func upgradeOf(h http.Header) string {
	if !strings.EqualFold(first(h, "Upgrade"), "websocket") {
		return ""
	}
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

// first returns a faster h.Get for a name that is in its canonical form.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
