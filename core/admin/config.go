package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// reload applies the files of the configuration. If-Match may name the
// generation that is to be replaced.
func (h *Handler) reload(w http.ResponseWriter, r *http.Request) {
	generation := uint64(0)
	if tag := strings.Trim(r.Header.Get("If-Match"), `"`); tag != "" && tag != "*" {
		var err error
		if generation, err = strconv.ParseUint(tag, 10, 64); err != nil || generation == 0 {
			fail(w, http.StatusBadRequest, "bad_parameter", "If-Match must name a generation, as /api/status does")
			return
		}
	}
	h.outcome(w, h.options.Source.Reload(r.Context(), "POST /api/config/reload", generation))
}

// plan says what a reload would do.
func (h *Handler) plan(w http.ResponseWriter, r *http.Request) {
	h.outcome(w, h.options.Source.Plan(r.Context()))
}

func (h *Handler) outcome(w http.ResponseWriter, r Reload) {
	status := http.StatusOK
	switch {
	case r.OK:
	case r.Stale:
		status = http.StatusPreconditionFailed
	default:
		status = http.StatusUnprocessableEntity
	}
	var out any = r
	if !r.OK {
		code := map[int]string{http.StatusPreconditionFailed: "stale", http.StatusUnprocessableEntity: "not_applied"}[status]
		out = struct {
			Reload
			Error map[string]any `json:"error"`
		}{r, map[string]any{"message": r.Error, "code": code, "details": r.Diags}}
	}
	b, err := json.Marshal(out)
	if err != nil {
		fail(w, http.StatusInternalServerError, "internal", "the answer cannot be written as JSON")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
