package dialect

import (
	"encoding/base64"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Style says where a request has its key. The values are those of a channel's auth
// setting.
type Style string

// The styles.
const (
	StyleAuto        Style = "auto" // that of the dialect
	StyleBearer      Style = "bearer"
	StyleXAPIKey     Style = "x-api-key"
	StyleXGoogAPIKey Style = "x-goog-api-key"
	StyleQuery       Style = "query"
	StyleNone        Style = "none"
	StylePassthrough Style = "passthrough"
)

// Auth says where requests to a channel have their key.
type Auth struct {
	Style Style
	Param string // the query parameter of StyleQuery
}

// credentialHeaders are the headers in which clients send keys.
var credentialHeaders = []string{"Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// protocolHeader is the header in which browsers, which can set no other header for a
// WebSocket, send the key for OpenAI's realtime API.
const (
	protocolHeader = "Sec-Websocket-Protocol"
	protocolKey    = "openai-insecure-api-key."
)

// Credentials returns all values that may be the caller's token, wherever clients of the
// APIs put one. It does not include cookies, which a browser sends for any page.
func Credentials(h http.Header, query string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range credentialHeaders {
			for _, v := range h[name] {
				if !eachSecret(v, yield) {
					return
				}
			}
		}
		for _, v := range h[protocolHeader] {
			for item := range strings.SplitSeq(v, ",") {
				if key, ok := protocolSecret(item); ok && !yield(key) {
					return
				}
			}
		}
		for part := range queryParts(query) {
			if v, ok := part.secret(); ok && !yield(v) {
				return
			}
		}
	}
}

// RemoveCredentials removes the caller's credentials from h, which it changes, and from
// query, which it returns. drop says which to remove; nil means all. Cookies are always
// removed. The slices of values in h are not written to.
func RemoveCredentials(h http.Header, query string, drop func(value string) bool) string {
	delete(h, "Cookie")
	delete(h, "Cookie2")
	dropped := func(value string) bool {
		return drop == nil || !eachSecret(value, func(v string) bool { return !drop(v) })
	}
	for _, name := range credentialHeaders {
		keepValues(h, name, dropped)
	}
	removeProtocols(h, drop)
	if !mayHoldKey(query) {
		return query
	}
	var kept strings.Builder
	anyKept := false
	for part := range queryParts(query) {
		if v, ok := part.secret(); ok && (drop == nil || drop(v)) {
			continue
		}
		if anyKept {
			kept.WriteString(part.separator)
		}
		anyKept = true
		kept.WriteString(part.text)
	}
	return kept.String()
}

func keepValues(h http.Header, name string, dropped func(string) bool) {
	values := h[name]
	if !slices.ContainsFunc(values, dropped) {
		return
	}
	if len(values) == 1 {
		delete(h, name)
		return
	}
	kept := slices.DeleteFunc(slices.Clone(values), dropped)
	if len(kept) == 0 {
		delete(h, name)
		return
	}
	h[name] = kept
}

func removeProtocols(h http.Header, drop func(string) bool) {
	dropped := func(item string) bool {
		key, ok := protocolSecret(item)
		return ok && (drop == nil || drop(key))
	}
	var kept []string
	changed := false
	for _, v := range h[protocolHeader] {
		items := strings.Split(v, ",")
		n := len(items)
		items = slices.DeleteFunc(items, dropped)
		changed = changed || len(items) < n
		if len(items) > 0 {
			kept = append(kept, strings.TrimSpace(strings.Join(items, ",")))
		}
	}
	switch {
	case !changed:
	case len(kept) == 0:
		delete(h, protocolHeader)
	default:
		h[protocolHeader] = kept
	}
}

// eachSecret yields the possible secrets in a header's value: the value without its
// scheme, which some clients repeat, or the user and password of Basic.
func eachSecret(value string, yield func(string) bool) bool {
	scheme, rest, ok := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case ok && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token") || strings.EqualFold(scheme, "key")):
		return eachSecret(strings.Trim(rest, "\"'"), yield)
	case ok && strings.EqualFold(scheme, "basic"):
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return yield(rest)
		}
		user, password, _ := strings.Cut(string(plain), ":")
		return (user == "" || yield(user)) && (password == "" || yield(password))
	}
	return yield(value)
}

func protocolSecret(item string) (string, bool) {
	return strings.CutPrefix(strings.TrimSpace(item), protocolKey)
}

// queryPart is one name=value of a query, still escaped.
type queryPart struct {
	separator string // before it: "&" or ";"
	text      string
}

// queryParts splits a query at "&", and at ";" as some servers do.
func queryParts(query string) iter.Seq[queryPart] {
	return func(yield func(queryPart) bool) {
		separator := ""
		for query != "" {
			i := strings.IndexAny(query, "&;")
			if i < 0 {
				yield(queryPart{separator, query})
				return
			}
			if !yield(queryPart{separator, query[:i]}) {
				return
			}
			separator, query = query[i:i+1], query[i+1:]
		}
		if separator != "" {
			yield(queryPart{separator, ""})
		}
	}
}

// secret returns the value of a part whose name is one for keys.
func (p queryPart) secret() (string, bool) {
	name, value, _ := strings.Cut(p.text, "=")
	if !isKeyParam(unescape(name)) {
		return "", false
	}
	return unescape(value), true
}

func isKeyParam(name string) bool {
	switch strings.ToLower(name) {
	case "key", "api_key", "api-key", "apikey", "access_token":
		return true
	}
	return false
}

// mayHoldKey is a quick check of a whole query.
func mayHoldKey(query string) bool {
	return query != "" && (strings.ContainsAny(query, "%+") || containsFold(query, "key") || containsFold(query, "access_token"))
}

func containsFold(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

// unescape returns s decoded, or unchanged if it cannot be decoded.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// AddKey adds the key to a request to a channel: to h, which it changes, or to query, which
// it returns. in is the caller's request.
func (a Auth) AddKey(in *http.Request, h http.Header, query, key string) string {
	style, param := a.Style, a.Param
	if style == StyleAuto || style == "" {
		style = Of(in).Style()
		if isLivePath(in.URL.Path) && hasParam(in.URL.RawQuery, geminiKeyParam) {
			style, param = StyleQuery, geminiKeyParam // like the caller
		}
	}
	switch style {
	case StyleBearer:
		h["Authorization"] = []string{"Bearer " + key}
	case StyleXAPIKey:
		h["X-Api-Key"] = []string{key}
	case StyleXGoogAPIKey:
		h["X-Goog-Api-Key"] = []string{key}
	case StyleQuery:
		if query != "" {
			query += "&"
		}
		query += url.QueryEscape(param) + "=" + url.QueryEscape(key)
	}
	return query
}

func hasParam(query, name string) bool {
	for part := range queryParts(query) {
		n, _, _ := strings.Cut(part.text, "=")
		if unescape(n) == name {
			return true
		}
	}
	return false
}
