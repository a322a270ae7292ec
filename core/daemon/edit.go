package daemon

import (
	"context"
	"net/http"

	"github.com/aitunnel/aitunnel/core/admin"
)

var errLater = &admin.Error{Status: http.StatusNotImplemented, Code: "later", Message: "this part is being built"}

func (s *source) Reload(ctx context.Context, cause string, generation uint64) admin.Reload {
	return (*Daemon)(s).Reload(ctx, cause, generation)
}
func (s *source) Plan(ctx context.Context, _ *admin.Draft) (admin.Reload, error) {
	return (*Daemon)(s).Plan(ctx), nil
}
func (s *source) Stats() admin.Summary { return admin.Summary{} }
func (s *source) Explain(admin.Question) (admin.Explanation, error) {
	return admin.Explanation{}, errLater
}
func (s *source) AddChannel(context.Context, admin.ChannelSpec, admin.Match) (admin.Reload, error) {
	return admin.Reload{}, errLater
}
func (s *source) ChangeChannel(context.Context, string, admin.ChannelSpec, admin.Match) (admin.Reload, error) {
	return admin.Reload{}, errLater
}
func (s *source) RemoveChannel(context.Context, string, admin.Match) (admin.Reload, error) {
	return admin.Reload{}, errLater
}
func (s *source) AddKey(context.Context, string, admin.KeySpec, admin.Match) (admin.Key, admin.Reload, error) {
	return admin.Key{}, admin.Reload{}, errLater
}
func (s *source) RemoveKey(context.Context, string, string, admin.Match) (admin.Reload, error) {
	return admin.Reload{}, errLater
}
func (s *source) Text(context.Context) (admin.Text, error) { return admin.Text{}, errLater }
func (s *source) Replace(context.Context, admin.Draft, admin.Match) (admin.Reload, error) {
	return admin.Reload{}, errLater
}
