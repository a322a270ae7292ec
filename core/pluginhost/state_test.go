package pluginhost

import (
	"testing"
	"time"
)

func TestStateTransitions(t *testing.T) {
	events := []processEvent{processReady, processLost, startFailed, failedTooOften, restartRequested, stopRequested}
	for state, want := range map[State][]State{
		StateStarting:    {StateRunning, StateStarting, StateStopped, StateStarting, StateStarting, StateStopped},
		StateRunning:     {StateRunning, StateRestarting, StateRunning, StateRunning, StateRunning, StateStopped},
		StateRestarting:  {StateRunning, StateRestarting, StateRestarting, StateQuarantined, StateRestarting, StateStopped},
		StateQuarantined: {StateQuarantined, StateQuarantined, StateQuarantined, StateQuarantined, StateRestarting, StateStopped},
		StateStopped:     {StateStopped, StateStopped, StateStopped, StateStopped, StateStopped, StateStopped},
	} {
		for i, e := range events {
			if got := state.next(e); got != want[i] {
				t.Errorf("%s after event %d: %s, want %s", state, e, got, want[i])
			}
		}
	}
}

func TestRoleTransitions(t *testing.T) {
	events := []roleEvent{promotedNewest, promotedOther, abandoned}
	for r, want := range map[role][]role{
		roleCandidate: {roleCurrent, roleCandidate, roleDraining},
		roleCurrent:   {roleCurrent, roleDraining, roleCurrent},
		roleDraining:  {roleCurrent, roleDraining, roleDraining},
	} {
		for i, e := range events {
			if got := r.next(e); got != want[i] {
				t.Errorf("role %d after event %d: %d, want %d", r, e, got, want[i])
			}
		}
	}
}

// A process that loops in a call is replaced within 15 seconds: after the deadline of the
// call, at most 2 s, each ping checks it.
func TestALoopEndsWithin15Seconds(t *testing.T) {
	d := Timing{}.withDefaults()
	if worst := 2*time.Second + d.Overdue + d.Ping + d.PingTimeout + d.RestartMin; worst > 15*time.Second {
		t.Errorf("after %s", worst)
	}
	if d.Busy+d.Ping+d.PingTimeout+d.RestartMin > 15*time.Second {
		t.Error("one that loops outside a call")
	}
}
