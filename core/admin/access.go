package admin

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
)

// ServeHTTP lets a request through that comes from the user's own machine or
// scripts: no page of another site, by name or by origin, may read or change
// anything.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.options.Config()
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", panelPolicy)
	listed := slices.Contains(c.Origins, r.Header.Get("Origin"))
	if listed {
		header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		header.Set("Access-Control-Expose-Headers", "ETag")
	}
	header.Add("Vary", "Origin")
	switch {
	case !ownHost(r.Host, c):
		fail(w, http.StatusForbidden, "foreign_host", "the Host header names a host that this port is not known by; list its origin in admin.origins if it is yours")
	case listed && r.Method == http.MethodOptions: // a browser asks before it sends the token
		header.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, Last-Event-ID")
		w.WriteHeader(http.StatusNoContent)
	case !listed && !sameOrigin(r) && (!ofPanel(r.URL.Path) || !isRead(r)): // a link may lead to the page
		fail(w, http.StatusForbidden, "foreign_origin", "the request comes from a page whose origin is not listed in admin.origins")
	case h.open[r.URL.Path] || ofPanel(r.URL.Path) || c.Token.IsZero() || h.admits(w, r, c.Token):
		h.mux.ServeHTTP(w, r)
	}
}

func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// admits says whether the request shows that its sender knows the token, and
// answers it if not.
func (h *Handler) admits(w http.ResponseWriter, r *http.Request, token config.Secret) bool {
	if h.sessions.knows(r, token) {
		return true
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || given == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "unauthorized", "send admin.token as Authorization: Bearer, never in the address")
		return false
	}
	return h.proves(w, r, config.NewSecret(given).Equal(token))
}

// proves answers a try to show knowledge of a secret that was right or wrong.
// After too many wrong ones even a right one has to wait: otherwise guessing
// could go on.
func (h *Handler) proves(w http.ResponseWriter, r *http.Request, right bool) bool {
	wait, ok := h.tries.take(r, right)
	switch {
	case !ok:
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		fail(w, http.StatusTooManyRequests, "too_many_tries", "too many wrong tokens came from this address; wait a little")
		return false
	case !right:
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "unauthorized", "that is not the token of admin.token, or not a code that is still good")
		return false
	}
	return true
}

// ownHost keeps a name that someone else's DNS points at this machine from
// passing for the program's own.
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

// sameOrigin says that no page sent the request, or one of our own.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return origin == "http://"+r.Host
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "none" || site == "same-origin"
}
