package admin

import (
	"context"

	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// Source is the running program. Its errors are of type [Error] if they have a status and a code
// for the caller.
type Source interface {
	Status() Status
	Ready() error // why no request can be answered now
	Channels() []Channel
	Routes() []Route
	Tunnels() []Tunnel
	RetryTunnel(name string) (Tunnel, error) // which waits or has failed

	// TestTunnel makes the steps of connecting a tunnel once. TrustTunnel adds the key that its host
	// presents to the known hosts, if it has the fingerprint, and tries again.
	TestTunnel(ctx context.Context, name string) (TestTunnelResult, error)
	TrustTunnel(ctx context.Context, name string, key HostKeyTrust) (Tunnel, error)
	Plugins() Plugins
	Stats() Summary
	ResetStats() // sets the counters of attempts and tokens to zero
	Entry() Entry
	Explain(context.Context, ExplainRequest) (Explanation, error)

	// History returns a reader of the history, including the latest requests, or
	// [history.ErrNoHistory].
	History(ctx context.Context) (*history.Reader, error)

	// Toggle pauses or resumes a channel, or inverts its state if enabled is nil, and returns
	// whether it is enabled afterwards. Prefer makes its routes prefer it, or stops that. Check runs
	// its health check.
	Toggle(channel string, enabled *bool) (bool, error)
	Prefer(channel string, on bool) error
	Check(ctx context.Context, channel string) (CheckResult, error)

	// Models gets the models of a channel's site, and Try sends one real request to it.
	Models(ctx context.Context, channel string) (Models, error)
	Try(ctx context.Context, channel string, t TryRequest) (TryResult, error)

	// Edits of the configuration change its files and apply them, or do neither.
	AddChannel(context.Context, ChannelSpec, Match) (Reload, error)
	ChangeChannel(ctx context.Context, name string, changed ChannelSpec, m Match) (Reload, error)
	RemoveChannel(ctx context.Context, name string, m Match) (Reload, error)
	Clients() []Client
	Notifications() []Notification
	TestNotification(ctx context.Context, name string) (TestNotificationResult, error)
	AddClient(context.Context, ClientSpec, Match) (token string, r Reload, err error)
	RemoveClient(ctx context.Context, name string, m Match) (Reload, error)
	AddKey(ctx context.Context, channel string, key KeySpec, m Match) (Key, Reload, error)
	RemoveKey(ctx context.Context, channel, key string, m Match) (Reload, error)
	Text(context.Context) (ConfigText, error)
	Replace(context.Context, Draft, Match) (Reload, error)
	Import(context.Context, ImportRequest, Match) (ImportResult, error)
	Edits() []PastEdit // those that can be undone, the newest first
	Undo(context.Context) (Reload, error)

	// Answers of sites that no rule recognizes.
	UnknownAnswers() ([]unknown.Entry, error)
	UnknownAnswer(key string) (UnknownAnswer, error)
	ForgetUnknown(key string) error

	// Reload applies the configuration in its files; generation is the one that the caller expects
	// to replace, 0 for any. Plan is its dry run, with the draft instead of a file if there is one.
	Reload(ctx context.Context, generation uint64) Reload

	// RestartPlugin replaces the process of a plugin by a new one of the installed executable. If
	// that fails, the old one stays.
	RestartPlugin(ctx context.Context, name string) (Reload, error)
	Plan(ctx context.Context, draft *Draft) (Reload, error)
}
