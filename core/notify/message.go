package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// message is what is sent.
type message struct{ title, body string }

// words are the texts for a kind of problem.
type words struct {
	one, many  string // with the subject, or the number
	back       string
	backOfMany string
	remedy     string
}

var wordsOf = map[string]words{
	config.NotifyChannelDown:  {"channel %s is down", "%d channels are down", "channel %s is back", "%d channels are back", "look at the site, or see aitunnel channel check"},
	config.NotifyKeyInvalid:   {"key %s is refused", "%d keys are refused", "key %s is usable again", "%d keys are usable again", "replace the key: aitunnel key add, aitunnel key remove"},
	config.NotifyKeyExhausted: {"key %s has no quota left", "%d keys have no quota left", "key %s is usable again", "%d keys are usable again", "top up the account, or add another key: aitunnel key add"},
	config.NotifyTunnelDown:   {"tunnel %s is down", "%d tunnels are down", "tunnel %s is up again", "%d tunnels are up again", "see aitunnel tunnel list"},
	config.NotifyBudget:       {"client %s has used up its budget", "%d clients have used up their budgets", "", "", "raise the budget in the configuration, or wait for the next period"},
	config.NotifyPluginFailed: {"plugin %s failed", "%d plugins failed", "plugin %s works again", "%d plugins work again", "see aitunnel plugin list and aitunnel logs"},
	config.NotifyReloadFailed: {"the configuration could not be applied%s", "%d configurations could not be applied", "the configuration was applied%s", "%d configurations were applied", "see aitunnel validate; the previous configuration is still in use"},
}

// maxLines is the maximum number of subjects of a kind that are listed.
const maxLines = 10

// compose makes one message of a batch. serving are the channels that are in use.
func compose(batch []problem, dropped int, serving []string, in *time.Location) message {
	var titles, paragraphs []string
	for _, over := range []bool{false, true} {
		for _, kind := range config.NotifyEvents {
			var of []problem
			for _, p := range batch {
				if p.kind == kind && p.ended.IsZero() != over {
					of = append(of, p)
				}
			}
			if len(of) == 0 {
				continue
			}
			titles = append(titles, headline(of, over))
			paragraphs = append(paragraphs, paragraph(of, over, serving, in))
		}
	}
	if dropped > 0 {
		paragraphs = append(paragraphs, fmt.Sprintf("%d more problems are not listed: see aitunnel status.", dropped))
	}
	return message{"aitunnel: " + strings.Join(titles, ", "), strings.Join(paragraphs, "\n\n")}
}

func headline(of []problem, over bool) string {
	w := wordsOf[of[0].kind]
	one, many := w.one, w.many
	if over {
		one, many = w.back, w.backOfMany
	}
	if len(of) > 1 {
		return fmt.Sprintf(many, len(of))
	}
	return fmt.Sprintf(one, of[0].subject)
}

func paragraph(of []problem, over bool, serving []string, in *time.Location) string {
	var lines []string
	for i, p := range of {
		if i == maxLines {
			lines = append(lines, fmt.Sprintf("and %d more", len(of)-maxLines))
			break
		}
		lines = append(lines, line(p, over, in))
	}
	if over {
		return strings.Join(lines, "\n")
	}
	switch of[0].kind {
	case config.NotifyChannelDown, config.NotifyKeyInvalid, config.NotifyKeyExhausted:
		lines = append(lines, instead(of, serving))
	}
	return strings.Join(append(lines, "What to do: "+wordsOf[of[0].kind].remedy+"."), "\n")
}

func line(p problem, over bool, in *time.Location) string {
	subject := p.subject
	if subject == "" {
		subject = "configuration"
	}
	clock := func(t time.Time) string { return t.In(in).Format("2006-01-02 15:04:05 MST") }
	if over {
		return fmt.Sprintf("%s: %s (%s to %s)", subject, p.what, clock(p.since), clock(p.ended))
	}
	return fmt.Sprintf("%s: %s (since %s)", subject, p.what, clock(p.since))
}

// instead says which channels are used instead of those that are down.
func instead(of []problem, serving []string) string {
	var others []string
	for _, name := range serving {
		if !slices.ContainsFunc(of, func(p problem) bool { return p.subject == name }) {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return "No other channel is available: requests fail."
	}
	return "Used instead: " + strings.Join(others, ", ") + "."
}
