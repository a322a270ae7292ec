package route

import "testing"

func TestPhasesOfAPlanner(t *testing.T) {
	for _, tt := range []struct {
		from   phase
		event  planEvent
		to     phase
		action planAction
	}{
		{phaseIdle, planObsolete, phaseAsking, planAsk},
		{phaseIdle, planReceived, phaseIdle, planNothing},
		{phaseIdle, planFailed, phaseIdle, planNothing},
		{phaseIdle, planClosed, phaseClosed, planNothing},
		{phaseAsking, planObsolete, phaseAsking, planNothing}, // one call at a time
		{phaseAsking, planReceived, phaseIdle, planNothing},
		{phaseAsking, planFailed, phaseFailing, planReportFailure},
		{phaseAsking, planClosed, phaseClosed, planNothing},
		{phaseFailing, planObsolete, phaseRetry, planAsk},
		{phaseFailing, planReceived, phaseFailing, planNothing},
		{phaseFailing, planFailed, phaseFailing, planNothing},
		{phaseFailing, planClosed, phaseClosed, planNothing},
		{phaseRetry, planObsolete, phaseRetry, planNothing},
		{phaseRetry, planReceived, phaseIdle, planReportRecovery},
		{phaseRetry, planFailed, phaseFailing, planNothing}, // reported once
		{phaseRetry, planClosed, phaseClosed, planNothing},
		{phaseClosed, planObsolete, phaseClosed, planNothing},
		{phaseClosed, planReceived, phaseClosed, planNothing},
		{phaseClosed, planFailed, phaseClosed, planNothing},
		{phaseClosed, planClosed, phaseClosed, planNothing},
	} {
		if to, action := tt.from.next(tt.event); to != tt.to || action != tt.action {
			t.Errorf("phase %d, event %d: phase %d, action %d; want %d, %d", tt.from, tt.event, to, action, tt.to, tt.action)
		}
	}
}
