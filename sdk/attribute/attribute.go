// Package attribute has the rules for attributes, which are the parts of requests that plans
// ask for. aitunnel and the test kit share them; a plugin with settings that name attributes
// checks them with [IsValid].
package attribute

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Max is how much a plugin gets of one attribute, in bytes.
const Max = 16 << 10

// MaxName is the maximum length of an attribute's name, in bytes.
const MaxName = 200

// IsValid reports whether a plan may name the attribute: header.NAME, query.NAME, body.PATH,
// model or client. A block may still have to expose it; see [IsExposed].
func IsValid(name string) bool {
	kind, rest, dot := strings.Cut(name, ".")
	switch kind {
	case "header", "query", "body":
		return len(name) <= MaxName && rest != ""
	case "model", "client":
		return !dot
	}
	return false
}

// Cut returns at most n bytes of s. It splits no character.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n] // it is not UTF-8
}

// IsExposed reports whether a block that exposes these parts of the body exposes name.
func IsExposed(name string, exposed []string) bool {
	return slices.ContainsFunc(exposed, func(part string) bool { return name == part || strings.HasPrefix(name, part+".") })
}

// IsCredential reports whether a header or a query parameter with this name can hold a
// credential. Plugins never get those.
func IsCredential(name string) bool {
	switch name = strings.ToLower(name); name {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-goog-api-key", "api-key", "key", "token", "access_token", "api_key":
		return true
	}
	return strings.HasSuffix(name, "-token") || strings.HasSuffix(name, "-key") || strings.Contains(name, "secret")
}
