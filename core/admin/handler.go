package admin

import (
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// Options of [New].
type Options struct {
	Source Source
	Bus    *event.Bus
	Config func() config.Admin // of the running generation
	Addr   func() string       // where the port is reached; "" if it is off
	Done   <-chan struct{}     // closed when the program begins to end: event streams end then. nil: never
	Now    func() time.Time    // default time.Now
}

// Handler answers the API.
type Handler struct {
	options  Options
	mux      *http.ServeMux
	local    *http.ServeMux
	open     map[string]bool // paths that need no token
	sessions sessions
	tries    tries
	readers  readers
}

// New returns the API of o.Source.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{options: o, mux: http.NewServeMux(), local: http.NewServeMux(), open: map[string]bool{}}
	h.sessions.now, h.tries.now = o.Now, o.Now
	h.register(h.mux, h.endpoints(), h.withToken)
	h.register(h.local, append(h.endpoints(), h.localEndpoints()...), guard)
	h.panel()
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "not_found", "there is no "+r.Method+" "+r.URL.Path)
	})
	h.local.Handle("/", h.mux)
	return h
}

// register answers each endpoint at its path, as guard lets it, and refuses
// other methods there.
func (h *Handler) register(mux *http.ServeMux, all []endpoint, guard func(endpoint) http.Handler) {
	methods := map[string][]string{}
	for _, e := range all {
		mux.Handle(e.method+" "+e.path, guard(e))
		methods[e.path] = append(methods[e.path], e.method)
		h.open[e.path] = h.open[e.path] || e.open
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		if i := slices.Index(allowed, http.MethodGet); i >= 0 {
			allowed = slices.Insert(allowed, i+1, http.MethodHead)
		}
		list := strings.Join(allowed, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", list)
			fail(w, http.StatusMethodNotAllowed, "method_not_allowed", r.URL.Path+" answers "+list+" only")
		})
	}
}

// maxBody bounds what a request may bring, in bytes.
const maxBody = 4 << 20

// guard refuses what a form of some page could send, and too large a body.
func guard(e endpoint) http.Handler {
	if e.method == http.MethodGet {
		return e.handle
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if kind != "application/json" && (kind != "" || r.ContentLength != 0) {
			fail(w, http.StatusUnsupportedMediaType, "json_needed", "send the Content-Type application/json")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		e.handle(w, r)
	})
}

// withToken is guard for the port, which other accounts of the machine reach
// too: without a token they could have the program read its owner's files into
// a channel of theirs, or take its keys.
func (h *Handler) withToken(e endpoint) http.Handler {
	guarded := guard(e)
	if !e.manages {
		return guarded
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.options.Config().Token.IsZero() {
			fail(w, http.StatusForbidden, "token_required", "no token guards this port, so nothing can be edited here: set admin.token in the configuration, such as token = env(\"AITUNNEL_ADMIN_TOKEN\"), or use the aitunnel command")
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// Local is the API without the checks that are for a port: for a socket that
// only the user can reach. It also gives links into the panel.
func (h *Handler) Local() http.Handler { return h.local }
