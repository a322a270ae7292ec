package strategies

import (
	"testing"

	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	for _, f := range Components() {
		t.Run(f.Name, func(t *testing.T) {
			var options []sdktest.Option
			switch f.Name {
			case "lowest-latency":
				options = append(options,
					sdktest.Refuses(sdktest.Settings{"explore": 0.6}, "explore"),
					sdktest.Refuses(sdktest.Settings{"ttl": "0s"}, "ttl"))
			case "sticky":
				options = append(options, sdktest.Refuses(sdktest.Settings{"on": []string{"cookie.a"}}, "on"))
			}
			sdktest.Strategy(t, f, options...)
		})
	}
}
