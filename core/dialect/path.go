package dialect

import "strings"

// CleanPath corrects a path, or escaped path, of a caller that has joined a base address
// and a path badly: it removes double slashes and double versions, and adds the missing
// version to Anthropic's /messages.
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

// singleSlashes replaces several slashes by one, except in a URL inside the path.
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

// firstVersion splits a path after its version: "/v1/models" into "v1" and "/models".
func firstVersion(path string) (version, rest string) {
	after := strings.TrimPrefix(path, "/")
	if i := strings.IndexByte(after, '/'); i >= 0 {
		version, after = after[:i], after[i:]
	} else {
		version, after = after, ""
	}
	if !isVersion(version) {
		return "", path
	}
	return version, after
}

// cutLast splits a path before its last segment.
func cutLast(path string) (parent, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// apiPaths are the ends of addresses that users set as a target, since sites show the whole
// address.
var apiPaths = []string{"", "/chat/completions", "/completions", "/responses", "/messages", "/embeddings", "/models"}

// JoinPath joins the path of a channel's target with that of a request, without the part
// in which they overlap: ".../v1" and "/v1/models" become ".../v1/models", and so do
// ".../v1/chat/completions" and "/v1/models". Another version in the target replaces the
// v1 that clients send: ".../v4" and "/v1/models" become ".../v4/models". overlap reports
// whether there was such a part.
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
