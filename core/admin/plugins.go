package admin

import "net/http"

func (h *Handler) restartPlugin(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.RestartPlugin(r.Context(), r.PathValue("name"))
	outcome(w, out, err)
}
