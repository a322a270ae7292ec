// Package attribute contains the rules for attributes: the parts of requests that plans
// name. aitunnel and package sdktest use it too. A plugin whose settings name attributes
// checks them with [IsValid].
package attribute

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Max is the maximum length of the value of an attribute, in bytes; the rest is cut off.
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

// Cut returns the first n bytes of s at most, without splitting a character.
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

// IsExposed reports whether name is among the parts of the body that a block exposes.
func IsExposed(name string, exposed []string) bool {
	return slices.ContainsFunc(exposed, func(part string) bool { return name == part || strings.HasPrefix(name, part+".") })
}

// IsCredential reports whether a header or a query parameter with this name can hold a
// credential. Plugins never get such values.
func IsCredential(name string) bool {
	switch name = strings.ToLower(name); name {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-goog-api-key", "api-key", "key", "token", "access_token", "api_key":
		return true
	}
	return strings.HasSuffix(name, "-token") || strings.HasSuffix(name, "-key") || strings.Contains(name, "secret")
}
