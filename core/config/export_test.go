package config

import "time"

func init() { evaluationTime = 2 * time.Second }
