package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// originKey is the key of a request's origin in its context.
type originKey struct{}

// OriginCode says through what a request was made.
type OriginCode string

// The origins of requests.
const (
	FromPanel   OriginCode = "panel"
	FromCommand OriginCode = "command"
	FromAPI     OriginCode = "api" // by anything else
)

// Origin is where a request comes from.
type Origin struct {
	Code    OriginCode
	Command string // of [FromCommand], such as "channel add"
}

// Text describes the origin.
func (o Origin) Text() string {
	switch o.Code {
	case FromPanel:
		return "in the panel"
	case FromCommand:
		return fmt.Sprintf("by `aitunnel %s`", o.Command)
	}
	return "through the API"
}

// OriginOf returns where a request comes from.
func OriginOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(originKey{}).(Origin); ok {
		return o
	}
	return Origin{Code: FromAPI}
}

// withOrigin adds the origin to a request that may change something.
func (h *Handler) withOrigin(r *http.Request) *http.Request {
	if isRead(r) {
		return r
	}
	origin := Origin{Code: FromAPI}
	if command := commandOf(r.UserAgent()); command != "" {
		origin = Origin{FromCommand, command}
	} else if h.sessions.knows(r, h.options.Access().Token) {
		origin.Code = FromPanel
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
