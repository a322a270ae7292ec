package pluginhost

import "testing"

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
