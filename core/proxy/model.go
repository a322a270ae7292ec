package proxy

import (
	"net/url"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// findModel finds the model that the caller requests. If the beginning of the body
// does not name it, more of the body is read, as far as memory allows.
func (x *exchange) findModel() error {
	b := &x.body
	m, found := dialect.FindModel(x.in, b.head, b.rest == nil)
	for limit := 2 * x.setup.limits.replay; found == dialect.NotYet && b.rest != nil && limit <= x.setup.limits.max; limit *= 2 {
		if err := b.fillMore(limit); err != nil {
			return err
		}
		m, found = dialect.FindModel(x.in, b.head, b.rest == nil)
	}
	x.model = m
	x.record.Model = m.Name
	return nil
}

// mapped returns the parts of the request that change because the picked channel has
// another name for the model.
func (x *exchange) mapped() dialect.Parts {
	p := dialect.Parts{Path: x.path.escaped, Query: x.in.URL.RawQuery, Body: x.body.head, Whole: x.body.rest == nil, Coding: dialect.Coding(x.in.Header)}
	if to, ok := x.mappedModel(); ok {
		x.model.Rename(&p, to)
	}
	return p
}

func (x *exchange) mappedModel() (string, bool) {
	if x.pick.Channel == nil || x.record.Model == "" {
		return "", false
	}
	to, ok := x.pick.Channel.Config.ModelMap[x.record.Model]
	return to, ok && to != x.record.Model
}

// sentModel returns the model by the picked channel's name for it.
func (x *exchange) sentModel() string {
	if to, ok := x.mappedModel(); ok {
		return to
	}
	return x.record.Model
}

// unescapedPath returns an escaped path without its escapes.
func unescapedPath(escaped string) string {
	if path, err := url.PathUnescape(escaped); err == nil {
		return path
	}
	return escaped
}

// PathModel returns the model that a path names, as those of Gemini do; "" if there
// is none.
func PathModel(path string) string { return dialect.PathModel(path) }
