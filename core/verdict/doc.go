// Package verdict decides what a site's answer means, and what it applies to: the
// address, the channel, the key, the key with this model, the request, or
// nothing.
//
// The knowledge about sites is data: rules in HCL, as users write them, too. Judging is a pure function; the package opens no connection,
// reads no file and keeps no state.
//
//   - error.go brings every error into one form: status, codes, message.
//   - rule.go and compile.go are the rules, set.go their order.
//   - status.go decides where no rule matches.
//   - retryafter.go finds how long a site asks to wait.
//   - corpus.go has answers of real sites, which test the rules.
package verdict
