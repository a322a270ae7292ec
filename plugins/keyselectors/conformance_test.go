package keyselectors

import (
	"testing"

	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	for _, f := range Components() {
		t.Run(f.Name, func(t *testing.T) { sdktest.KeySelector(t, f) })
	}
}
