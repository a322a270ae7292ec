package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
)

// originKey is the key of a request's origin in its context.
type originKey struct{}

// Origin says where a request comes from, for people: in the panel, by a command, or
// through the API.
func Origin(ctx context.Context) string {
	text, _ := ctx.Value(originKey{}).(string)
	return cmp.Or(text, "through the API")
}

// withOrigin adds the origin to a request that may change something.
func (h *Handler) withOrigin(r *http.Request) *http.Request {
	if isRead(r) {
		return r
	}
	origin := ""
	if command := commandOf(r.UserAgent()); command != "" {
		origin = fmt.Sprintf("by `aitunnel %s`", command)
	} else if h.sessions.knows(r, h.options.Access().Token) {
		origin = "in the panel"
	}
	return r.WithContext(context.WithValue(r.Context(), originKey{}, origin))
}

// UserAgent returns the User-Agent of a command, such as "channel add".
func UserAgent(version, command string) string {
	return fmt.Sprintf("aitunnel/%s (%s)", version, command)
}

// commandOf returns the command of a [UserAgent], "" if it has none.
func commandOf(agent string) string {
	product, comment, _ := strings.Cut(agent, " ")
	command, closed := strings.CutSuffix(strings.TrimPrefix(comment, "("), ")")
	isOther := func(c rune) bool { return c != ' ' && c != '-' && (c < 'a' || c > 'z') }
	if !strings.HasPrefix(product, "aitunnel/") || !closed || len(command) > 40 || strings.ContainsFunc(command, isOther) {
		return ""
	}
	return command
}
