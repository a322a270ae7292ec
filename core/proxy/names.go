package proxy

import (
	"net/http"
	"net/url"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// findModel finds the model that the caller requests. If the beginning of the body
// does not name it, more of the body is read, as far as memory allows.
func (x *exchange) findModel() error {
	b := &x.body
	m, found := dialect.FindModel(x.in, b.head, b.rest == nil)
	for limit := 2 * x.setup.limits.replay; found == dialect.Incomplete && b.rest != nil && limit <= x.setup.limits.max; limit *= 2 {
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

// storesObjects reports whether requests like this one create objects that a site
// stores, or name such objects.
func (x *exchange) storesObjects() bool {
	return x.endpoint == dialect.Files || x.format == dialect.Responses
}

// findObject finds an object that the request names, if it is known which channel and
// key created it: others do not have it.
func (x *exchange) findObject() {
	if !x.handler.registry.HasObjects() {
		return
	}
	for _, id := range dialect.NamedObjects(x.in, x.body.head) {
		if _, _, ok := x.handler.registry.ObjectOwner(id); ok {
			x.object = id
			return
		}
	}
}

// rememberObjects records who created the objects that an answer names.
func (x *exchange) rememberObjects(h http.Header, data []byte) {
	if !x.storesObjects() {
		return
	}
	for _, id := range dialect.CreatedObjects(x.path.path, h, data) {
		if x.pick.Key != nil {
			x.handler.registry.RememberObject(id, x.pick.Channel.State, x.pick.Key.State)
		} else {
			x.handler.registry.RememberObject(id, x.pick.Channel.State, nil)
		}
	}
}
