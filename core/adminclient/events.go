package adminclient

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aitunnel/aitunnel/core/event"
)

// MaxRecent is how many events the daemon keeps in memory.
const MaxRecent = 1000

// ErrStreamEnded says that the daemon closed the event stream: it stopped, or
// the reader was too slow.
var ErrStreamEnded = errors.New("the event stream ended: the program has stopped, or this reader was too slow")

// RecentEvents returns the last n events, of a channel if one is named.
func (c *Client) RecentEvents(ctx context.Context, n int, channel string) ([]event.Event, error) {
	query := url.Values{"n": {strconv.Itoa(n)}}
	if channel != "" {
		query.Set("channel", channel)
	}
	return fetch[[]event.Event](ctx, c, "/api/logs/recent?"+query.Encode())
}

// Events calls each with every event from now on, until ctx ends or each
// returns an error.
func (c *Client) Events(ctx context.Context, each func(event.Event) error) error {
	return c.events(ctx, "/api/logs", each)
}

// EventsAfter is Events that begins after the event with the ID since.
func (c *Client) EventsAfter(ctx context.Context, since uint64, each func(event.Event) error) error {
	return c.events(ctx, "/api/logs?since="+strconv.FormatUint(since, 10), each)
}

func (c *Client) events(ctx context.Context, path string, each func(event.Event) error) error {
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return ErrStreamEnded
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e event.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("the running program sent an event that is not valid: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
}
