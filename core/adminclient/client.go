package adminclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
)

// How long the daemon may take to begin an answer, for queries and for actions. Health
// checks, and reloads that start plugins, take time.
const (
	readLimit  = 10 * time.Second
	writeLimit = 90 * time.Second
)

// versionHeader of an answer over the control socket is the daemon's version.
const versionHeader = "Aitunnel-Version"

// maxErrorBody is how much of an error's body is read.
const maxErrorBody = 8 << 20

// Client calls the admin API of one daemon. It may be used by several
// goroutines.
type Client struct {
	http    *http.Client
	base    string // scheme and host
	version string // of this program; "": not checked
	command string // the command that uses the client
	reply   lastVersion
}

// Local returns a client for the control socket: it connects with dial, and needs no
// token. version and command are those of this program.
func Local(version, command string, dial func(context.Context) (net.Conn, error)) *Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	return &Client{http: &http.Client{Transport: transport}, base: "http://aitunnel", version: version, command: command}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// DaemonVersion returns the version of the daemon that answered last, "" if it did
// not say.
func (c *Client) DaemonVersion() string { return c.reply.load() }

// Call sends in as JSON, and decodes the answer into out; both may be nil. A
// refusal is an [*Error], a daemon that cannot be reached an
// [*UnreachableError], one that does not answer in time a [*TimeoutError].
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("the connection to the running program broke: %w", err)
	}
	if out == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &AnswerError{Path: path, Daemon: c.DaemonVersion(), Client: c.version, Err: err}
	}
	return nil
}

func (c *Client) get(ctx context.Context, path string, out any) error {
	return c.Call(ctx, http.MethodGet, path, nil, out)
}

func (c *Client) post(ctx context.Context, path string, in, out any) error {
	return c.Call(ctx, http.MethodPost, path, in, out)
}

// do returns a successful response. The time limit ends when its header arrives, since
// an event stream has no end.
func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	limit := writeLimit
	if method == http.MethodGet {
		limit = readLimit
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(&TimeoutError{limit}) })
	defer timer.Stop()
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		defer cancel(nil)
		return nil, noAnswer(ctx, err)
	}
	resp.Body = &body{resp.Body, cancel}
	c.reply.store(resp.Header.Get(versionHeader))
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	return nil, c.refusal(resp)
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var content io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", admin.UserAgent(c.version, c.command))
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// body ends the request's context when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Close closes the body.
func (b *body) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
