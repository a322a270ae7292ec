package testhelp

import (
	"testing"
	"time"
)

func TestPaceIsNeverFasterThanTheClock(t *testing.T) {
	p := NewPace(t)
	begun := time.Now()
	Eventually(t, "five ticks", func() bool { return p.Took() >= 5*tick })
	p.Restart()
	first := time.Now()
	Eventually(t, "two more", func() bool { return p.Took() >= 2*tick })
	if took := p.Took(); took > time.Since(first)+tick {
		t.Errorf("%s in %s", took, time.Since(begun))
	}
}
