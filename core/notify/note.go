package notify

import (
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// note is a problem that began or ended.
type note struct {
	kind    string // such as config.NotifyChannelDown; also of its end
	subject string // what it is about: a channel, channel/key, tunnel, client, plugin
	over    bool
	once    bool // its end is never reported
	what    string
}

// notesOf returns the problems that begin or end with an event; usually none.
func notesOf(e event.Event) []note {
	switch e.Type {
	case event.TypeHealth:
		return channelNotes(e)
	case event.TypeKey:
		return keyNotes(e)
	case event.TypeTunnel:
		if e.Tunnel == "" {
			return nil
		}
		return one(note{kind: config.NotifyTunnelDown, subject: e.Tunnel, over: e.Code == codeUp, what: e.Message}, e.Code == codeUp || e.Level.AtLeast(event.LevelWarn))
	case event.TypeClient:
		return one(note{kind: config.NotifyBudget, subject: e.Client, once: true, what: e.Message}, e.Code == event.CodeBudgetUsedUp)
	case event.TypePlugin:
		return pluginNotes(e)
	case event.TypeReload:
		if e.Level == event.LevelError {
			return one(note{kind: config.NotifyReloadFailed, what: e.Message}, true)
		}
		return one(note{kind: config.NotifyReloadFailed, over: true, what: e.Message}, e.Level == event.LevelInfo)
	}
	return nil
}

// codeUp is the code of a tunnel that is up.
const codeUp = "up"

func one(n note, that bool) []note {
	if !that {
		return nil
	}
	return []note{n}
}

func channelNotes(e event.Event) []note {
	down := note{kind: config.NotifyChannelDown, subject: e.Channel, what: e.Message}
	switch channel.ChangeKind(e.Code) {
	case channel.ChangeOutOfService, channel.ChangeBlocked:
	case channel.ChangeInService:
		down.over = true
	default:
		return nil
	}
	return []note{down}
}

func keyNotes(e event.Event) []note {
	n := note{subject: e.Channel + "/" + e.Key, what: e.Message}
	switch channel.ChangeKind(e.Code) {
	case channel.ChangeKeyInvalid:
		n.kind = config.NotifyKeyInvalid
	case channel.ChangeKeyQuotaSpent:
		n.kind = config.NotifyKeyExhausted
	case channel.ChangeKeyUsable:
		n.over = true
		other := n
		n.kind, other.kind = config.NotifyKeyInvalid, config.NotifyKeyExhausted
		return []note{n, other}
	default:
		return nil
	}
	return []note{n}
}

// pluginNotes uses the codes of plugin processes.
func pluginNotes(e event.Event) []note {
	n := note{kind: config.NotifyPluginFailed, subject: e.Plugin, what: e.Message}
	switch e.Code {
	case "start_failed", "exited", "unresponsive", "quarantined", "config_failed", "refused":
	case "restarted", "started":
		n.over = true
	default:
		return nil
	}
	return []note{n}
}
