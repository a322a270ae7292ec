package config

import (
	"fmt"
	"slices"
	"strings"
)

// MatchPath reports whether a route's pattern matches the path: "/v1/**" matches /v1 and
// everything below it, "/v1/*" exactly one segment below /v1, anything else only itself.
func MatchPath(pattern, path string) bool {
	if base, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(path, base) && (len(path) == len(base) || path[len(base)] == '/')
	}
	if base, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(path, base+"/") && len(path) > len(base)+1 && strings.IndexByte(path[len(base)+1:], '/') < 0
	}
	return pattern == path
}

// MatchModel reports whether a model pattern matches the model; "*" matches any
// run of characters.
func MatchModel(pattern, model string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == model
	}
	if !strings.HasPrefix(model, head) {
		return false
	}
	model = model[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(model, part)
		}
		i := strings.Index(model, part)
		if i < 0 {
			return false
		}
		model, rest = model[i+len(part):], next
	}
}

func checkPath(pattern string) error {
	switch {
	case !strings.HasPrefix(pattern, "/"):
		return fmt.Errorf("the path %q must begin with a slash, such as \"/v1/**\"", pattern)
	case strings.ContainsAny(pattern, "?#"):
		return fmt.Errorf("the path %q must not contain a query or fragment", pattern)
	}
	base := strings.TrimSuffix(strings.TrimSuffix(pattern, "/**"), "/*")
	if strings.Contains(base, "*") {
		return fmt.Errorf("in the path %q a star is allowed only as the last segment: \"/v1/*\" for one segment, \"/v1/**\" for all below", pattern)
	}
	return nil
}

// covers reports whether pattern a matches every path that b matches.
func covers(a, b string) bool {
	if base, ok := strings.CutSuffix(b, "/**"); ok {
		a, ok := strings.CutSuffix(a, "/**")
		return ok && MatchPath(a+"/**", base+"/")
	}
	if base, ok := strings.CutSuffix(b, "/*"); ok {
		return a == b || strings.HasSuffix(a, "/**") && MatchPath(a, base+"/x")
	}
	return MatchPath(a, b)
}

// coversModels reports whether the patterns a match every model that b matches. An empty list
// matches every model.
func coversModels(a, b []string) bool {
	if len(a) == 0 || slices.Contains(a, "*") {
		return true
	}
	for _, model := range b {
		// Only a star matches a star in model.
		if !slices.ContainsFunc(a, func(p string) bool { return MatchModel(p, model) }) {
			return false
		}
	}
	return len(b) > 0
}
