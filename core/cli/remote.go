package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/event"
)

// How long the running program may take to begin an answer: to tell what it
// knows, and to do something. Health checks and reloads that start plugins take
// their time.
const (
	tellTime = 10 * time.Second
	doTime   = 90 * time.Second
)

// remote is the program that runs with the state directory, asked over its
// control socket: no token is needed there, and the admin port may be off.
type remote struct {
	app     *app
	client  *http.Client
	version string // of the last answer
}

func (a *app) remote() *remote {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", daemon.ControlPath(a.stateDir))
	}
	return &remote{app: a, client: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// notRunningError says that there is no program to ask.
type notRunningError struct {
	dir    string
	holder *daemon.Holder // has the directory, but does not answer
}

func (e *notRunningError) Error() string {
	if e.holder != nil {
		return fmt.Sprintf("no answer: the process %d has the state directory %s, and is starting or ending, or hangs", e.holder.PID, e.dir)
	}
	return fmt.Sprintf("not running (state directory %s); begin with 'aitunnel start'", e.dir)
}

// silenceError says that the program took too long to answer.
type silenceError struct{ limit time.Duration }

func (e *silenceError) Error() string {
	return fmt.Sprintf("the running program did not answer within %s", span(e.limit))
}

// apiError is an answer that is no success.
type apiError struct {
	status  int
	message string
	code    string
	body    []byte
	diags   []config.Diagnostic
	version string // of the program that answered, if it is another than this
	path    string
}

func (e *apiError) Error() string {
	unknown := e.status == http.StatusMethodNotAllowed || e.status == http.StatusNotFound && strings.Contains(e.message, e.path)
	if e.version != "" && unknown {
		return fmt.Sprintf("the running program is version %s and does not know this, which is version %s; 'aitunnel restart' brings it up to date", e.version, Version())
	}
	return e.message
}

// exitCode is that of a command that was refused.
func (e *apiError) exitCode() int {
	if len(e.diags) > 0 {
		return exitConfig
	}
	return exitFailed
}

// get asks for what is at path.
func (r *remote) get(ctx context.Context, path string, out any) error {
	return r.send(ctx, http.MethodGet, path, nil, out)
}

// post sends in as JSON, and reads the answer into out; both may be nil.
func (r *remote) post(ctx context.Context, path string, in, out any) error {
	return r.send(ctx, http.MethodPost, path, in, out)
}

func (r *remote) send(ctx context.Context, method, path string, in, out any) error {
	resp, err := r.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("the running program broke off its answer: %w", err)
	}
	if out == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		if r.version != Version() {
			return fmt.Errorf("the running program is version %s and its answer is not understood by this, which is version %s; 'aitunnel restart' brings it up to date", r.version, Version())
		}
		return fmt.Errorf("the running program's answer to %s is not understood: %w", path, err)
	}
	return nil
}

// do returns an answer that is a success.
func (r *remote) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	limit := doTime
	if method == http.MethodGet {
		limit = tellTime
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(&silenceError{limit}) })
	defer timer.Stop()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			cancel(nil)
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://aitunnel"+path, body)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.client.Do(req)
	if err != nil {
		defer cancel(nil)
		return nil, r.unanswered(ctx, err)
	}
	resp.Body = &answerBody{resp.Body, cancel}
	r.version = resp.Header.Get(daemon.VersionHeader)
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	return nil, r.refused(resp)
}

// answerBody ends the request's context with the answer.
type answerBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Close ends the answer.
func (b *answerBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// unanswered is what to say when no answer came.
func (r *remote) unanswered(ctx context.Context, err error) error {
	if silence := (*silenceError)(nil); errors.As(context.Cause(ctx), &silence) {
		if h := daemon.HolderOf(r.app.stateDir); h != nil && h.PID > 0 {
			return fmt.Errorf("%w; if it hangs, end its process: it is %d", silence, h.PID)
		}
		return silence
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if dial := (*net.OpError)(nil); errors.Is(err, fs.ErrPermission) && errors.As(err, &dial) {
		return fmt.Errorf("the running program is another user's: %w", dial)
	} else if errors.As(err, &dial) {
		return &notRunningError{dir: r.app.stateDir, holder: daemon.HolderOf(r.app.stateDir)}
	}
	if holder := daemon.HolderOf(r.app.stateDir); holder == nil {
		return &notRunningError{dir: r.app.stateDir}
	}
	return fmt.Errorf("the running program did not answer: %w", err)
}

func (r *remote) refused(resp *http.Response) error {
	e := &apiError{status: resp.StatusCode, path: resp.Request.URL.Path, message: "the running program answers " + resp.Status}
	if r.version != Version() {
		e.version = r.version
	}
	var answer struct {
		Error struct {
			Message string          `json:"message"`
			Code    string          `json:"code"`
			Details json.RawMessage `json:"details"`
		} `json:"error"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err == nil && json.Unmarshal(body, &answer) == nil && answer.Error.Message != "" {
		e.message, e.code, e.body = answer.Error.Message, answer.Error.Code, body
		_ = json.Unmarshal(answer.Error.Details, &e.diags) // other details are in the message
	}
	return e
}

// events calls each with every event of the stream at path, until the stream
// or ctx ends, or each returns an error.
func (r *remote) events(ctx context.Context, path string, each func(event.Event) error) error {
	resp, err := r.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadString('\n')
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return errors.New("the event stream broke off: aitunnel has ended, or let this reader go")
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e event.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("an event is not understood: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// otherVersion is a line about the running program's version, "" if it is this
// one's.
func (r *remote) otherVersion() string {
	if r.version == Version() {
		return ""
	}
	return fmt.Sprintf("The running program is version %s, this one %s; 'aitunnel restart' brings it up to date.", r.version, Version())
}
