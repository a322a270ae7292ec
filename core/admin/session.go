package admin

import (
	"net"
	"net/http"

	"github.com/aitunnel/aitunnel/core/config"
)

// session answers whether the caller has to sign in, and whether it has.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) {
	c := h.options.Access()
	known := h.sessions.knows(r, c.Token)
	reply(w, http.StatusOK, Session{Needed: !c.OpenReading, Authenticated: known, Reading: known || c.OpenReading, Phone: known && h.networkAddress(r) != ""})
}

// login exchanges the token, or the code of a link, for a session.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	var in Login
	if !read(w, r, &in) {
		return
	}
	c := h.options.Access()
	right := in.Token != "" && !c.Token.IsZero() && config.NewSecret(in.Token).Equal(c.Token) || in.Code != "" && h.sessions.spend(in.Code)
	if !h.proves(w, r, right) {
		return
	}
	h.sessions.start(w, c.Token)
	reply(w, http.StatusOK, Session{Needed: !c.OpenReading, Authenticated: true, Reading: true, Phone: h.networkAddress(r) != ""})
}

func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	h.sessions.end(w, r)
	open := h.options.Access().OpenReading
	reply(w, http.StatusOK, Session{Needed: !open, Reading: open})
}

// reachable returns the address by which this machine reaches a listener: one that
// listens on all interfaces is reached at 127.0.0.1.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// PanelLink returns a URL that opens the panel signed in, once and for a short time; "" if the port
// is off.
func (h *Handler) PanelLink() string {
	addr := h.options.Addr()
	if addr == "" {
		return ""
	}
	return "http://" + reachable(addr) + "/#login=" + h.sessions.link()
}

func (h *Handler) link(w http.ResponseWriter, _ *http.Request) {
	url := h.PanelLink()
	if url == "" {
		answer(w, http.StatusOK, nil, Refused("panel_off", "the admin port is off: set admin.listen to use the panel"))
		return
	}
	reply(w, http.StatusOK, Link{URL: url})
}
