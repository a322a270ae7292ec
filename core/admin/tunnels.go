package admin

import "net/http"

func (h *Handler) retryTunnel(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.RetryTunnel(r.PathValue("name"))
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) testTunnel(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.TestTunnel(r.Context(), r.PathValue("name"))
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) trustTunnel(w http.ResponseWriter, r *http.Request) {
	var in HostKeyTrust
	if !read(w, r, &in) {
		return
	}
	out, err := h.options.Source.TrustTunnel(r.Context(), r.PathValue("name"), in)
	answer(w, http.StatusOK, out, err)
}
