package dialect

// CommonBases are the paths at which sites have their API, other than at the root.
var CommonBases = []string{"/api", "/openai", "/api/openai", "/api/v3", "/api/paas/v4", "/compatible-mode"}
