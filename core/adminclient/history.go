package adminclient

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/history"
)

// History returns a page of the recorded requests, after the one that cursor names.
func (c *Client) History(ctx context.Context, f history.Filter, cursor string, n int) (history.Page, error) {
	q := filterQuery(f)
	q.Set("limit", strconv.Itoa(n))
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return fetch[history.Page](ctx, c, "/api/history?"+q.Encode())
}

// Request returns a recorded request with its attempts.
func (c *Client) Request(ctx context.Context, id string) (history.Record, error) {
	return fetch[history.Record](ctx, c, "/api/history/"+url.PathEscape(id))
}

// Usage returns the sums of the recorded requests.
func (c *Client) Usage(ctx context.Context, question history.UsageQuery) (history.Usage, error) {
	q := filterQuery(question.Filter)
	by := make([]string, 0, len(question.By))
	for _, d := range question.By {
		by = append(by, string(d))
	}
	q.Set("by", strings.Join(by, ","))
	return fetch[history.Usage](ctx, c, "/api/usage?"+q.Encode())
}

func filterQuery(f history.Filter) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"client": f.Client, "channel": f.Channel, "key": f.Key, "model": f.Model, "status": f.Status, "verdict": f.Verdict, "text": f.Text,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339Nano))
		}
	}
	if f.Failed {
		q.Set("failed", "true")
	}
	if f.Retried {
		q.Set("retried", "true")
	}
	return q
}
