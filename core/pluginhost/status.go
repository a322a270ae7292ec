package pluginhost

import (
	"slices"

	"github.com/aitunnel/aitunnel/core/trust"
)

func (v *supervisor) status() ProcessStatus {
	s := v.current()
	if s.Version == "" && s.SHA256 != "" { // it has not said it yet
		s.Version = v.host.lockedVersion(s.Name, s.SHA256)
	}
	return s
}

func (v *supervisor) current() ProcessStatus {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := ProcessStatus{
		Name: v.launch.spec.name, Version: v.description.Version, Source: v.launch.spec.source(),
		State: v.state, Restarts: v.restarts, Protocol: v.description.Protocol,
	}
	if v.role == roleDraining && (v.state == StateRunning || v.state == StateStopped) {
		s.State = StateDraining
	}
	if !v.launch.spec.builtin() {
		s.SHA256 = v.launch.spec.executable.SHA256
		s.Fallback = v.host.fallbacks.reason(s.Name, s.SHA256)
	}
	if v.process != nil {
		s.Since = v.process.started
		s.PID = v.process.runner.pid()
		s.Memory, s.CPU = v.process.meter.current()
		s.LogLines, s.LogDropped = v.process.output.counts()
	}
	if v.lastError != nil {
		s.LastError = v.lastError.Error()
	}
	for _, c := range v.description.Components {
		s.Components = append(s.Components, ComponentStatus{Kind: c.Kind, Name: c.Name, Doc: c.Doc, Schema: c.Schema})
	}
	for i := range v.instances {
		s.Instances = append(s.Instances, i.purpose)
	}
	slices.Sort(s.Instances)
	return s
}

// lockedVersion returns the version that the lock file has of an executable, "" if none.
func (h *Host) lockedVersion(name, sum string) string {
	lock, err := h.trust.Lock()
	if p := lock[name]; err == nil && p != nil {
		for _, r := range []*trust.Release{&p.Release, p.Previous} {
			if r != nil && r.Platforms[trust.Platform].SHA256 == sum {
				return r.Platforms[trust.Platform].Version
			}
		}
	}
	return ""
}

// hasProcess reports whether p is the process in use.
func (v *supervisor) hasProcess(p *process) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.process == p
}
