package config

import "time"

func init() { rehearsalTime = 2 * time.Second }
