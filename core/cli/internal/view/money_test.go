package view

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// TestMoneyIsRoundedAsInThePanel: half up, which formatting a floating-point number would not do.
func TestMoneyIsRoundedAsInThePanel(t *testing.T) {
	t.Parallel()
	for amount, want := range map[event.Money]string{
		0: "0.00", 49_999: "<0.0001", 50_000: "0.0001", 3_250_000: "0.0033", 3_249_999: "0.0032", 999_999_999: "1.0000", 1_000_000_000: "1.00",
		1_005_000_000: "1.01", 2_675_000_000: "2.68", 1_234_567_890_000: "1,234.57", 12_070_000_000: "12.07",
	} {
		if got := Money(history.Cost{Amount: amount, Currency: "USD"}); got != want+" USD" {
			t.Errorf("%d: %s, want %s USD", amount, got, want)
		}
	}
}
