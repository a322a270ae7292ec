package proxy

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/limit"
)

// guard decides which requests are allowed.
type guard struct {
	tokens  []config.TokenHash
	owners  []*client // of the tokens
	anybody *client   // for requests without a token; nil if a token is required
	origins []string
}

// client is an app or person that may use the proxy.
type client struct {
	name    string
	config  *config.Client
	counted *limit.Client // nil if nothing is counted
}

func newGuard(cfg *config.Config, counted *limit.Clients) guard {
	g := guard{origins: cfg.Proxy.Origins}
	if !cfg.RequiresToken() {
		g.anybody = newClientOf(cfg, counted, config.ClientAnonymous)
		return g
	}
	owner := newClientOf(cfg, counted, config.ClientDefault)
	for _, t := range cfg.Proxy.ClientTokens {
		if config.IsPlaceholder(t) {
			continue
		}
		g.tokens, g.owners = append(g.tokens, config.HashToken(t.Plaintext())), append(g.owners, owner)
	}
	for _, c := range cfg.Clients {
		if hash, ok := c.Hash(); ok && !config.IsPlaceholder(c.Token) {
			g.tokens, g.owners = append(g.tokens, hash), append(g.owners, newClientOf(cfg, counted, c.Name))
		}
	}
	return g
}

func newClientOf(cfg *config.Config, counted *limit.Clients, name string) *client {
	c := cfg.Client(name)
	if c == nil {
		c = &config.Client{Name: name, Limit: config.ClientLimit{Wait: config.DefaultWait}}
	}
	return &client{name, c, counted.Client(name)}
}

// trialClient is for requests by which the program's own user tries a channel.
var trialClient = &client{config: &config.Client{Limit: config.ClientLimit{Wait: config.DefaultWait}}}

// check returns the client of the request, or why the request is refused.
func (g *guard) check(r *http.Request) (*client, *fault) {
	if f := g.checkForm(r); f != nil {
		return nil, f
	}
	c := g.clientOf(r)
	switch {
	case c == nil:
		return nil, &fault{http.StatusUnauthorized, "invalid_client_token", "the client token is missing or wrong: send one of proxy.client_tokens, or the token of a client block, as the API key", true}
	case !c.config.AllowsPath(r.URL.Path):
		return c, &fault{http.StatusNotFound, "path_not_allowed", fmt.Sprintf("the client %q may not use the path %s", c.name, r.URL.Path), true}
	}
	return c, nil
}

// checkModel returns why the client may not use the model; nil if it may.
func (c *client) checkModel(model string) *fault {
	if c.config.Allows(model) {
		return nil
	}
	return &fault{http.StatusForbidden, "model_not_allowed", fmt.Sprintf("the client %q may not use the model %q", c.name, model), true}
}

// checkForm returns what is wrong with the form of a request; it applies to all clients.
func (g *guard) checkForm(r *http.Request) *fault {
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		// A site that answers TRACE would show the caller the request with our key in it.
		return &fault{http.StatusMethodNotAllowed, "method_not_allowed", "the method " + r.Method + " is not allowed: send GET, POST, PUT, PATCH or DELETE with a path, such as POST /v1/chat/completions", true}
	}
	if !strings.HasPrefix(r.RequestURI, "/") {
		return &fault{http.StatusBadRequest, "bad_request_target", "the request line must name a path, such as POST /v1/chat/completions: this is not a forward proxy", true}
	}
	if leavesBasePath(r.URL.EscapedPath()) {
		return &fault{http.StatusBadRequest, "bad_path", "the path must not contain '.' or '..' segments, encoded slashes or backslashes", true}
	}
	if !g.originAllowed(r) {
		return &fault{http.StatusForbidden, "origin_not_allowed", "the request comes from a web page whose origin is not listed in proxy.origins", true}
	}
	return nil
}

// leavesBasePath reports whether a path could leave a channel's base path. The path is
// escaped, as it is sent.
func leavesBasePath(escaped string) bool {
	if !strings.ContainsAny(escaped, `.%\`) {
		return false
	}
	model := false // the segment is a model's ID, which may contain a slash
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
				if !inModel || leavesBasePath(strings.NewReplacer("%2f", "/", "%2F", "/").Replace(segment)) {
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

// originAllowed refuses requests of web pages whose origin is not listed: any page
// can make a browser send requests to a port of the user's machine.
func (g *guard) originAllowed(r *http.Request) bool {
	origin, site := first(r.Header, "Origin"), first(r.Header, "Sec-Fetch-Site")
	if origin == "" && (site == "" || site == "none") {
		return true
	}
	return slices.Contains(g.origins, "*") || origin != "" && slices.Contains(g.origins, origin)
}

// allowOrigin lets pages of a listed origin read the answer, and answers their
// preflight requests. It reports whether the request has been answered.
func (g *guard) allowOrigin(w http.ResponseWriter, r *http.Request) (done bool) {
	origin := first(r.Header, "Origin")
	if origin == "" || !g.originAllowed(r) {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", "*") // such as Retry-After and the request's ID
		return false
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" { // a page on the internet accesses a home network
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// clientOf returns the client whose token the request has; nil if there is none.
func (g *guard) clientOf(r *http.Request) *client {
	if g.anybody != nil {
		return g.anybody
	}
	var found *client
	for c := range dialect.Credentials(r.Header, r.URL.RawQuery) {
		if owner := g.ownerOf(c); owner != nil && found == nil {
			found = owner
		}
	}
	return found
}

// ownerOf compares in constant time.
func (g *guard) ownerOf(token string) *client {
	hash := config.HashToken(token)
	found := -1
	for i := range g.tokens {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], g.tokens[i][:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return g.owners[found]
}

// isToken reports whether the value is the token of a client.
func (g *guard) isToken(value string) bool { return g.ownerOf(value) != nil }
