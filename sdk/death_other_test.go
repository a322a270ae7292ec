//go:build !unix

package sdk_test

import "errors"

func runHost() error { return errors.New("hosts are killed on Unix only") }
