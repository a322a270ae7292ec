package proxy

import (
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
)

// keyParam is the query parameter in which Gemini clients send their key.
const keyParam = "key"

// credentials are the values by which the caller may prove who it is.
func credentials(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range []string{"Authorization", "Proxy-Authorization", "X-Api-Key", "X-Goog-Api-Key"} {
			for _, v := range r.Header[name] {
				if !yield(bearer(v)) {
					return
				}
			}
		}
		for _, v := range queryValues(r.URL.RawQuery, keyParam) {
			if !yield(v) {
				return
			}
		}
	}
}

func bearer(v string) string {
	if len(v) > 7 && strings.EqualFold(v[:7], "bearer ") {
		return strings.TrimSpace(v[7:])
	}
	return v
}

func queryValues(raw, name string) []string {
	if !strings.Contains(raw, name) {
		return nil
	}
	values, _ := url.ParseQuery(raw) // what cannot be parsed is no credential
	return values[name]
}

// without removes the caller's own credentials from h and query; keep says
// which values stay, nil: none.
func without(h http.Header, query string, keep func(value string) bool) string {
	for _, name := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key"} {
		if v := first(h, name); v != "" && (keep == nil || !keep(bearer(v))) {
			delete(h, name)
		}
	}
	if !strings.Contains(query, keyParam) {
		return query
	}
	kept := []string{}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if n, err := url.QueryUnescape(name); err == nil && n == keyParam {
			if v, err := url.QueryUnescape(value); keep == nil || err != nil || !keep(v) {
				continue
			}
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, "&")
}

// carry puts the key on a request in the channel's way.
func carry(a config.Auth, speaks api, h http.Header, query string, key config.Secret) string {
	style := a.Style
	if style == config.AuthAuto {
		style = [...]config.AuthStyle{openAI: config.AuthBearer, anthropic: config.AuthXAPIKey, gemini: config.AuthXGoogAPIKey}[speaks]
	}
	switch style {
	case config.AuthBearer:
		h["Authorization"] = []string{"Bearer " + key.Reveal()}
	case config.AuthXAPIKey:
		h["X-Api-Key"] = []string{key.Reveal()}
	case config.AuthXGoogAPIKey:
		h["X-Goog-Api-Key"] = []string{key.Reveal()}
	case config.AuthQuery:
		if query != "" {
			query += "&"
		}
		query += url.QueryEscape(a.Param) + "=" + url.QueryEscape(key.Reveal())
	}
	return query
}
