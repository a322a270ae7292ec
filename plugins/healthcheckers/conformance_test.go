package healthcheckers

import (
	"testing"

	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.HealthChecker(t, httpCheck,
		sdktest.Refuses(sdktest.Settings{"path": "v1/models"}, "path"),
		sdktest.Accepts(sdktest.Settings{"method": "POST", "body": "{}", "header": map[string]string{"X-A": "b"}}))
}

func TestConformanceOfCompletion(t *testing.T) {
	sdktest.HealthChecker(t, completionCheck,
		sdktest.Accepts(sdktest.Settings{"api": "anthropic", "model": "claude"}),
		sdktest.Refuses(sdktest.Settings{"max_tokens": 0}, "max_tokens"))
}
