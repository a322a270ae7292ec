package control

import (
	"context"
	"encoding/json"
	"net/http"
)

// Handler answers the requests of this package, and passes all others to api. Each
// answer contains the version. stop is called with an [Ending], unless check returns
// an error; the answer contains what check reports as unsaved. failed returns why the
// last restart failed, "" if it did not.
func Handler(version string, api http.Handler, check func(context.Context, Ending) (unsaved string, err error), stop func(Ending), failed func() string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("GET "+PathRestart, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(Restart{failed()})
	})
	mux.HandleFunc("POST "+PathStop, func(w http.ResponseWriter, r *http.Request) {
		var e Ending
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&e); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		unsaved, err := check(r.Context(), e)
		if err != nil {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": err.Error(), "code": "not_restarted"}})
			return
		}
		if unsaved == "" {
			w.WriteHeader(http.StatusNoContent)
		} else {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(Stopping{unsaved})
		}
		_ = http.NewResponseController(w).Flush()
		stop(e)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(VersionHeader, version)
		mux.ServeHTTP(w, r)
	})
}
