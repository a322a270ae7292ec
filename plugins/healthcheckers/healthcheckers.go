// Package healthcheckers contains the health checkers that come with aitunnel.
package healthcheckers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aitunnel/aitunnel/sdk"
)

// Components lists the health checkers of this package.
func Components() []sdk.Factory { return []sdk.Factory{httpCheck, completionCheck} }

// probe sends the request. If ok is false, result and err are those of the check: the channel
// cannot be reached, or the probe could not be made, which says nothing about the channel.
func probe(ctx context.Context, host sdk.Host, req sdk.ProbeRequest) (answer sdk.ProbeResult, result sdk.CheckResult, ok bool, err error) {
	answer, err = host.Probe(ctx, req)
	switch {
	case err == nil:
		return answer, result, true, nil
	case ctx.Err() != nil:
		return answer, result, false, ctx.Err()
	case errors.Is(err, sdk.ErrUnavailable), errors.Is(err, sdk.ErrUnsupported):
		return answer, result, false, err
	}
	return answer, sdk.CheckResult{Reason: err.Error()}, false, nil
}

// keyFault returns an error if the key was rejected, which says nothing about the
// channel, and nil for other answers.
func keyFault(answer sdk.ProbeResult) error {
	switch answer.Status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusTooManyRequests:
	default:
		return nil
	}
	if isPage(answer) {
		return nil
	}
	return fmt.Errorf("the key was rejected with %s, which says nothing about the channel", describe(answer.Status))
}

// isPage reports whether the answer is a web page, such as a challenge in front of the
// site, and not one of the API.
func isPage(answer sdk.ProbeResult) bool {
	return header(answer, "Cf-Mitigated") != "" || strings.HasPrefix(header(answer, "Content-Type"), "text/html")
}

func header(answer sdk.ProbeResult, name string) string {
	for k, v := range answer.Header {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// describe returns a status in words: "503 Service Unavailable".
func describe(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// unhealthy returns the result for an answer that is not the one wanted.
func unhealthy(answer sdk.ProbeResult, reason string) sdk.CheckResult {
	if header(answer, "Cf-Mitigated") != "" {
		reason = "the site answers with a challenge page"
	}
	return sdk.CheckResult{Reason: reason, Latency: answer.Latency}
}
