//go:build !unix

package sdk_test

import "errors"

func beHost() error { return errors.New("hosts are killed on unix only") }
