package admin

import "net/http"

// clientEndpoints are the endpoints for clients.
func (h *Handler) clientEndpoints() []endpoint {
	s := h.options.Source
	return []endpoint{
		{method: "GET", path: "/api/clients", access: observes, summary: "All clients with their limits and budgets", handle: show(s.Clients), out: []Client{}},
		{method: "POST", path: "/api/clients", summary: "Add a client to the configuration; its token is shown once", handle: h.addClient, in: ClientSpec{}, out: AddClientResult{}, status: 201, fails: editFails, header: ifMatch},
		{method: "DELETE", path: "/api/clients/{name}", summary: "Remove a client from the configuration", handle: h.removeClient, out: EditResult{}, fails: editFails, header: ifMatch},
	}
}

func (h *Handler) addClient(w http.ResponseWriter, r *http.Request) {
	var in ClientSpec
	m, ok := match(w, r)
	if !ok || !read(w, r, &in) {
		return
	}
	token, out, err := h.options.Source.AddClient(r.Context(), in, m)
	w.Header().Set("Cache-Control", "no-store")
	edited(w, http.StatusCreated, out, err, func() any { return AddClientResult{OK: true, Name: in.Name, Token: token, Reload: out} })
}

func (h *Handler) removeClient(w http.ResponseWriter, r *http.Request) {
	m, ok := match(w, r)
	if !ok {
		return
	}
	name := r.PathValue("name")
	out, err := h.options.Source.RemoveClient(r.Context(), name, m)
	edited(w, http.StatusOK, out, err, func() any { return EditResult{OK: true, Name: name, Deleted: name, Reload: out} })
}
