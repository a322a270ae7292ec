package health

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// site is the channel during one check. It records whether a probe is unanswered when the
// check times out: then the site hangs, otherwise the checker does.
type site struct {
	sdk.Host
	check      context.Context
	open       atomic.Int32
	unanswered atomic.Bool
}

// Probe is for [sdk.Host].
func (s *site) Probe(ctx context.Context, req sdk.ProbeRequest) (sdk.ProbeResult, error) {
	s.open.Add(1)
	defer s.open.Add(-1)
	answer, err := s.Host.Probe(ctx, req)
	if err != nil && isOver(s.check) {
		s.unanswered.Store(true)
	}
	return answer, err
}

// isOver reports whether the time of a check is over. A plugin gets its deadline in whole
// milliseconds, so its calls can time out a moment earlier.
func isOver(check context.Context) bool {
	deadline, ok := check.Deadline()
	return check.Err() != nil || ok && time.Until(deadline) < 20*time.Millisecond
}

// silent reports whether the site has left a probe without an answer.
func (s *site) silent() bool { return s.open.Load() > 0 || s.unanswered.Load() }
