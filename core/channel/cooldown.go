package channel

import "time"

// How long something is not used, if the site does not say. A time that the site gives is
// used up to maxCooldown.
const (
	firstRateLimit  = 30 * time.Second
	topRateLimit    = 10 * time.Minute
	firstInvalid    = 5 * time.Minute
	topInvalid      = time.Hour
	quotaCooldown   = time.Hour
	accessCooldown  = time.Hour        // of a key for a model
	modelCooldown   = 10 * time.Minute // of a channel for a model
	endpointPause   = 10 * time.Minute // of a channel for an endpoint
	firstBlock      = 30 * time.Second
	topBlock        = 10 * time.Minute
	maxCooldown     = 24 * time.Hour
	evidenceTimeout = 30 * time.Minute // for two requests to count together
)

// cooldown is a time during which something is not used.
type cooldown struct {
	until  time.Time
	step   time.Duration // the last length that the site did not give; it doubles
	reason string
}

func (c *cooldown) active(now time.Time) bool { return now.Before(c.until) }

// set reports whether there is any state: an end, or a length to double.
func (c *cooldown) set() bool { return c.step > 0 || !c.until.IsZero() }

// start starts a cooldown. Its length is named, the time that the site gave, or else
// twice the last length, from first to top. An active cooldown, which a request sent
// at the same time started, is extended and not doubled. start reports whether none
// was active before.
func (c *cooldown) start(now time.Time, named, first, top time.Duration, reason string) bool {
	active := c.active(now)
	length := min(named, maxCooldown)
	if length <= 0 {
		if !active {
			c.step = min(max(first, 2*c.step), top)
		}
		length = c.step
	}
	if until := now.Add(length); until.After(c.until) {
		c.until = until
	}
	c.reason = reason
	return !active
}

// remaining returns how long the cooldown still lasts, for messages.
func (c *cooldown) remaining(now time.Time) time.Duration { return c.until.Sub(now).Round(time.Second) }
