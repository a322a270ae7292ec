package admin

import "net/http"

// undo undoes the newest edit.
func (h *Handler) undo(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.Undo(r.Context())
	edited(w, http.StatusOK, out, err, func() any { return EditResult{OK: true, Reload: out} })
}

func (h *Handler) unknownAnswers(w http.ResponseWriter, _ *http.Request) {
	out, err := h.options.Source.UnknownAnswers()
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) unknownAnswer(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.UnknownAnswer(r.PathValue("key"))
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) forgetUnknown(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	err := h.options.Source.ForgetUnknown(key)
	answer(w, http.StatusOK, EditResult{OK: true, Deleted: key}, err)
}
