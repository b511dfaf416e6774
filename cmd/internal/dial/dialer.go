package dial

import (
	"context"
	"errors"
	"fmt"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/internal/nettext"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/channel"
)

// Dialer opens our own data channels to sessions of one configuration.
type Dialer struct {
	Options channel.Options // for every channel
	API     *awsssm.Client
	// Renew looks for newer credentials after AWS refused those there are, with the code given; nil
	// if they cannot be renewed. An error that wraps channel.ErrRefused ends the channel.
	Renew     func(ctx context.Context, code string) error
	closeIdle func() // closes connections to AWS
}

// NewDialer returns a Dialer for the sessions of a configuration.
func NewDialer(conf *awsconf.Session, api *awsssm.Client) (*Dialer, error) {
	proxy, trusted, err := conf.Dialing()
	if err != nil {
		return nil, err
	}
	signed := conf.Config
	d := &Dialer{API: api, closeIdle: conf.CloseIdleConnections, Options: channel.Options{
		Sign: awsssm.Sign(signed), GenerateDataKey: awsssm.DataKey(signed), Proxy: proxy, TLS: trusted,
	}}
	return d, nil
}

// Dial opens a channel to a session. onEvent gets the channel's events.
func (d *Dialer) Dial(ctx context.Context, s *proxy.Session, onEvent func(channel.Event)) (*channel.Channel, error) {
	return d.DialWatched(ctx, s, onEvent, func(error) {})
}

// DialWatched is Dial with onFailure, which gets the error of each failed attempt to
// resume the session.
func (d *Dialer) DialWatched(ctx context.Context, s *proxy.Session, onEvent func(channel.Event), onFailure func(error)) (*channel.Channel, error) {
	o := d.Options
	o.Session, o.OnEvent = s, d.watched(onEvent)
	o.Resume = func(ctx context.Context, id string) (streamURL, token proxy.Secret, err error) {
		if streamURL, token, err = d.resume(ctx, id); err != nil && !errors.Is(err, context.Canceled) {
			onFailure(err)
		}
		return streamURL, token, err
	}
	return channel.Dial(ctx, o)
}

// watched returns a function for a channel's events that passes them on. After a loss by
// silence, no connection of before is used to call AWS: it would be waited for in vain.
func (d *Dialer) watched(onEvent func(channel.Event)) func(channel.Event) {
	return func(e channel.Event) {
		if e.Kind == channel.Lost && channel.Silenced(e.Err) {
			d.closeIdle()
		}
		onEvent(e)
	}
}

// resume asks for a new token. When AWS says that the session cannot be resumed, the
// error is ErrSessionGone: only a new session helps. A stream URL that is not trusted is
// ErrRefused.
func (d *Dialer) resume(ctx context.Context, id string) (streamURL, token proxy.Secret, err error) {
	s, err := d.API.Resume(ctx, id)
	var refused *proxy.Refused
	var distrusted *awsssm.StreamURLError
	switch {
	case err == nil:
		return s.StreamURL, s.Token, nil
	case errors.As(err, &distrusted):
		return streamURL, token, fmt.Errorf("%w: %w", channel.ErrRefused, err)
	case errors.As(err, &refused) && ask.IsOutdated(err) && d.Renew != nil:
		return streamURL, token, errors.Join(err, d.Renew(ctx, refused.Code))
	case errors.As(err, &refused) && !Passes(err) && !ask.IsOutdated(err):
		return streamURL, token, fmt.Errorf("%w: %w", channel.ErrSessionGone, err)
	}
	return streamURL, token, err
}

// ChannelNote describes an event of a channel, "" if the event needs no words.
func ChannelNote(e channel.Event) string {
	switch e.Kind {
	case channel.Lost:
		return "connection lost, resuming: " + nettext.OfConnection(e.Err)
	case channel.Resumed:
		return "connection resumed"
	case channel.Refused:
		return e.Text + " refused a connection; is a server listening there, and can the target reach it?"
	case channel.Dropped:
		return e.Text + " while other connections waited, and was reset; give it a session of its own"
	case channel.Unanswered:
		return fmt.Sprintf("a program closed its sending side and got no answer within %s, so its connection was reset: a session cannot pass on that end, and a server that waits for it never answers", e.Text)
	case channel.AgentBack:
		return "the agent's own connection was lost and is back; what was on its way to the far side may have reached it twice"
	case channel.Unserved:
		return "a connection was reset: no session could be started for it: " + nettext.OfConnection(e.Err)
	case channel.Message:
		return e.Text
	}
	return ""
}
