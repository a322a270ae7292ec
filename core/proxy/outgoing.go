package proxy

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/dialect"
)

// requestPath is a path without and with its escapes.
type requestPath struct{ path, escaped string }

// The client gets these instead of the real URL and headers: it copies headers for
// redirects, which are not followed, and quotes the URL in its errors.
var (
	clientURL    = &url.URL{Scheme: "http", Host: "channel"}
	clientHeader = http.Header{}
)

// write sets r to the request that the picked channel gets, with its key.
func (a *attempt) write(r *http.Request) {
	x := a.exchange
	c := x.pick.Channel.Config
	to := x.setup.sites[x.pick.Channel]
	h := copyRequestHeaders(x.in.Header)
	dialect.NarrowEncodings(h, x.mode.Stream)
	parts := x.mapped()
	if parts.Coding == "" {
		delete(h, "Content-Encoding") // a compressed body with another model is sent decoded
	}
	var drop func(string) bool
	if c.Auth.Style == config.AuthPassthrough {
		drop = x.setup.guard.isToken
	}
	query := dialect.RemoveCredentials(h, parts.Query, drop)
	if x.pick.Key != nil {
		auth := dialect.Auth{Style: dialect.Style(c.Auth.Style), Param: c.Auth.Param}
		query = auth.Carry(x.in, h, query, x.pick.Key.Config.Value.Reveal())
	}
	if protocol := upgradeOf(x.in.Header); protocol != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{protocol}
	}
	head := parts.Body
	length := x.body.length
	if length > 0 {
		length += int64(len(head) - len(x.body.head))
	}
	escaped, _ := dialect.JoinPath(to.escaped, parts.Path)
	a.url = &url.URL{Scheme: c.Target.Scheme, Host: c.Target.Host, Path: unescapedPath(escaped), RawPath: escaped, RawQuery: query}
	a.payload, a.header = head, h
	r.Body, r.ContentLength = x.body.reader(head), length
}

// newSite returns the address of a channel and its egresses.
func (h *Handler) newSite(c *config.Channel) site {
	return site{
		egresses: h.egresses(c),
		escaped:  strings.TrimSuffix(c.Target.EscapedPath(), "/"),
	}
}
