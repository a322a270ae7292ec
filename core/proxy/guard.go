package proxy

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/dialect"
)

// guard decides whether a request is let in at all.
type guard struct {
	tokens  [][sha256.Size]byte
	origins []string
}

// The clients that no block names.
const (
	clientDefault   = "default"   // of proxy.client_tokens
	clientAnonymous = "anonymous" // of a proxy without tokens
)

func newGuard(p config.Proxy) guard {
	g := guard{origins: p.Origins}
	for _, t := range p.ClientTokens {
		g.tokens = append(g.tokens, sha256.Sum256([]byte(t.Reveal())))
	}
	return g
}

// check returns nil for a request that may pass.
func (g *guard) check(r *http.Request) *fault {
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		// A site that answers TRACE would show the caller the request with our key in it.
		return &fault{http.StatusMethodNotAllowed, "method_not_allowed", "the method " + r.Method + " is not allowed: send GET, POST, PUT, PATCH or DELETE with a path, such as POST /v1/chat/completions", true}
	}
	if !strings.HasPrefix(r.RequestURI, "/") {
		return &fault{http.StatusBadRequest, "bad_request_target", "the request line must name a path, such as POST /v1/chat/completions: this is no forward proxy", true}
	}
	if climbs(r.URL.EscapedPath()) {
		return &fault{http.StatusBadRequest, "bad_path", "the path must not contain '.' or '..' segments, encoded slashes or backslashes", true}
	}
	if !g.originAllowed(r) {
		return &fault{http.StatusForbidden, "origin_not_allowed", "the request comes from a web page whose origin is not listed in proxy.origins", true}
	}
	if !g.tokenValid(r) {
		return &fault{http.StatusUnauthorized, "invalid_client_token", "the client token is missing or wrong: send one of proxy.client_tokens as the API key", true}
	}
	return nil
}

// climbs finds what could leave a channel's base path, in the escaped form
// that goes on the wire.
func climbs(escaped string) bool {
	if !strings.ContainsAny(escaped, `.%\`) {
		return false
	}
	model := false // the segment is a model's ID, which may hold a slash
	for segment := range strings.SplitSeq(escaped, "/") {
		inModel := model
		model = segment == "models" || segment == "deployments"
		switch len(segment) {
		case 0:
			continue
		case 1, 2, 3, 4, 6:
			if s := strings.ReplaceAll(strings.ToLower(segment), "%2e", "."); s == "." || s == ".." {
				return true
			}
		}
		if strings.IndexByte(segment, '\\') >= 0 {
			return true
		}
		for rest := segment; ; {
			i := strings.IndexByte(rest, '%')
			if i < 0 || i+3 > len(rest) {
				break
			}
			switch strings.ToLower(rest[i : i+3]) {
			case "%2f":
				if !inModel || climbs(strings.NewReplacer("%2f", "/", "%2F", "/").Replace(segment)) {
					return true
				}
			case "%5c", "%00":
				return true
			}
			rest = rest[i+3:]
		}
	}
	return false
}

// originAllowed refuses what a browser sends for a page: any page can make a
// browser send requests to a port of the user's machine. The proxy serves no
// pages, so none of them is its own.
func (g *guard) originAllowed(r *http.Request) bool {
	origin, site := first(r.Header, "Origin"), first(r.Header, "Sec-Fetch-Site")
	if origin == "" && (site == "" || site == "none") {
		return true
	}
	return slices.Contains(g.origins, "*") || origin != "" && slices.Contains(g.origins, origin)
}

// allowOrigin lets the page of a listed origin read the answer, and answers
// its preflight. It says whether that was all.
func (g *guard) allowOrigin(w http.ResponseWriter, r *http.Request) (done bool) {
	origin := first(r.Header, "Origin")
	if origin == "" || !g.originAllowed(r) {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (g *guard) tokenValid(r *http.Request) bool {
	if len(g.tokens) == 0 {
		return true
	}
	ok := false
	for c := range dialect.Credentials(r.Header, r.URL.RawQuery) {
		ok = g.isToken(c) || ok
	}
	return ok
}

// client names the client of a request that may pass.
func (g *guard) client() string {
	if len(g.tokens) == 0 {
		return clientAnonymous
	}
	return clientDefault
}

// isToken compares in constant time.
func (g *guard) isToken(value string) bool {
	sum := sha256.Sum256([]byte(value))
	found := 0
	for i := range g.tokens {
		found |= subtle.ConstantTimeCompare(sum[:], g.tokens[i][:])
	}
	return found == 1
}
