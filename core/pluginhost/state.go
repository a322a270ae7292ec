package pluginhost

// State says what a plugin's process is doing.
type State string

// The states.
const (
	StateStarting    State = "starting"
	StateRunning     State = "running"
	StateRestarting  State = "restarting" // no process is usable; another is started after a backoff
	StateQuarantined State = "quarantined"
	StateStopped     State = "stopped"

	// StateDraining is shown for a process that was replaced by another and ends
	// with its last request.
	StateDraining State = "leaving"
)

// processEvent is what happens to a supervised process.
type processEvent int

const (
	processReady     processEvent = iota // it runs, and its instances are configured
	processLost                          // it ended, or was killed because it hung
	startFailed                          // it did not start, or an instance could not be configured in time
	failedTooOften                       // another restart would be pointless
	restartRequested                     // somebody wants to use a quarantined plugin
	stopRequested
)

// next returns the state after an event. An event that means nothing in a state
// changes nothing.
func (s State) next(e processEvent) State {
	switch {
	case s == StateStopped || e == stopRequested:
		return StateStopped
	case s == StateStarting && e == startFailed:
		return StateStopped // a plugin that never came up is not supervised
	case (s == StateStarting || s == StateRestarting) && e == processReady:
		return StateRunning
	case s == StateRunning && e == processLost:
		return StateRestarting
	case s == StateRestarting && e == failedTooOften:
		return StateQuarantined
	case s == StateQuarantined && e == restartRequested:
		return StateRestarting
	}
	return s
}

// role says which of the processes of one plugin a supervisor's is.
type role int

const (
	roleCandidate role = iota // not in use, or not yet
	roleCurrent               // the one in use
	roleDraining              // was in use; ends with its last instance
)

// roleEvent is what happens to the role of a process.
type roleEvent int

const (
	promotedNewest roleEvent = iota // the newest processes are in use now, and this is the newest
	promotedOther                   // another process is in use now
	abandoned                       // it is not in use, and has no instances
)

func (r role) next(e roleEvent) role {
	switch {
	case e == promotedNewest:
		return roleCurrent
	case e == promotedOther && r == roleCurrent, e == abandoned && r == roleCandidate:
		return roleDraining
	}
	return r
}
