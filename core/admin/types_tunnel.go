package admin

// States of a [HostKey].
const (
	HostKeyUnknown = "unknown"
	HostKeyChanged = "changed"
)

// HostKey is a key that the host of a tunnel, or a jump host before it, presents, and
// that is not trusted.
type HostKey struct {
	Host        string `json:"host"`
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	State       string `json:"state"`              // unknown; or changed: another key of the host is known
	Known       string `json:"known,omitempty"`    // fingerprint of the key that is known, of one that has changed
	KnownAt     string `json:"known_at,omitempty"` // the line and file of that key, or of the authority whose certificate the key lacks
}

// HostKeyTrust names a key that was compared, and is to be trusted.
type HostKeyTrust struct {
	Fingerprint string `json:"fingerprint"` // SHA256:…
}

// TestTunnelResult is the outcome of the test of a tunnel.
type TestTunnelResult struct {
	Name  string       `json:"name"`
	OK    bool         `json:"ok"`
	Steps []TunnelStep `json:"steps"` // up to the first that failed; each forward is tested
}

// TunnelStep is a step of the test of a tunnel.
type TunnelStep struct {
	Step string `json:"step"` // resolve, connect, host_key, login, command, forward or probe
	OK   bool   `json:"ok"`
	Text string `json:"text"` // what was done; or what failed, and what to do
}
