package adminclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// Error is a request that the daemon refused.
type Error struct {
	Status      int
	Code        string // for programs
	Message     string // for people
	Body        []byte // of the answer, as JSON
	Diagnostics []config.Diagnostic

	unknownTo string // version of the daemon, if it differs and has no such endpoint
	version   string
}

func (e *Error) Error() string {
	if e.unknownTo != "" {
		return fmt.Sprintf("the running program is version %s and cannot do this; this is version %s: run 'aitunnel restart' to update it", e.unknownTo, e.version)
	}
	return e.Message
}

// UnreachableError says that no connection could be made, or that it was closed
// before there was an answer.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string {
	return "the running program cannot be reached: " + e.Err.Error()
}

// Unwrap returns the error of the connection.
func (e *UnreachableError) Unwrap() error { return e.Err }

// TimeoutError says that the daemon took too long.
type TimeoutError struct{ Limit time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the running program did not answer within %s", e.Limit)
}

// AnswerError is an answer that is not what the client expects.
type AnswerError struct {
	Path           string
	Daemon, Client string // versions
	Err            error
}

func (e *AnswerError) Error() string {
	if e.Daemon != e.Client {
		return fmt.Sprintf("the running program is version %s and this is version %s, which does not understand its answer: run 'aitunnel restart' to update it", e.Daemon, e.Client)
	}
	return fmt.Sprintf("the running program's answer to %s is not valid: %s", e.Path, e.Err)
}

// Unwrap returns the error of decoding.
func (e *AnswerError) Unwrap() error { return e.Err }

// noAnswer returns the error of a request that got none.
func noAnswer(ctx context.Context, err error) error {
	if timeout := (*TimeoutError)(nil); errors.As(context.Cause(ctx), &timeout) {
		return timeout
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if dial := (*net.OpError)(nil); errors.As(err, &dial) {
		err = dial // without method and URL
	}
	return &UnreachableError{err}
}

// refusal returns the error in an answer.
func (c *Client) refusal(resp *http.Response) error {
	e := &Error{Status: resp.StatusCode, Message: "the running program answered " + resp.Status}
	var answer struct {
		Error struct {
			Message string          `json:"message"`
			Code    string          `json:"code"`
			Details json.RawMessage `json:"details"`
		} `json:"error"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err == nil && json.Unmarshal(body, &answer) == nil && answer.Error.Message != "" {
		e.Message, e.Code, e.Body = answer.Error.Message, answer.Error.Code, body
		_ = json.Unmarshal(answer.Error.Details, &e.Diagnostics) // other details are in the message
	}
	noEndpoint := e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotFound && strings.Contains(e.Message, resp.Request.URL.Path)
	if daemon := c.DaemonVersion(); noEndpoint && c.version != "" && daemon != c.version {
		e.unknownTo, e.version = daemon, c.version
	}
	return e
}

// lastVersion is a version that goroutines set and read.
type lastVersion struct{ value atomic.Pointer[string] }

func (v *lastVersion) store(s string) { v.value.Store(&s) }

func (v *lastVersion) load() string {
	if s := v.value.Load(); s != nil {
		return *s
	}
	return ""
}
