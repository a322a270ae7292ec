package dialect

import (
	"net/http"
	"strconv"
	"strings"
)

// KeepAliveBytes returns what can be sent to a waiting caller between two events without
// changing the answer; nil if nothing can. For most clients any bytes do. With asEvent it
// is an event if the format has one, for clients that comments do not keep waiting.
func KeepAliveBytes(f Format, framing Framing, asEvent bool) []byte {
	switch framing {
	case SSE:
		if ping := f.ping(); ping != nil && (asEvent || f == Messages) {
			return ping
		}
		if f == GenerateContent {
			return []byte("\n\n") // Google's SDKs fail on comments, but not on blank lines
		}
		return []byte(": keep-alive\n\n")
	case Document, Array:
		return []byte("\n")
	}
	return nil
}

// AcceptsKeepAlive reports whether the caller can read a stream with keep-alive bytes.
// Google's SDKs for JavaScript before 1.21 cannot: they expect only "data:", not even
// blank lines.
func AcceptsKeepAlive(h http.Header) bool {
	client := first(h, "X-Goog-Api-Client")
	if strings.Contains(client, "genai-js/") {
		return false
	}
	_, version, ok := strings.Cut(client, "google-genai-sdk/")
	if !ok || !strings.Contains(client, "gl-node/") && !strings.Contains(client, "gl-web/") {
		return true
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	if major != "1" {
		return major != "0"
	}
	n, err := strconv.Atoi(minor)
	return err != nil || n >= 21
}

// NeedsEvents reports whether the caller needs events as keep-alives, which other clients
// may not understand: Codex ends a stream without an event for five minutes, even if there
// are comments.
func NeedsEvents(h http.Header) bool {
	return strings.HasPrefix(first(h, "Originator"), "codex") || strings.HasPrefix(first(h, "User-Agent"), "codex")
}
