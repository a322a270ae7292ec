package config

import "testing"

func TestExampleOfAnInnerBlockNamesItsBlock(t *testing.T) {
	for block, want := range map[string]string{
		"strategy": `"strategy" is part of the block "route": name that one`,
		"forward":  `"forward" is part of the block "tunnel": name that one`,
		"timeouts": `"timeouts" is part of the block "channel": name that one`,
	} {
		if _, err := Example(block); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
