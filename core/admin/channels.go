package admin

import (
	"net/http"
)

// toggling is the body of a toggle; without enabled, the state is inverted.
type toggling struct {
	Enabled *bool `json:"enabled,omitempty"`
}

func (h *Handler) toggle(w http.ResponseWriter, r *http.Request) {
	var in toggling
	if !read(w, r, &in) {
		return
	}
	name := r.PathValue("name")
	enabled, err := h.options.Source.Toggle(name, in.Enabled)
	out := h.channel(name)
	out.Enabled = enabled
	answer(w, http.StatusOK, out, err)
}

// channel returns the current state of one channel.
func (h *Handler) channel(name string) Channel {
	for _, ch := range h.options.Source.Channels() {
		if ch.Name == name {
			return ch
		}
	}
	return Channel{Name: name}
}

// PreferResult says whether a channel is preferred on its routes.
type PreferResult struct {
	Name  string `json:"name"`
	First bool   `json:"first"`
}

// switching is the body of a switch; without on, the channel is preferred.
type switching struct {
	On *bool `json:"on,omitempty"`
}

func (h *Handler) prefer(w http.ResponseWriter, r *http.Request) {
	var in switching
	if !read(w, r, &in) {
		return
	}
	name, on := r.PathValue("name"), in.On == nil || *in.On
	err := h.options.Source.Prefer(name, on)
	answer(w, http.StatusOK, PreferResult{name, on}, err)
}

func (h *Handler) check(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.Check(r.Context(), r.PathValue("name"))
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) models(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.Models(r.Context(), r.PathValue("name"))
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) try(w http.ResponseWriter, r *http.Request) {
	var in TryRequest
	if !read(w, r, &in) {
		return
	}
	out, err := h.options.Source.Try(r.Context(), r.PathValue("name"), in)
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) addChannel(w http.ResponseWriter, r *http.Request) {
	var in ChannelSpec
	m, ok := match(w, r)
	if !ok || !read(w, r, &in) {
		return
	}
	out, err := h.options.Source.AddChannel(r.Context(), in, m)
	edited(w, http.StatusCreated, out, err, func() any { return EditResult{OK: true, Name: in.Name, Channel: in.Name, Reload: out} })
}

func (h *Handler) changeChannel(w http.ResponseWriter, r *http.Request) {
	var in ChannelSpec
	m, ok := match(w, r)
	if !ok || !read(w, r, &in) {
		return
	}
	name := r.PathValue("name")
	out, err := h.options.Source.ChangeChannel(r.Context(), name, in, m)
	edited(w, http.StatusOK, out, err, func() any { return EditResult{OK: true, Name: name, Channel: name, Reload: out} })
}

func (h *Handler) removeChannel(w http.ResponseWriter, r *http.Request) {
	m, ok := match(w, r)
	if !ok {
		return
	}
	name := r.PathValue("name")
	out, err := h.options.Source.RemoveChannel(r.Context(), name, m)
	edited(w, http.StatusOK, out, err, func() any { return EditResult{OK: true, Name: name, Deleted: name, Reload: out} })
}

// AddKeyResult is the answer to adding a key.
type AddKeyResult struct {
	Key
	Name   string `json:"name"` // of the channel
	Keys   Keys   `json:"keys"` // the keys of the channel now
	Reload Reload `json:"reload"`
}

func (h *Handler) addKey(w http.ResponseWriter, r *http.Request) {
	type object KeySpec // a key as a string is for the list of a channel
	var in object
	m, ok := match(w, r)
	if !ok || !read(w, r, &in) {
		return
	}
	name := r.PathValue("name")
	key, out, err := h.options.Source.AddKey(r.Context(), name, KeySpec(in), m)
	edited(w, http.StatusCreated, out, err, func() any { return AddKeyResult{key, name, h.channel(name).Keys, out} })
}

func (h *Handler) removeKey(w http.ResponseWriter, r *http.Request) {
	m, ok := match(w, r)
	if !ok {
		return
	}
	name, key := r.PathValue("name"), r.PathValue("key")
	out, err := h.options.Source.RemoveKey(r.Context(), name, key, m)
	edited(w, http.StatusOK, out, err, func() any {
		keys := h.channel(name).Keys
		return EditResult{OK: true, Name: name, ID: key, Keys: &keys, Reload: out}
	})
}

func (h *Handler) explain(w http.ResponseWriter, r *http.Request) {
	var in ExplainRequest
	if !read(w, r, &in) {
		return
	}
	out, err := h.options.Source.Explain(r.Context(), in)
	answer(w, http.StatusOK, out, err)
}

func (h *Handler) restartPlugin(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.RestartPlugin(r.Context(), r.PathValue("name"))
	outcome(w, out, err)
}
