package pluginhost

import "strings"

// State is the state of a plugin's process.
type State string

// The states.
const (
	StateStarting    State = "starting"
	StateRunning     State = "running"
	StateRestarting  State = "restarting" // there is no usable process; another one starts after a backoff
	StateQuarantined State = "quarantined"
	StateStopped     State = "stopped"

	// StateDraining is shown for a process that was replaced and ends with its last
	// request.
	StateDraining State = "leaving"

	// StateNotRunning is shown while the program is not running.
	StateNotRunning State = "not_running"
)

// States are all states.
var States = []State{StateStarting, StateRunning, StateRestarting, StateQuarantined, StateStopped, StateDraining, StateNotRunning}

// Text returns the state in words, for people.
func (s State) Text() string { return strings.ReplaceAll(string(s), "_", " ") }

// processEvent is an event of a supervised process.
type processEvent int

const (
	processReady     processEvent = iota // it is running, and its instances are configured
	processLost                          // it ended, or was killed because it hung
	startFailed                          // it did not start, or an instance could not be configured in time
	failedTooOften                       // it is no longer restarted automatically
	restartRequested                     // the plugin is to be used again
	stopRequested
)

// next returns the state after an event. Events that do not apply to a state are ignored.
func (s State) next(e processEvent) State {
	switch {
	case s == StateStopped || e == stopRequested:
		return StateStopped
	case s == StateStarting && e == startFailed:
		return StateStopped // a plugin that has never started is not supervised
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

// role is the role of a process among those of one plugin.
type role int

const (
	roleCandidate role = iota // not in use, or not yet
	roleCurrent               // the one in use
	roleDraining              // was in use, and ends with its last instance
)

// roleEvent is an event that may change the role of a process.
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
