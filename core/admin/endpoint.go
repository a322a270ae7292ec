package admin

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// endpoint is one method at one path. The handlers are registered from these,
// and the OpenAPI document is made from them.
type endpoint struct {
	method, path string
	summary      string
	handle       http.HandlerFunc
	access       access // who may use it at the port
	status       int    // of success; default 200
	in, out      any    // zero values of the bodies; nil: none
	kind         string // of the answer; default application/json
	fails        []int  // other answers, in addition to those that all have
	refused      any    // the body if the configuration cannot be applied; default an error only
	query        []parameter
	header       []parameter
}

// access is what a request to the port needs. The socket needs nothing, since only its owner can
// open it.
type access int

const (
	// By default the token is always required: for what reads files, or changes the
	// configuration, channels, keys or plugins.
	_ access = iota // the default
	// observes is for reading, and for actions that all users of the machine may take; it needs
	// no token if [Access.OpenReading] is set.
	observes
	// metrics needs no token if admin.open_metrics is set.
	metricsOnly
	// public needs no token.
	public
)

// parameter is a parameter of a query, or a header.
type parameter struct{ name, doc string }

// register registers each endpoint at its path, and refuses other methods there.
func (h *Handler) register(mux *http.ServeMux, all []endpoint) {
	methods := map[string][]string{}
	for _, e := range all {
		pattern := e.method + " " + e.path
		mux.Handle(pattern, guard(e))
		methods[e.path] = append(methods[e.path], e.method)
		h.access[pattern] = e.access
		h.access[e.path] = max(h.access[e.path], e.access)
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		if i := slices.Index(allowed, http.MethodGet); i >= 0 {
			allowed = slices.Insert(allowed, i+1, http.MethodHead)
		}
		list := strings.Join(allowed, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", list)
			fail(w, http.StatusMethodNotAllowed, "method_not_allowed", r.URL.Path+" supports only "+list)
		})
	}
}

// maxBody is the maximum size of the body of a request, in bytes.
const maxBody = 4 << 20

// guard refuses requests that an HTML form of another site could send, and bodies that are too
// large.
func guard(e endpoint) http.Handler {
	if e.method == http.MethodGet {
		return e.handle
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if kind != "application/json" && (kind != "" || r.ContentLength != 0) {
			fail(w, http.StatusUnsupportedMediaType, "json_needed", "send the header Content-Type: application/json")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		e.handle(w, r)
	})
}
