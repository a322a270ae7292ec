package pluginsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Limits of downloads.
const (
	maxArchive   = 200 << 20 // bytes, also of its content
	maxListing   = 8 << 20
	maxSums      = 1 << 20
	idleTime     = 30 * time.Second // without receiving data
	totalTime    = 10 * time.Minute
	maxTries     = 3 // for a download that is interrupted
	maxRedirects = 5
)

// Client downloads releases. The zero value uses no token.
type Client struct {
	API      string // base URL of the GitHub API; default: that of the source's host
	Token    string // for that API
	Progress func(file string, done, total int64)

	HTTP  *http.Client  // for tests
	Idle  time.Duration // default idleTime
	Total time.Duration // default totalTime
}

// FromEnv returns the client that GITHUB_TOKEN and AITUNNEL_GITHUB_API configure.
func FromEnv() *Client {
	return &Client{API: os.Getenv("AITUNNEL_GITHUB_API"), Token: os.Getenv("GITHUB_TOKEN")}
}

// statusError is an answer with a status other than 200.
type statusError struct {
	url    string
	status int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered with status %d %s", e.url, e.status, http.StatusText(e.status))
}

func (c *Client) client() *retryablehttp.Client {
	r := retryablehttp.NewClient()
	r.Logger, r.RetryMax, r.RetryWaitMin, r.RetryWaitMax = nil, 2, 200*time.Millisecond, 2*time.Second
	r.ErrorHandler = retryablehttp.PassthroughErrorHandler
	if c.HTTP != nil {
		r.HTTPClient = c.HTTP
	}
	copied := *r.HTTPClient
	copied.CheckRedirect = checkRedirect
	r.HTTPClient = &copied
	return r
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case req.URL.Scheme != "https":
		return fmt.Errorf("it redirects to %s, which is not encrypted", req.URL.Redacted())
	case len(via) >= maxRedirects:
		return errors.New("it redirects too often")
	}
	return nil
}

// get returns the body of an answer, up to max bytes.
func (c *Client) get(ctx context.Context, address, accept string, max int64) ([]byte, error) {
	var out strings.Builder
	if err := c.download(ctx, address, accept, max, &out); err != nil {
		return nil, err
	}
	return []byte(out.String()), nil
}

// download writes the body of an answer to w. It fails if no data is received for a while,
// or if it takes too long in total.
func (c *Client) download(ctx context.Context, address, accept string, max int64, w io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, orDefault(c.Total, totalTime), fmt.Errorf("it was not complete within %s", orDefault(c.Total, totalTime)))
	defer cancel()
	idle := orDefault(c.Idle, idleTime)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watchdog := time.AfterFunc(idle, func() { stop(fmt.Errorf("no data was received for %s", idle)) })
	defer watchdog.Stop()
	err := c.transfer(ctx, address, accept, max, w, func() { watchdog.Reset(idle) })
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // without the address, which callers add
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the server closed the connection before the file was complete (%w)", err)
	}
	return err
}

func (c *Client) transfer(ctx context.Context, address, accept string, max int64, w io.Writer, alive func()) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if req.URL.Scheme != "https" {
		return fmt.Errorf("%s is not encrypted: only https is used", address)
	}
	req.Header.Set("Accept", accept)
	if c.Token != "" && c.isAPI(req.URL) {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode != http.StatusOK:
		return &statusError{address, resp.StatusCode}
	case resp.ContentLength > max:
		return tooLarge(max)
	}
	from := &progressReader{from: resp.Body, total: resp.ContentLength, alive: alive, progress: c.Progress, name: req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]}
	n, err := io.Copy(w, io.LimitReader(from, max+1))
	if err == nil && n > max {
		err = tooLarge(max)
	}
	return err
}

// isAPI reports whether an address belongs to the API, to which the token is sent.
func (c *Client) isAPI(u *url.URL) bool {
	if c.API == "" {
		return u.Host == "api.github.com"
	}
	api, err := url.Parse(c.API)
	return err == nil && u.Host == api.Host
}

func tooLarge(max int64) error { return fmt.Errorf("it is larger than %d MiB", max>>20) }

func orDefault(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}

// progressReader calls alive and progress for each read.
type progressReader struct {
	from     io.Reader
	name     string
	done     int64
	total    int64
	alive    func()
	progress func(file string, done, total int64)
}

func (m *progressReader) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	if n > 0 {
		m.done += int64(n)
		m.alive()
		if m.progress != nil {
			m.progress(m.name, m.done, m.total)
		}
	}
	return n, err
}
