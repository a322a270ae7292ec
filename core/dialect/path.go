package dialect

import "strings"

// CleanPath returns the path, or escaped path, that a caller means who joined a base
// address and a path badly: no slash twice, no version twice, and Anthropic's
// /messages with the version that it needs.
func CleanPath(path string) string {
	if strings.Contains(path, "//") {
		path = singleSlashes(path)
	}
	for {
		version, rest := firstVersion(path)
		if version == "" || !strings.HasPrefix(rest, "/"+version+"/") {
			break
		}
		path = rest
	}
	if path == "/messages" || strings.HasPrefix(path, "/messages/") {
		return "/v1" + path
	}
	return path
}

// singleSlashes makes one slash of several, but for those of an address that
// the path holds.
func singleSlashes(path string) string {
	b := make([]byte, 0, len(path))
	for i := range len(path) {
		if n := len(b); path[i] == '/' && n > 0 && b[n-1] == '/' && (n < 2 || b[n-2] != ':') {
			continue
		}
		b = append(b, path[i])
	}
	return string(b)
}

// firstVersion returns the version that a path begins with, and what follows it:
// "v1" and "/models" of "/v1/models".
func firstVersion(path string) (version, rest string) {
	segment, after, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !isVersion(segment) {
		return "", path
	}
	if more {
		after = "/" + after
	}
	return segment, after
}

// cutLast splits a path before its last segment.
func cutLast(path string) (parent, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// apiPaths are those that users give as a target because a site's page shows
// them whole.
var apiPaths = []string{"", "/chat/completions", "/completions", "/responses", "/messages", "/embeddings", "/models"}

// JoinPath joins the path of a channel's target with that of a request. What
// the target ends with and the request begins with is there once: ".../v1" and
// "/v1/models" are ".../v1/models", and so are ".../v1/chat/completions" and
// "/v1/models". Where the target has another version, it counts instead of the
// v1 that clients send: ".../v4" and "/v1/models" are ".../v4/models". overlap
// says that there was such a part.
func JoinPath(base, path string) (joined string, overlap bool) {
	base = strings.TrimSuffix(base, "/")
	if base == "" {
		return path, false
	}
	if version, rest := firstVersion(path); version != "" {
		for _, tail := range apiPaths {
			root, ok := strings.CutSuffix(base, tail)
			switch parent, last := cutLast(root); {
			case !ok:
			case isVersion(last) && (last == version || version != "v1"):
				return parent + path, true
			case isVersion(last):
				return root + rest, true
			case last == "openai" && strings.HasSuffix(parent, "/v1beta"), tail != "" && rest == tail:
				return root + rest, true
			}
		}
	}
	for i := 0; i < len(base); i++ {
		if base[i] != '/' {
			continue
		}
		if end := base[i:]; strings.HasPrefix(path, end) && (len(path) == len(end) || path[len(end)] == '/') {
			return base[:i] + path, true
		}
	}
	return base + path, false
}
