package dialect

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// ListedModel is a model of a site's list.
type ListedModel struct {
	ID string

	name    string // display name
	created int64  // Unix seconds; 0: unknown
	owner   string
	from    Dialect
	raw     string // JSON of the site; "": only the ID is known
}

// ModelNamed returns a model of which only the ID is known.
func ModelNamed(id string) ListedModel { return ListedModel{ID: id} }

// Renamed returns the model under another ID.
func (m ListedModel) Renamed(id string) ListedModel {
	if m.raw != "" {
		at, value := "id", id
		if m.from == Gemini {
			at, value = "name", geminiModels+id
		}
		raw, err := sjson.Set(m.raw, at, value)
		if err != nil {
			raw = "" // it is listed without its other fields
		}
		m.raw = raw
	}
	m.ID = id
	return m
}

// geminiModels is the prefix of model names in Gemini's API.
const geminiModels = "models/"

// ModelListPath reports whether a path is that of the list of models, or of one model,
// whose id it returns.
func ModelListPath(path string) (id string, ok bool) {
	path = strings.TrimSuffix(path, "/")
	for _, list := range []string{"/v1/models", "/v1beta/models"} {
		if path == list {
			return "", true
		}
		if id, ok := strings.CutPrefix(path, list+"/"); ok && geminiVerb(path) == "" {
			return id, true
		}
	}
	return "", false
}

// ModelListRequest returns the request for a site's list of models, with the largest page
// size.
func ModelListRequest(d Dialect) (path string, header map[string]string) {
	switch d {
	case Anthropic:
		return "/v1/models?limit=1000", map[string]string{"Anthropic-Version": "2023-06-01"}
	case Gemini:
		return "/v1beta/models?pageSize=1000", nil
	}
	return "/v1/models", nil
}

// ReadModelList parses a list of models in the format of any dialect; ok is false if it is
// not one.
func ReadModelList(body []byte) (all []ListedModel, ok bool) {
	if !gjson.ValidBytes(body) {
		return nil, false
	}
	list := gjson.ParseBytes(body)
	switch data, models := list.Get("data"), list.Get("models"); {
	case data.IsArray():
		list = data
	case models.IsArray():
		list = models
	case !list.IsArray(): // some sites send only the array
		return nil, false
	}
	list.ForEach(func(_, v gjson.Result) bool {
		if m, ok := readModel(v); ok {
			all = append(all, m)
		}
		return true
	})
	return all, true
}

func readModel(v gjson.Result) (ListedModel, bool) {
	m := ListedModel{ID: v.Get("id").String(), from: OpenAI, created: v.Get("created").Int(), owner: v.Get("owned_by").String(), raw: v.Raw}
	switch {
	case m.ID == "" && strings.HasPrefix(v.Get("name").String(), geminiModels):
		m.from, m.ID, m.name = Gemini, strings.TrimPrefix(v.Get("name").String(), geminiModels), v.Get("displayName").String()
	case v.Get("display_name").Exists() && v.Get("type").String() == "model":
		m.from, m.name, m.owner = Anthropic, v.Get("display_name").String(), "anthropic"
		if t, err := time.Parse(time.RFC3339, v.Get("created_at").String()); err == nil {
			m.created = t.Unix()
		}
	}
	return m, m.ID != ""
}

// ModelEntry returns a model in the format of a dialect: the site's own JSON if it has the
// same format.
func ModelEntry(d Dialect, m ListedModel) json.RawMessage {
	if m.raw != "" && m.from == d {
		return json.RawMessage(m.raw)
	}
	name := m.name
	if name == "" {
		name = m.ID
	}
	switch d {
	case Anthropic:
		return marshal(map[string]any{"type": "model", "id": m.ID, "display_name": name, "created_at": time.Unix(m.created, 0).UTC().Format(time.RFC3339)})
	case Gemini:
		return marshal(map[string]any{"name": geminiModels + m.ID, "displayName": name, "supportedGenerationMethods": []string{"generateContent", "countTokens"}})
	}
	owner := m.owner
	if owner == "" {
		owner = "unknown"
	}
	return marshal(map[string]any{"id": m.ID, "object": "model", "created": m.created, "owned_by": owner})
}

// ModelPage returns the page of the list for a query; problem says what is wrong with the
// query, "" if nothing is.
func ModelPage(d Dialect, all []ListedModel, query url.Values) (body []byte, problem string) {
	switch d {
	case Anthropic:
		return anthropicPage(all, query)
	case Gemini:
		return geminiPage(all, query)
	}
	return marshal(map[string]any{"object": "list", "data": entries(OpenAI, all)}), ""
}

func entries(d Dialect, all []ListedModel) []json.RawMessage {
	out := make([]json.RawMessage, len(all))
	for i, m := range all {
		out[i] = ModelEntry(d, m)
	}
	return out
}

// pageSize returns the page size in a query; 0 if it is invalid.
func pageSize(query url.Values, name string, byDefault int) int {
	text := query.Get(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0
	}
	return min(n, 1000)
}

func indexOf(all []ListedModel, id string) int {
	return slices.IndexFunc(all, func(m ListedModel) bool { return m.ID == id })
}

func anthropicPage(all []ListedModel, query url.Values) (body []byte, problem string) {
	size := pageSize(query, "limit", 20)
	if size == 0 {
		return nil, "limit must be a number from 1 to 1000"
	}
	from, to := 0, len(all)
	if after := query.Get("after_id"); after != "" {
		from = indexOf(all, after) + 1
		to = min(to, from+size)
	} else if before := query.Get("before_id"); before != "" {
		to = max(0, indexOf(all, before))
		from = max(0, to-size)
	} else {
		to = min(to, size)
	}
	page := all[from:to]
	more := to < len(all)
	if query.Get("before_id") != "" {
		more = from > 0
	}
	var first, last any // null on an empty page
	if len(page) > 0 {
		first, last = page[0].ID, page[len(page)-1].ID
	}
	return marshal(map[string]any{"data": entries(Anthropic, page), "has_more": more, "first_id": first, "last_id": last}), ""
}

// geminiPage uses the ID of the last model as the token of the next page.
func geminiPage(all []ListedModel, query url.Values) (body []byte, problem string) {
	size := pageSize(query, "pageSize", 50)
	if size == 0 {
		return nil, "pageSize must be a number from 1 to 1000"
	}
	from := 0
	if token := query.Get("pageToken"); token != "" {
		if from = indexOf(all, token) + 1; from == 0 {
			return nil, "pageToken is not valid for this list"
		}
	}
	to := min(len(all), from+size)
	page := map[string]any{"models": entries(Gemini, all[from:to])}
	if to < len(all) {
		page["nextPageToken"] = all[to-1].ID
	}
	return marshal(page), ""
}
