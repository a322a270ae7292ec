package admin

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/panel"
)

// ServeHTTP answers at the admin port, for the user's browser and scripts only. Host name and
// origin are checked against pages of other sites, and the token against other accounts of the
// machine.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.options.Access()
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", panel.Policy)
	listed := slices.Contains(c.Origins, r.Header.Get("Origin"))
	if listed {
		header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		header.Set("Access-Control-Expose-Headers", "ETag")
	}
	header.Add("Vary", "Origin")
	switch {
	case !ownHost(r.Host, c.Admin):
		fail(w, http.StatusForbidden, "foreign_host", "the Host header is not a name of this port; if it is yours, list its origin in admin.origins")
	case listed && r.Method == http.MethodOptions: // the preflight request of a browser
		header.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, Last-Event-ID")
		w.WriteHeader(http.StatusNoContent)
	case !listed && !sameOrigin(r) && (!panel.Owns(r.URL.Path) || !isRead(r)): // a link may lead to the page
		fail(w, http.StatusForbidden, "foreign_origin", "the request comes from a page whose origin is not listed in admin.origins")
	case panel.Owns(r.URL.Path) || h.isOpen(r, c) || h.authenticates(w, r, c.Token):
		h.mux.ServeHTTP(w, h.withOrigin(r))
	}
}

func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// isOpen reports whether the request needs no token.
func (h *Handler) isOpen(r *http.Request, c Access) bool {
	_, pattern := h.mux.Handler(r)
	needed, exists := h.access[pattern]
	if !exists {
		needed = observes
	}
	switch needed {
	case public:
		return true
	case metricsOnly:
		return c.OpenMetrics || c.OpenReading
	case observes:
		return c.OpenReading
	}
	return false
}

// authenticates reports whether the request has the token or a session, and answers it if not.
// If no token is set, no request is authenticated.
func (h *Handler) authenticates(w http.ResponseWriter, r *http.Request, token config.Secret) bool {
	if h.sessions.knows(r, token) {
		return true
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || given == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "unauthorized", "this request needs the admin token in the header Authorization: Bearer TOKEN, not in the URL; it is admin.token in the configuration, or in the file that aitunnel status names")
		return false
	}
	return h.proves(w, r, !token.IsZero() && config.NewSecret(given).Equal(token))
}

// proves reports whether a secret was right, and answers the request if it was not. After too
// many wrong secrets even a right one is refused for a while; otherwise guessing could
// continue.
func (h *Handler) proves(w http.ResponseWriter, r *http.Request, right bool) bool {
	wait, ok := h.tries.take(r, right)
	switch {
	case !ok:
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		fail(w, http.StatusTooManyRequests, "too_many_tries", "too many wrong tokens came from this address; try again later")
		return false
	case !right:
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "unauthorized", "the token is wrong, or the code of the link has expired or was used before")
		return false
	}
	return true
}

// ownHost reports whether the host is one of ours. This prevents DNS rebinding, where a foreign
// name resolves to this machine.
func ownHost(host string, c config.Admin) bool {
	name := hostName(host)
	if name == "localhost" || net.ParseIP(name) != nil {
		return true
	}
	if own := hostName(c.Listen); own != "" && strings.EqualFold(name, own) {
		return true
	}
	return slices.ContainsFunc(c.Origins, func(origin string) bool {
		u, err := url.Parse(origin)
		return err == nil && u.Host != "" && strings.EqualFold(name, hostName(u.Host))
	})
}

func hostName(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return strings.Trim(name, "[]")
}

// sameOrigin reports whether the request comes from our own page, or from no page.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return origin == "http://"+r.Host
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "none" || site == "same-origin"
}
