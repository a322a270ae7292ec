package health

import (
	"context"
	"sync/atomic"

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
	if err != nil && s.check.Err() != nil {
		s.unanswered.Store(true)
	}
	return answer, err
}

// silent reports whether the site has left a probe without an answer.
func (s *site) silent() bool { return s.open.Load() > 0 || s.unanswered.Load() }
