package healthcheckers

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/sdk"
)

// httpSettings is the block of http.
type httpSettings struct {
	Path     string            `hcl:"path,optional" doc:"Path below the channel's base path, optionally with a query."`
	Method   string            `hcl:"method,optional" enum:"GET,HEAD,POST,OPTIONS" doc:"Method of the request."`
	Header   map[string]string `hcl:"header,optional" doc:"Additional headers of the request. aitunnel adds the key."`
	Body     string            `hcl:"body,optional" doc:"Body of the request, for POST. It is sent as JSON unless header sets another Content-Type."`
	Status   []int             `hcl:"status,optional" doc:"Statuses of a healthy channel. By default any from 200 to 299."`
	Contains string            `hcl:"contains,optional" doc:"Text that must appear in the first 64 KiB of the answer's body."`
}

var httpDefaults = httpSettings{Path: "/v1/models", Method: http.MethodGet}

var httpCheck = sdk.Factory{
	Name: "http",
	Doc: `Sends the channel a request, by default for its list of models, which costs nothing.

The channel is healthy if the answer has one of the statuses in "status". A rejected key (401, 402, 403 or 429, unless listed there) says nothing about the channel, so its health stays as it was.`,
	Settings: httpDefaults,
	New:      func() sdk.Component { return &httpChecker{settings: httpDefaults} },
}

type httpChecker struct{ settings httpSettings }

func (h *httpChecker) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&h.settings); err != nil {
		return err
	}
	if err := checkPath(h.settings.Path); err != nil {
		return err
	}
	for _, status := range h.settings.Status {
		if status < 200 || status > 599 {
			return &sdk.ConfigError{Path: []string{"status"}, Message: fmt.Sprintf("%d is not the status of a complete answer", status), Hint: "use numbers from 200 to 599"}
		}
	}
	if h.settings.Body != "" && h.settings.Method != http.MethodPost {
		return &sdk.ConfigError{Path: []string{"body"}, Message: fmt.Sprintf("a %s request has no body", h.settings.Method), Hint: `set method = "POST", or leave body out`}
	}
	if h.settings.Contains != "" && h.settings.Method == http.MethodHead {
		return &sdk.ConfigError{Path: []string{"contains"}, Message: "an answer to HEAD has no body", Hint: `set method = "GET", or leave contains out`}
	}
	return nil
}

func checkPath(path string) error {
	if strings.HasPrefix(path, "/") {
		return nil
	}
	return &sdk.ConfigError{Path: []string{"path"}, Message: fmt.Sprintf("%q does not begin with a slash", path), Hint: `use a path below the channel's base path, such as "/v1/models"`}
}

func (h *httpChecker) Close() error { return nil }

func (h *httpChecker) Check(ctx context.Context, _ sdk.CheckRequest, host sdk.Host) (sdk.CheckResult, error) {
	s := h.settings
	req := sdk.ProbeRequest{Method: s.Method, Path: s.Path, Header: s.Header, Body: []byte(s.Body)}
	if s.Body != "" && !hasContentType(s.Header) {
		req.Header = map[string]string{"Content-Type": "application/json"}
		maps.Copy(req.Header, s.Header)
	}
	answer, result, ok, err := probe(ctx, host, req)
	if !ok {
		return result, err
	}
	if !s.wants(answer.Status) {
		if err := keyFault(answer); err != nil {
			return result, err
		}
		return unhealthy(answer, fmt.Sprintf("%s %s gave %s", s.Method, s.Path, describe(answer.Status))), nil
	}
	if !bytes.Contains(answer.Body, []byte(s.Contains)) {
		return unhealthy(answer, fmt.Sprintf("the answer to %s %s does not contain %q", s.Method, s.Path, s.Contains)), nil
	}
	return sdk.CheckResult{Healthy: true, Reason: describe(answer.Status), Latency: answer.Latency}, nil
}

func hasContentType(header map[string]string) bool {
	for name := range header {
		if strings.EqualFold(name, "Content-Type") {
			return true
		}
	}
	return false
}

func (s *httpSettings) wants(status int) bool {
	if len(s.Status) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(s.Status, status)
}
