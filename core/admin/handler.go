package admin

import (
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// Options of [New].
type Options struct {
	Source Source
	Bus    *event.Bus
	Config func() config.Admin // of the running generation
}

// Handler answers the API.
type Handler struct {
	options Options
	mux     *http.ServeMux
}

// New returns the API of o.Source.
func New(o Options) *Handler {
	h := &Handler{options: o, mux: http.NewServeMux()}
	h.get("/api/status", func(w http.ResponseWriter, _ *http.Request) { reply(w, o.Source.Status()) })
	h.get("/api/channels", func(w http.ResponseWriter, _ *http.Request) { reply(w, o.Source.Channels()) })
	h.post("/api/config/reload", h.reload)
	h.post("/api/config/plan", h.plan)
	h.get("/api/logs", h.stream)
	h.get("/api/logs/recent", h.recent)
	h.get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	h.panel()
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "not_found", "there is no "+r.Method+" "+r.URL.Path)
	})
	return h
}

// get answers GET and HEAD at path with f, and refuses other methods.
func (h *Handler) get(path string, f http.HandlerFunc) {
	h.mux.HandleFunc("GET "+path, f)
	h.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed", path+" answers GET only")
	})
}

// post answers POST at path with f, and refuses other methods and what a form
// of some page could send.
func (h *Handler) post(path string, f http.HandlerFunc) {
	h.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if kind != "application/json" && (kind != "" || r.ContentLength != 0) {
			fail(w, http.StatusUnsupportedMediaType, "json_needed", "send the Content-Type application/json")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		f(w, r)
	})
	h.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "POST")
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed", path+" answers POST only")
	})
}

// maxBody bounds what a request may bring, in bytes.
const maxBody = 4 << 20

// Local is the API without the checks that are for a port: for a socket that
// only the user can reach.
func (h *Handler) Local() http.Handler { return h.mux }

// ServeHTTP lets a request through that comes from the user's own machine or
// scripts: no page of another site, by name or by origin, may read or change
// anything.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.options.Config()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	listed := slices.Contains(c.Origins, r.Header.Get("Origin"))
	if listed {
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	}
	w.Header().Add("Vary", "Origin")
	switch {
	case !ownHost(r.Host, c.Listen):
		fail(w, http.StatusForbidden, "foreign_host", "the Host header names a host that this port is not known by")
	case listed && r.Method == http.MethodOptions: // a browser asks before it sends the token
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, Last-Event-ID")
		w.WriteHeader(http.StatusNoContent)
	case !listed && !sameOrigin(r) && !ofPanel(r.URL.Path): // a link may lead to the page
		fail(w, http.StatusForbidden, "foreign_origin", "the request comes from a page whose origin is not listed in admin.origins")
	case r.URL.Path != "/healthz" && !ofPanel(r.URL.Path) && !authorized(r, c.Token):
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "unauthorized", "send admin.token as Authorization: Bearer")
	default:
		h.mux.ServeHTTP(w, r)
	}
}

// ownHost keeps a name that someone else's DNS points at this machine from
// passing for the program's own.
func ownHost(host, listen string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.Trim(name, "[]")
	if name == "localhost" || net.ParseIP(name) != nil {
		return true
	}
	own, _, err := net.SplitHostPort(listen)
	return err == nil && own != "" && strings.EqualFold(name, own)
}

// sameOrigin says that no page sent the request, or one of our own.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return origin == "http://"+r.Host
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "none" || site == "same-origin"
}

func authorized(r *http.Request, token config.Secret) bool {
	if token.IsZero() {
		return true
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && config.NewSecret(given).Equal(token)
}

// defaultRecent and maxRecent are how many events /api/logs/recent returns.
const (
	defaultRecent = 50
	maxRecent     = 1000
)

func (h *Handler) recent(w http.ResponseWriter, r *http.Request) {
	n := defaultRecent
	if q := r.URL.Query().Get("n"); q != "" {
		var err error
		if n, err = strconv.Atoi(q); err != nil || n < 1 || n > maxRecent {
			fail(w, http.StatusBadRequest, "bad_parameter", "n must be a number from 1 to "+strconv.Itoa(maxRecent))
			return
		}
	}
	events := h.options.Bus.Recent(n)
	if events == nil {
		events = []event.Event{}
	}
	reply(w, events)
}

func reply(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, "internal", "the answer cannot be written as JSON")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(b, '\n'))
}

func fail(w http.ResponseWriter, status int, code, message string) {
	b, _ := json.Marshal(map[string]any{"error": map[string]any{"message": message, "code": code, "details": []string{}}})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
