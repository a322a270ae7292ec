package admin

import (
	"net/http"
	"strconv"
	"strings"
)

// reload applies the files of the configuration. If-Match may name the
// generation that it expects to replace.
func (h *Handler) reload(w http.ResponseWriter, r *http.Request) {
	m, ok := match(w, r)
	if !ok {
		return
	}
	if m.ETag != "" {
		fail(w, http.StatusBadRequest, "bad_parameter", "If-Match must name a generation, as /api/status does")
		return
	}
	outcome(w, h.options.Source.Reload(r.Context(), m.Generation), nil)
}

// plan is the dry run of a reload, or, with a text in the body, of a reload with that text in
// the file.
func (h *Handler) plan(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Text *string `json:"text"`
		File string  `json:"file"`
	}
	if !read(w, r, &in) {
		return
	}
	var draft *Draft
	if in.Text != nil {
		draft = &Draft{Text: *in.Text, File: in.File}
	}
	out, err := h.options.Source.Plan(r.Context(), draft)
	outcome(w, out, err)
}

// outcome answers with the result of a reload, with its fields at the top level.
func outcome(w http.ResponseWriter, r Reload, err error) {
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	if r.OK {
		reply(w, http.StatusOK, r)
		return
	}
	status, code := refusal(r)
	reply(w, status, FailedReload{r, problem{r.Error, code, r.Diags}})
}

// FailedReload is the answer to a reload or a dry run that failed.
type FailedReload struct {
	Reload
	Error problem `json:"error"`
}

// refusal returns the status and code for a failed reload.
func refusal(r Reload) (status int, code string) {
	if r.Stale {
		return http.StatusPreconditionFailed, "stale"
	}
	return http.StatusUnprocessableEntity, "not_applied"
}

// match reads If-Match: a generation, or the ETag of the text; * or no header matches anything.
func match(w http.ResponseWriter, r *http.Request) (Match, bool) {
	tag := strings.TrimSpace(r.Header.Get("If-Match"))
	if tag == "" || tag == "*" {
		return Match{}, true
	}
	tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
	if n, err := strconv.ParseUint(tag, 10, 64); err == nil && n > 0 {
		return Match{Generation: n}, true
	}
	if !strings.HasPrefix(tag, "c-") {
		fail(w, http.StatusBadRequest, "bad_parameter", "If-Match must be a generation, as /api/status names it, or the ETag of /api/config")
		return Match{}, false
	}
	return Match{ETag: tag}, true
}

// text answers with the configuration as it is written.
func (h *Handler) text(w http.ResponseWriter, r *http.Request) {
	t, err := h.options.Source.Text(r.Context())
	if err == nil {
		w.Header().Set("ETag", `"`+t.ETag+`"`)
	}
	answer(w, http.StatusOK, t, err)
}

// replace replaces the text of a file. It requires If-Match, so that no other edit is overwritten
// unnoticed.
func (h *Handler) replace(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Draft
		Content *string `json:"content"` // the field of the earlier program, which needed no If-Match
	}
	m, ok := match(w, r)
	if !ok || !read(w, r, &in) {
		return
	}
	draft := in.Draft
	if in.Content != nil && draft.Text == "" {
		draft.Text = *in.Content
	} else if r.Header.Get("If-Match") == "" {
		fail(w, http.StatusPreconditionRequired, "match_needed", "send If-Match with the ETag of the text that you changed, or * to overwrite anything")
		return
	}
	out, err := h.options.Source.Replace(r.Context(), draft, m)
	edited(w, http.StatusOK, out, err, func() any { return EditResult{OK: true, Reload: out} })
}

// importChannels adds the channels of a file of the earlier program.
func (h *Handler) importChannels(w http.ResponseWriter, r *http.Request) {
	var in ImportRequest
	m, ok := match(w, r)
	if !ok || !read(w, r, &in) {
		return
	}
	out, err := h.options.Source.Import(r.Context(), in, m)
	edited(w, http.StatusOK, out.Reload, err, func() any { return out })
}

// EditResult is the answer to an edit of the configuration.
type EditResult struct {
	OK      bool   `json:"ok"`
	Name    string `json:"name,omitempty"`    // of the channel
	Channel string `json:"channel,omitempty"` // the one that was added or changed
	Deleted string `json:"deleted,omitempty"` // the channel that was removed
	ID      string `json:"id,omitempty"`      // the key that was removed
	Keys    *Keys  `json:"keys,omitempty"`    // the keys of the channel now
	Reload  Reload `json:"reload"`
}

// edited answers an edit with the result of show, if it was applied.
func edited(w http.ResponseWriter, status int, r Reload, err error, show func() any) {
	switch {
	case err != nil:
		answer(w, 0, nil, err)
	case !r.OK:
		status, code := refusal(r)
		failWith(w, status, code, r.Error, r.Diags, &r)
	default:
		reply(w, status, show())
	}
}
