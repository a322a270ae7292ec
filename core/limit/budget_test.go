package limit

import (
	"testing"
	"time"
)

func TestBeginningAndEndOfPeriods(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	now := time.Date(2026, 3, 29, 12, 34, 56, 0, berlin) // the day has 23 hours
	for per, want := range map[Period][2]string{
		Hour:  {"2026-03-29T12:00:00+02:00", "2026-03-29T13:00:00+02:00"},
		Day:   {"2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		Week:  {"2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		Month: {"2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"},
	} {
		if got := [2]string{per.Start(now.UTC(), berlin).Format(time.RFC3339), per.End(now.UTC(), berlin).Format(time.RFC3339)}; got != want {
			t.Errorf("%s: %v, want %v", per, got, want)
		}
	}
}

func TestABudgetIsNotExceeded(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	bounds := Bounds{Quantity: Quantity{Tokens: 1000}, Per: Day, In: time.UTC}
	b := &Budget{}
	b.Configure(bounds)
	one, _ := b.Reserve(now, Quantity{Tokens: 600})
	two, refused := b.Reserve(now, Quantity{Tokens: 600})
	if refused != nil {
		t.Fatal("with 600 of 1000 reserved no request may start")
	}
	if _, refused = b.Reserve(now, Quantity{Tokens: 1}); refused == nil || !refused.First || !refused.Ends.Equal(now.Add(12*time.Hour)) {
		t.Fatalf("with 1200 of 1000 reserved a request may start: %+v", refused)
	}
	one.Settle(now, Quantity{Tokens: 100})
	one.Settle(now, Quantity{Tokens: 100})
	if _, refused = b.Reserve(now, Quantity{Tokens: 1}); refused != nil {
		t.Fatal("an unused reservation is not given back")
	}
	two.Settle(now, Quantity{Tokens: 900})
	if _, refused = b.Reserve(now, Quantity{Tokens: 1}); refused == nil || refused.First {
		t.Fatalf("1000 of 1000 are spent: %+v", refused)
	}

	c := &Clients{}
	*c.Client("a").Budget = Budget{bounds: bounds, start: b.start, spent: b.spent, reserved: b.reserved}
	again := &Clients{}
	again.Restore(c.Save(now))
	again.Client("a").Budget.Configure(bounds)
	if _, refused = again.Client("a").Budget.Reserve(now, Quantity{}); refused == nil {
		t.Error("what was spent is lost in a restart")
	}
	if _, refused = again.Client("a").Budget.Reserve(now.Add(12*time.Hour), Quantity{}); refused != nil {
		t.Error("the next day has no budget")
	}
}

func TestExpectedOutputOfAModel(t *testing.T) {
	var o Outputs
	if o.Expect("m", 0) != firstOutput || o.Expect("m", 10) != 10 {
		t.Error("an unknown model")
	}
	for range 100 {
		o.Observe("m", 50)
	}
	if o.Expect("m", 0) != 50 {
		t.Error(o.Expect("m", 0))
	}
}
