package route

// phase is what a planner is doing.
type phase int

const (
	phaseIdle    phase = iota // the plan is in use until it is obsolete
	phaseAsking               // a plan is requested from the component
	phaseFailing              // it gave none; the request is repeated after a backoff
	phaseRetry                // the repeated request is running
	phaseClosed
)

// planEvent is what happens to a planner.
type planEvent int

const (
	planObsolete planEvent = iota // a pick found the plan to be obsolete, and the backoff is over
	planReceived
	planFailed // the component gave no plan, or a bad one
	planClosed
)

// planAction is what follows from an event.
type planAction int

const (
	planNothing planAction = iota
	planAsk
	planReportFailure
	planReportRecovery
)

// next returns the phase after an event, and what to do.
func (p phase) next(e planEvent) (phase, planAction) {
	switch {
	case p == phaseClosed || e == planClosed:
		return phaseClosed, planNothing
	case p == phaseIdle && e == planObsolete:
		return phaseAsking, planAsk
	case p == phaseFailing && e == planObsolete:
		return phaseRetry, planAsk
	case p == phaseAsking && e == planReceived:
		return phaseIdle, planNothing
	case p == phaseRetry && e == planReceived:
		return phaseIdle, planReportRecovery
	case p == phaseAsking && e == planFailed:
		return phaseFailing, planReportFailure
	case p == phaseRetry && e == planFailed:
		return phaseFailing, planNothing
	}
	return p, planNothing
}

// failing reports whether the last call gave no valid plan.
func (p phase) failing() bool { return p == phaseFailing || p == phaseRetry }
