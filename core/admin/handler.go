package admin

import (
	"net/http"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/panel"
)

// Access is how the running configuration restricts the use of the port.
type Access struct {
	config.Admin      // its token is never empty: by default it is generated
	OpenReading  bool // reading, toggle, switch and check need no token: for configurations of the earlier program
}

// Options of [New].
type Options struct {
	Source Source
	Bus    *event.Bus
	Access func() Access
	Addr   func() string    // of the port; "" if it is off
	Done   <-chan struct{}  // closed when the program stops, which ends event streams; nil: never
	Now    func() time.Time // in the time zone of days; default time.Now

	// SessionFile stores the sessions of browsers, so that they survive a restart; "": in
	// memory only.
	SessionFile string
}

// Handler answers the API.
type Handler struct {
	options  Options
	mux      *http.ServeMux
	local    *http.ServeMux
	access   map[string]access // by the pattern of the mux
	sessions sessions
	tries    tries
	readers  readers
}

// New returns the API of o.Source.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{options: o, mux: http.NewServeMux(), local: http.NewServeMux(), access: map[string]access{}}
	h.sessions.now, h.tries.now = o.Now, o.Now
	h.sessions.load(o.SessionFile)
	h.register(h.mux, h.endpoints())
	h.register(h.local, h.localEndpoints())
	panel.Register(h.mux)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "not_found", "there is no endpoint "+r.Method+" "+r.URL.Path)
	})
	h.local.Handle("/", h.mux)
	return h
}

// Local returns the API without the checks of the port, for a socket that only its
// owner can open. It also gives links into the panel.
func (h *Handler) Local() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.local.ServeHTTP(w, h.withOrigin(r)) })
}
