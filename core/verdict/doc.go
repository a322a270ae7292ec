// Package verdict says what a site's answer means, and what it is about: the
// address, the channel, the key, the key with this model, the request, or
// nothing.
//
// What is known about sites is data: rules in HCL, the language in which users
// write their own. Judging is a pure function; the package opens no connection,
// reads no file and keeps no state.
//
//   - error.go brings every error into one form: status, codes, message.
//   - rule.go and compile.go are the rules, set.go their order.
//   - status.go decides where no rule matches.
//   - retryafter.go finds how long a site wants to be left alone.
//   - corpus.go holds answers of real sites, which guard the rules.
package verdict
