package sshclient

import (
	"errors"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// keepAlive sends keepalives at intervals, and ends the connection if there is no answer.
// After sleep the connection is probably dead, so it waits only briefly then.
func (c *Client) keepAlive(k config.Keepalive) {
	if k.Interval <= 0 {
		return
	}
	ticks := time.NewTicker(k.Interval)
	defer ticks.Stop()
	last := time.Now()
	for {
		select {
		case <-c.done:
			return
		case <-ticks.C:
		}
		timeout := k.Timeout
		if HasSlept(last) {
			timeout = min(timeout, MinStepTimeout)
		}
		last = time.Now()
		if !c.isAlive(timeout) {
			c.fail(temporary(StepConnect, "%s stopped responding: nothing was received or acknowledged for %s%s", c.Address(), timeout, c.hint()))
			c.wire.reset()
			c.Close()
			return
		}
	}
}

// hint returns a hint if large packets may be the cause of a silent connection, else "".
func (c *Client) hint() string {
	if c.wire.unacknowledged() < largePacket {
		return ""
	}
	return " while data was being sent; if that happens with large answers only, 'aitunnel tunnel test' shows whether large packets get lost"
}

// isAlive waits for an answer or another sign of life: data that arrives, or an
// acknowledgement of data sent before the keepalive, which may take long over a slow
// line. The timeout starts at the last sign.
func (c *Client) isAlive(timeout time.Duration) bool {
	asked, position := time.Now(), c.wire.written()
	answered := make(chan struct{}, 2)
	go c.askByChannel(answered)
	second := time.NewTimer(timeout / 2)
	defer second.Stop()
	for {
		last := c.wire.lastProgress(position)
		left := time.Until(latest(asked, last).Add(timeout))
		if left <= 0 {
			return false
		}
		timer := time.NewTimer(min(left, timeout/4)) // acknowledgements have to be polled for
		select {
		case <-answered:
			timer.Stop()
			return true
		case <-c.done:
			timer.Stop()
			return true
		case <-second.C:
			timer.Stop()
			go c.askByRequest(answered)
		case <-timer.C:
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// askByChannel asks for an answer as [askForChannel] does. On a silent connection it
// returns only when the connection ends, so it runs in a goroutine.
func (c *Client) askByChannel(answered chan<- struct{}) {
	if askForChannel(c.client) == nil {
		answered <- struct{}{}
	}
}

// askForChannel requests a channel of a type that does not exist, which every server has to
// refuse, and waits for that.
func askForChannel(client *ssh.Client) error {
	_, _, err := client.OpenChannel("keepalive@aitunnel", nil)
	if refused := (*ssh.OpenChannelError)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}

// askByRequest sends a keepalive as ssh does. It is the second choice: some servers do not
// answer it, and the library sends no other request, such as to listen, before it is
// answered.
func (c *Client) askByRequest(answered chan<- struct{}) {
	if _, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
		answered <- struct{}{} // a refusal is an answer too
	}
}

// HasSlept reports whether the machine has slept since t: the wall clock continues during
// sleep, the monotonic clock does not.
func HasSlept(t time.Time) bool {
	now := time.Now()
	return now.Round(0).Sub(t.Round(0))-now.Sub(t) > 3*time.Second
}
