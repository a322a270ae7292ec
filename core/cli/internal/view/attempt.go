package view

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// SkipText returns why something is not used, with the cause.
func SkipText(why, reason string) string { return channel.Skip(why).Text() + term.After(": ", reason) }

// PassedOverText returns why a channel was not available, with each of its keys if
// their reasons differ.
func PassedOverText(o event.PassedOver) string {
	if !o.KeysDiffer() {
		return SkipText(o.Why, o.Reason)
	}
	var keys []string
	for _, k := range o.Keys {
		keys = append(keys, k.Key+": "+SkipText(k.Why, k.Reason))
	}
	return SkipText(o.Why, strings.Join(keys, "; "))
}

// AttemptText returns why an attempt failed; "" if it did not.
func AttemptText(at event.Attempt) string {
	means := verdict.Means(at.Means)
	switch {
	case at.Error != "" || means == verdict.Good || at.Means == "" && at.Status < 400: // "" if the caller left before the end
		return at.Error
	case at.Status == 0:
		return cmp.Or(means.Text(), at.Means)
	}
	return fmt.Sprintf("%d %s: %s", at.Status, http.StatusText(at.Status), cmp.Or(means.Text(), at.Means))
}
