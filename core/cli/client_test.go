package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/event"
)

// fakeProgram serves the control socket as a program of this version, and returns an app that
// connects to it.
func fakeProgram(t *testing.T, version string, h http.HandlerFunc) *app {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("unix", control.Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(control.VersionHeader, version)
		h(w, r)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return &app{Env: &command.Env{Version: Version(), StateDir: dir, In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}}
}

func refusal(status int, code, message, details string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":%q,"details":%s}}`, code, message, details)
	}
}

// TestRefusalsOfTheRunningProgram are printed with their messages. If the cause is that it is
// another version, the command says what to do.
func TestRefusalsOfTheRunningProgram(t *testing.T) {
	t.Parallel()
	const unknown = "there is no POST /api/new"
	for name, c := range map[string]struct {
		version string
		handle  http.HandlerFunc
		want    string
		code    int
	}{
		"a conflict":                               {Version(), refusal(409, "conflict", "the channel is gone", "[]"), "the channel is gone", command.ExitFailed},
		"an unknown channel":                       {"0.0.7", refusal(404, "not_found", `there is no channel "x"`, "[]"), `there is no channel "x"`, command.ExitFailed},
		"an unknown endpoint, older program":       {"0.0.7", refusal(404, "not_found", unknown, "[]"), "the running program is version 0.0.7 and cannot do this", command.ExitFailed},
		"an unknown endpoint, same version":        {Version(), refusal(404, "not_found", unknown, "[]"), unknown, command.ExitFailed},
		"an unknown method, older program":         {"0.0.7", refusal(405, "method_not_allowed", "GET only", "[]"), "run 'aitunnel restart' to update it", command.ExitFailed},
		"diagnostics":                              {Version(), refusal(422, "not_applied", "wrong", `[{"severity":"error","summary":"Wrong thing","file":"a.hcl","line":3,"column":2}]`), "on a.hcl line 3, column 2:", command.ExitConfig},
		"an error without JSON":                    {Version(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "the running program answered 500 Internal Server Error", command.ExitFailed},
		"an answer of another type, newer program": {"9.9.9", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"pid":"text"}`)) }, "which does not understand its answer", command.ExitFailed},
		"an answer that is not JSON":               {Version(), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) }, "answer to /api/new is not valid", command.ExitFailed},
	} {
		a := fakeProgram(t, c.version, c.handle)
		var out admin.Status
		err := a.Client().Call(t.Context(), http.MethodPost, "/api/new", nil, &out)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		code := a.explain(err)
		if printed := a.Err.(*bytes.Buffer).String(); code != c.code || !strings.Contains(printed, c.want) {
			t.Errorf("%s: exit code %d and %q, want %d and %q", name, code, printed, c.code, c.want)
		}
	}
}

// TestAProgramThatHangs: the command ends at its time limit.
func TestAProgramThatHangs(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	a := fakeProgram(t, Version(), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(gone) })
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(&adminclient.TimeoutError{Limit: 10 * time.Second}) })
	err := a.Client().Call(ctx, http.MethodGet, "/api/status", nil, nil)
	if timeout := (*adminclient.TimeoutError)(nil); !errors.As(err, &timeout) || !strings.Contains(err.Error(), "did not answer within 10s") {
		t.Errorf("%v", err)
	}
	<-gone
}

func TestNoProgramIsRunning(t *testing.T) {
	t.Parallel()
	a := &app{Env: &command.Env{StateDir: t.TempDir(), Err: &bytes.Buffer{}}}
	if code := a.explain(a.Client().Call(t.Context(), http.MethodGet, "/api/status", nil, nil)); code != command.ExitNotRunning {
		t.Errorf("exit code %d: %s", code, a.Err)
	}
}

// TestEventsOfTheStream: comments and lines with IDs are skipped.
func TestEventsOfTheStream(t *testing.T) {
	t.Parallel()
	a := fakeProgram(t, Version(), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(": hello\n\nid: 7\ndata: {\"id\":7,\"message\":\"one\"}\n\ndata: {\"id\":8,\"message\":\"two\"}\n\n"))
	})
	var got []string
	err := a.Client().Events(t.Context(), func(e event.Event) error {
		got = append(got, fmt.Sprint(e.ID, e.Message))
		return nil
	})
	if strings.Join(got, " ") != "7one 8two" || !errors.Is(err, adminclient.ErrStreamEnded) {
		t.Errorf("%v %v", got, err)
	}
	stop := errors.New("enough")
	if err := a.Client().Events(t.Context(), func(event.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
