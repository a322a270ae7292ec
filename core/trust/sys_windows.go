package trust

// checkPrivate does nothing: other users have no access to a user's profile.
func checkPrivate(string) error { return nil }
