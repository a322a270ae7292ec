package unknown

import "github.com/aitunnel/aitunnel/core/verdict"

// Draft is a rule for an answer that was kept, by its anonymised text, for its
// owner to complete; "" if none can be made.
func Draft(text string) string {
	const name = "my-rule"
	c, err := verdict.ParseCase(name, text)
	if err != nil {
		return ""
	}
	answer, err := c.Answer()
	if err != nil {
		return ""
	}
	return verdict.Draft(name, answer, verdict.New(verdict.Options{}).Judge(answer))
}
