package proxy

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// geminiModel is the model that a path such as
// /v1beta/models/gemini-2.0-flash:generateContent names.
func geminiModel(path string) string {
	_, rest, ok := strings.Cut(path, "/models/")
	if !ok {
		return ""
	}
	model, verb, ok := strings.Cut(rest, ":")
	if !ok || verb == "" || strings.Contains(model, "/") {
		return ""
	}
	return model
}

// modelOf is the model a request asks for: the top-level "model" of a JSON
// body, or what a Gemini path names. It reads no further into the body than it
// must.
func modelOf(path string, body []byte) string {
	if m := geminiModel(path); m != "" {
		return m
	}
	if !isObject(body) {
		return ""
	}
	if m := gjson.GetBytes(body, "model"); m.Type == gjson.String {
		return m.Str
	}
	return ""
}

// PathModel is the model that a path names, as those of Gemini do; "" if it
// names none.
func PathModel(path string) string { return geminiModel(path) }

func isObject(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return c == '{'
	}
	return false
}

// mapped is the held part of the body with the model that the picked channel
// calls by another name.
func (x *exchange) mapped() []byte {
	to, ok := x.mapModel()
	if !ok || geminiModel(x.in.URL.Path) != "" {
		return x.body.head
	}
	if x.body.rest == nil {
		if b, err := sjson.SetBytes(x.body.head, "model", to); err == nil {
			return b
		}
		return x.body.head
	}
	// Only the beginning of the body is at hand: replace the bytes of the value.
	v := gjson.GetBytes(x.body.head, "model")
	if v.Index == 0 {
		return x.body.head
	}
	quoted, _ := sjson.SetBytes(nil, "m", to)
	raw := gjson.GetBytes(quoted, "m").Raw
	return slices.Concat(x.body.head[:v.Index], []byte(raw), x.body.head[v.Index+len(v.Raw):])
}

func (x *exchange) mapModel() (string, bool) {
	if x.pick.Channel == nil || x.record.Model == "" {
		return "", false
	}
	to, ok := x.pick.Channel.Config.ModelMap[x.record.Model]
	return to, ok && to != x.record.Model
}

// sentModel is the model by the name that the picked channel is told.
func (x *exchange) sentModel() string {
	if to, ok := x.mapModel(); ok {
		return to
	}
	return x.record.Model
}
